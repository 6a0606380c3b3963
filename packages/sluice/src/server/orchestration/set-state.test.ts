import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StateCreate } from "../../wire/contract/shapes.ts";
import { STATE_TYPES } from "../../wire/state-types.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { endLease } from "../concurrency/concurrency-leases.ts";
import { newId } from "../db/new-id.ts";
import { decodeTransitions } from "../db/transitions.ts";
import { ServerCore } from "../server-core.ts";
import { setFlowRunState } from "./set-flow-run-state.ts";
import { setTaskRunState } from "./task-runs/set-task-run-state.ts";

const START = 1_790_000_000_000_000;
const SLOTS = 2;
const LIMIT = "00000000-0000-4000-8000-000000000001";
const DEPLOYMENT = "00000000-0000-4000-8000-000000000002";
let folder: string;
let core: ServerCore;
let nowUs = START;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-set-state-"));
  nowUs = START;
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => nowUs++ });
  await core.store.write(() => {
    insertLimit(LIMIT, "deployment:d");
    insertLimit(newId(START), "tag:busy");
    core.store
      .statement(
        `INSERT INTO deployment (id, flow_id, name, paused, enforce_parameter_schema, tags, labels, parameters, job_variables, status,
           concurrency_limit_id, created, updated) VALUES (?, 'f', 'd', 0, 1, '[]', '{}', '{}', '{}', 'READY', ?, 0, 0)`,
      )
      .run(DEPLOYMENT, LIMIT);
  });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

function insertLimit(id: string, name: string): void {
  core.store
    .statement(
      `INSERT INTO concurrency_limit (id, name, max_slots, active, active_slots, denied_slots, slot_decay_per_second,
         avg_slot_occupancy_seconds, created, updated) VALUES (?, ?, ?, 1, 0, 0, 0, 2, 0, 0)`,
    )
    .run(id, name, SLOTS);
}

