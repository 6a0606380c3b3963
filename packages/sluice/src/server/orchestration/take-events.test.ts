import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newId } from "../db/new-id.ts";
import { ServerCore } from "../server-core.ts";

test("a large batch of events lets others write between its portions, and is stored whole", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-events-"));
  const core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
  const post = async (path: string, body: unknown): Promise<string> => {
    const answer = await core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) });
    expect(answer.status, answer.body).toBeLessThan(300);
    return answer.body;
  };
  const occurred = new Date().toISOString();
  const events = Array.from({ length: 5000 }, (_, n) => ({
    id: newId(n),
    occurred,
    event: "tests.happened",
    resource: { "prefect.resource.id": `tests.${n}` },
  }));
  const order: string[] = [];
  const batch = post("/events", events).then(() => order.push("batch"));
  const flow = post("/flows/", { name: "etl" }).then(() => order.push("flow"));
  await Promise.all([batch, flow]);
  expect(order).toEqual(["flow", "batch"]);
  const { total } = JSON.parse(await post("/events/filter", { filter: { event: { name: ["tests.happened"] } } }));
  expect(total).toBe(5000);
  await core.close();
  rmSync(folder, { recursive: true });
});
