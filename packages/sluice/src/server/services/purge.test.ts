import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newId } from "../db/new-id.ts";
import { Store } from "../db/store.ts";
import { noHistory } from "../db/run-columns.ts";
import { deleteFlowRun } from "./purge.ts";

test("what a run reports while it is deleted is never taken for another run's", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-purge-"));
  const store = Store.open(join(folder, "sluice.db"));
  const flowRun = () =>
    store.write(() => {
      const id = newId(store.nowUs());
      store.flowRuns.insert({ id, flow_id: store.flows.ensure("flow"), name: "run" });
      return id;
    });
  const report = (flowRunId: string) =>
    store.write(() => {
      const now = store.nowUs();
      const identity = { name: "task", taskKey: "task", dynamicKey: "0", childFlowRunId: null, processId: null };
      store.taskRuns.insert({ ...identity, id: newId(now), flowRunId, details: null, createdUs: now }, noHistory());
    });
  const counted: unknown[] = [];
  for (let turns = 0; turns < 6; turns++) {
    const deleted = await flowRun();
    const deletion = deleteFlowRun(store, deleted);
    for (let turn = 0; turn < turns; turn++) await store.write(() => undefined);
    // After what the deletion does in this turn.
    for (let tick = 0; tick < 10; tick++) await Promise.resolve();
    await Promise.all([report(deleted), deletion]);
    const next = await flowRun();
    await report(next);
    counted.push(...store.query("SELECT count(*) AS n FROM task_run_row WHERE flow_run_id = ?", [next]));
  }
  expect(counted).toEqual(Array.from({ length: 6 }, () => ({ n: 1 })));
  store.close();
  rmSync(folder, { recursive: true });
});
