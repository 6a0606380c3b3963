import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";
import { readNewLogs } from "./read-logs.ts";

let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-read-logs-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
  const answer = await core.handle({ method, path: `/api${path}`, body: JSON.stringify(body) });
  expect(answer.status, answer.body).toBeLessThan(300);
  // Every answer is an object, or empty.
  return JSON.parse(answer.body || "{}") as Record<string, unknown>;
}

const log = (flow_run_id: unknown, messages: readonly string[]) =>
  call(
    "POST",
    "/logs/",
    messages.map((message) => ({ name: "n", level: 20, message, timestamp: "2026-09-21T14:13:20Z", flow_run_id })),
  );

test("whoever reads on misses no line when the newest lines before it are deleted with their run", async () => {
  const { id: flow_id } = await call("POST", "/flows/", { name: "f" });
  const { id: kept } = await call("POST", "/flow_runs/", { flow_id });
  const { id: deleted } = await call("POST", "/flow_runs/", { flow_id });
  await log(kept, ["one"]);
  await log(deleted, ["two", "three", "four"]);
  const follow = (after: number | undefined) =>
    readNewLogs(core.store, { flow_run_id: { any_: [String(kept)] } }, { after, limit: 10 });
  const { after } = follow(undefined);
  await call("DELETE", `/flow_runs/${String(deleted)}`);
  expect(core.store.query("SELECT message FROM log", [])).toEqual([{ message: "one" }]);
  await log(kept, ["five"]);
  const news = follow(after);
  expect(news.logs.map(({ message }) => message)).toEqual(["five"]);
  await log(kept, ["six"]);
  expect(follow(news.after).logs.map(({ message }) => message)).toEqual(["six"]);
});
