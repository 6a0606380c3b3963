import { randomUUID } from "node:crypto";
import { loadSettings } from "../client/settings.ts";
import type { RunRecordBatch, TaskRunRecord } from "../wire/run-record.ts";
import { openHome } from "./home.ts";

/*
 * A process of a home, for the tests: opens it, reports one open task run, then writes batches of finished ones, one after the other, and
 * prints `role …` and, after each acknowledgement, `acked <number of records> <milliseconds it took>`. Arguments: batches (0 for no end),
 * records a batch.
 */
const [count = 0, size = 1] = process.argv.slice(2).map(Number);
const batches = count === 0 ? Number.POSITIVE_INFINITY : count;
const home = await openHome(loadSettings());
console.log("role", home.role());

function taskRecord(final: boolean): TaskRunRecord {
  const id = randomUUID();
  const nowUs = Date.now() * 1000;
  const run = { name: "t", flow_run_id: null, task_key: "t", dynamic_key: id };
  const running = ["RUNNING", "Running", nowUs] as const;
  const transitions = final ? [running, ["COMPLETED", "Completed", nowUs + 1] as const] : [running];
  return { kind: "task", id, base: 0, transitions, run };
}

async function write(records: readonly TaskRunRecord[]): Promise<void> {
  const body = JSON.stringify({ process_id: home.processId, records } satisfies RunRecordBatch);
  const answer = await home.transport.send({ method: "POST", path: "/api/sluice/run-records", body });
  if (answer.status > 202) throw new Error(`${String(answer.status)} ${answer.body}`);
}

await write([taskRecord(false)]);
console.log("acked", 1, 0);
for (let batch = 0; batch < batches; batch++) {
  const startMs = performance.now();
  await write(Array.from({ length: size }, () => taskRecord(true)));
  console.log("acked", size, Math.round(performance.now() - startMs));
}
console.log("role", home.role());