const time = fc.integer({ min: -400, max: 400 }).map((seconds) => microsToIso(START + seconds * 1_000_000));
const proposal = fc.record<StateCreate>(
  {
    type: fc.constantFrom(...STATE_TYPES),
    name: fc.oneof(
      fc.constantFrom("Pending", "Submitting", "Late", "AwaitingRetry", "Resuming", "Suspended"),
      fc.string(),
    ),
    message: fc.option(fc.string()),
    data: fc.constantFrom(null, { type: "unpersisted" }, { type: "reference", storage_key: "k" }, "text"),
    state_details: fc.record(
      {
        scheduled_time: fc.option(time),
        pause_timeout: fc.option(time),
        pause_key: fc.option(fc.constantFrom("p", "q")),
        pause_reschedule: fc.boolean(),
        retriable: fc.option(fc.boolean()),
        cache_key: fc.option(fc.constantFrom("a", "b", "x".repeat(2001))),
        cache_expiration: fc.option(time),
        refresh_cache: fc.option(fc.boolean()),
        deferred: fc.boolean(),
        transition_id: fc.option(fc.uuid()),
        deployment_concurrency_lease_id: fc.option(fc.constant(LIMIT)),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["type"] },
);
const RUNS = 4;
const step = fc.record({
  run: fc.nat(RUNS - 1),
  state: proposal,
  force: fc.boolean(),
  client: fc.constantFrom("3.8.8", "3.4.10", "3.0.0", ""),
  secondsLater: fc.oneof(fc.constant(0), fc.nat(400)),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Takes a walk from fresh runs; after each step `check` looks at the whole store. */
async function walk(
  ids: readonly string[],
  steps: readonly Step[],
  { take, check }: { readonly take: (id: string, step: Step) => void; readonly check: () => void },
) {
  for (const one of steps) {
    nowUs += one.secondsLater * 1_000_000;
    await core.store.write(() => {
      for (const { id } of rows("SELECT id FROM concurrency_lease WHERE expires < ?", nowUs))
        endLease(core.store, String(id));
      take(ids[one.run] ?? "", one);
      check();
    });
  }
}
const rows = (sql: string, ...parameters: (string | number)[]) => core.store.query(sql, parameters);

/** Every limit counts as many slots as its leases have, and no more than it has. */
function checkSlots(): void {
  const counted = rows(
    `SELECT l.active_slots AS active, (SELECT coalesce(sum(c.slots), 0) FROM concurrency_lease_limit k JOIN concurrency_lease c ON c.id = k.lease_id
       WHERE k.limit_id = l.id) AS leased FROM concurrency_limit l`,
  );
  for (const { active, leased } of counted) {
    expect(active).toBe(leased);
    expect(Number(active)).toBeLessThanOrEqual(SLOTS);
  }
}

/** What holds a slot is a run that may hold one, and none holds two. */
function checkHolders(table: "flow_run" | "task_run", isHolding: (type: string, name: string) => boolean): void {
  const holders = rows(
    `SELECT r.id, r.state_type AS type, r.state_name AS name FROM concurrency_lease c LEFT JOIN ${table} r ON r.id = c.holder_id`,
  );
  expect(new Set(holders.map(({ id }) => id)).size).toBe(holders.length);
  for (const { type, name } of holders)
    expect([type, name, isHolding(String(type), String(name))]).toEqual([type, name, true]);
}

test("flow runs walk from any state to any other, are never lost, and no slot leaks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const ids = await core.store.write(() =>
        Array.from({ length: RUNS }, () => {
          const id = newId(nowUs);
          const empirical_policy = JSON.stringify({ retries: 1, retry_delay: 5 });
          core.store.flowRuns.insert({ id, name: id, flow_id: "f", deployment_id: DEPLOYMENT, empirical_policy });
          return id;
        }),
      );
      const take = (id: string, { state, force, client }: Step): void => {
        const before = decodeTransitions(core.store.flowRuns.byId(id)?.transitions ?? "[]").length;
        const userAgent = client === "" ? undefined : `prefect/${client} (API 0.8.4)`;
        const propose = () => setFlowRunState(core, { id, state, policy: force ? "minimal" : "core", userAgent });
        const { isNew, result } = propose();
        const row = core.store.flowRuns.byId(id);
        expect(result.state?.type).toBe(row?.state_type ?? undefined);
        expect(decodeTransitions(row?.transitions ?? "[]").length).toBe(before + (isNew ? 1 : 0));
        if (!force && result.status === "ACCEPT" && state.state_details?.transition_id) {
          expect(propose()).toMatchObject({
            isNew: false,
            result: { status: "REJECT", state: { id: result.state?.id } },
          });
        }
      };
      await walk(ids, steps, {
        take,
        check: () => {
          checkSlots();
          checkHolders(
            "flow_run",
            (type, name) => ["PENDING", "RUNNING", "CANCELLING"].includes(type) || name === "AwaitingRetry",
          );
        },
      });
      await core.store.write(() => {
        for (const id of ids) setFlowRunState(core, { id, state: { type: "CANCELLED" }, policy: "minimal" });
      });
      expect(rows("SELECT active_slots FROM concurrency_limit WHERE id = ?", LIMIT)).toEqual([{ active_slots: 0 }]);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test("task runs walk from any state to any other, are never lost, and no slot leaks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const ids = await core.store.write(() => Array.from({ length: RUNS }, () => insertTaskRun()));
      const take = (id: string, { state, force }: Step): void => {
        const { result } = setTaskRunState(core, { id, state, force });
        expect(result.state?.type).toBe(core.store.taskRuns.byId(id)?.state_type ?? undefined);
      };
      await walk(ids, steps, {
        take,
        check: () => {
          checkSlots();
          checkHolders("task_run", (type) => type === "RUNNING" || type === "CANCELLING");
        },
      });
      await core.store.write(() => {
        for (const id of ids) setTaskRunState(core, { id, state: { type: "CANCELLED" }, force: true });
      });
      expect(rows("SELECT count(*) AS n FROM concurrency_lease")).toEqual([{ n: 0 }]);
    }),
    { numRuns: 150 },
  );
}, 60_000);

function insertTaskRun(): string {
  const id = newId(nowUs);
  const totals = { stateType: null, stateTimestampUs: 0, startUs: null, endUs: null, expectedStartUs: null };
  core.store.taskRuns.insert(
    {
      id,
      flowRunId: null,
      name: id,
      taskKey: "t",
      dynamicKey: id,
      childFlowRunId: null,
      processId: null,
      details: JSON.stringify({ tags: ["busy"], empirical_policy: { retries: 1, retry_delay: [1, 2] } }),
      createdUs: nowUs,
    },
    {
      stateName: null,
      transitions: "[]",
      totals: { ...totals, nextScheduledStartUs: null, runCount: 0, totalRunTimeUs: 0 },
    },
  );
  return id;
}
