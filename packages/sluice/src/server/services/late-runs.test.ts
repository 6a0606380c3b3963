import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { microsToIso } from "../../wire/timestamp.ts";
import { ServerCore } from "../server-core.ts";
import { lateRuns } from "./late-runs.ts";

test("a scheduled run that nobody starts in time becomes late, once, and keeps its time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-late-"));
  let nowUs = Date.UTC(2026, 0, 1) * 1000;
  const core = ServerCore.open({
    databaseFile: join(folder, "sluice.db"),
    nowUs: () => nowUs++,
    settings: { lateRunsEnabled: false },
  });
  const call = async (method: string, path: string, body?: unknown) => {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await core.handle({ method, path: `/api${path}`, ...text });
    expect(answer.status, answer.body).toBeLessThan(300);
    return JSON.parse(answer.body);
  };
  const flow = await call("POST", "/flows/", { name: "f" });
  const at = (seconds: number) => microsToIso(nowUs + seconds * 1e6);
  const scheduled = async (seconds: number) =>
    await call("POST", "/flow_runs/", {
      flow_id: flow.id,
      state: { type: "SCHEDULED", state_details: { scheduled_time: at(seconds) } },
    });
  const [soon, later] = [await scheduled(10), await scheduled(3600)];
  nowUs += 20_000_000;
  await lateRuns.run(core);
  expect((await call("GET", `/flow_runs/${soon.id}`)).state_name).toBe("Scheduled");
  nowUs += 10_000_000;
  await lateRuns.run(core);
  await lateRuns.run(core);
  const late = await call("GET", `/flow_runs/${soon.id}`);
  expect(late).toMatchObject({ state_type: "SCHEDULED", state_name: "Late" });
  expect(late.next_scheduled_start_time).toBe(soon.next_scheduled_start_time);
  expect(await call("GET", `/flow_run_states/?flow_run_id=${soon.id}`)).toHaveLength(2);
  expect((await call("GET", `/flow_runs/${later.id}`)).state_name).toBe("Scheduled");
  await core.close();
  rmSync(folder, { recursive: true });
});
