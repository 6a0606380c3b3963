import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerCore } from "../../../packages/sluice/src/server/index.ts";
import { newId } from "../../../packages/sluice/src/server/db/new-id.ts";
import { KINDS, runGrid, type Call, type Grid } from "./grid.ts";
import { takeWalks } from "./walks.ts";

/** What Prefect 3.8.8 answered; see `record.ts`. */
const recorded = read("./prefect-3.8.8.json") as Grid;
const recordedWalks = read("./prefect-3.8.8-walks.json") as Record<string, string[]>;
function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
}

let folder: string;
let core: ServerCore;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-transitions-"));
  core = ServerCore.open({
    databaseFile: join(folder, "sluice.db"),
    // What was recorded is what requests alone do.
    settings: { pauseExpirationsEnabled: false, lateRunsEnabled: false, cancellationCleanupEnabled: false },
  });
});
afterAll(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

const call: Call = async (method, path, { body, userAgent = "replay" } = {}) => {
  if (path === "/deployments/") return { status: 201, json: { id: await insertDeployment(body as NewDeployment) } };
  const answer = await core.handle({
    method,
    path: `/api${path}`,
    userAgent,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: answer.body === "" ? undefined : (JSON.parse(answer.body) as unknown) };
};

interface NewDeployment {
  readonly flow_id: string;
  readonly concurrency_limit?: number;
  readonly concurrency_options?: unknown;
}

function insertDeployment({ flow_id, concurrency_limit, concurrency_options }: NewDeployment): Promise<string> {
  const { store } = core;
  return store.write(() => {
    const id = newId(store.nowUs());
    const limitId = concurrency_limit === undefined ? null : newId(store.nowUs());
    store
      .statement(
        `INSERT INTO deployment (id, flow_id, name, paused, enforce_parameter_schema, tags, labels, parameters, job_variables, status,
           concurrency_limit_id, concurrency_options, created, updated)
         VALUES (?, ?, ?, 0, 1, '[]', '{}', '{}', '{}', 'NOT_READY', ?, ?, 0, 0)`,
      )
      .run(id, flow_id, id, limitId, concurrency_options === undefined ? null : JSON.stringify(concurrency_options));
    const insertLimit = store.statement(
      `INSERT INTO concurrency_limit (id, name, max_slots, active, active_slots, denied_slots, slot_decay_per_second,
         avg_slot_occupancy_seconds, created, updated) VALUES (?, ?, ?, 1, 0, 0, 0, 2, 0, 0)`,
    );
    if (limitId !== null) insertLimit.run(limitId, `deployment:${id}`, concurrency_limit ?? 0);
    return id;
  });
}

/** The answers to a kind of run, one line a case. */
function lines(grid: Grid, name: string): string[] {
  const proposals = Object.keys(KINDS[name]?.proposals ?? {});
  return Object.entries(grid.cells[name] ?? {}).flatMap(([start, numbers]) =>
    numbers.map((number, index) => `${start} -> ${proposals[index] ?? ""}: ${grid.outcomes[number] ?? ""}`),
  );
}

describe("proposed transitions are answered as Prefect does", () => {
  test.each(Object.entries(KINDS))("of a %s", async (name, kind) => {
    const ours = lines(await runGrid(call, { [name]: kind }, 50), name);
    expect(ours).toEqual(lines(recorded, name));
    expect(ours.length).toBeGreaterThan(10);
  });
});

test("runs of a limited deployment take, keep and give back slots as Prefect's do", async () => {
  // A paused run has given its slot back. Prefect gives one back again when the run is over, which was another run's.
  const paused = "a pause gives the slot back, and does not take it again";
  const lines = recordedWalks[paused]?.map((line) =>
    line.includes("COMPLETED") ? line.replace("active_slots:0", "active_slots:1") : line,
  );
  expect(await takeWalks(call)).toEqual({ ...recordedWalks, [paused]: lines });
});
