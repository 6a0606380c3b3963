import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CleanupMessage } from "../../wire/worker-channel.ts";
import { ServerCore } from "../server-core.ts";
import { cancellationCleanup } from "../services/cancellation-cleanup.ts";
import { actOnCleanup, addCleanup, reserveCleanup } from "./cleanup-queue.ts";

const KIND = "cancelling_timeout_teardown.v1" as const;
const LEASE_US = 30e6;
let folder: string;
let core: ServerCore;
let now = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-cleanup-"));
  now = 1_700_000_000_000_000;
  core = open();
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

function open(): ServerCore {
  return ServerCore.open({ databaseFile: join(folder, "sluice.db"), nowUs: () => (now += 1) });
}

/** Asks for the tear-down of a run's infrastructure. */
const add = (key: string, queueId: string | null = null) =>
  core.store.write(() =>
    addCleanup(core.store, { key, poolId: "p", queueId, kind: KIND, target: { flow_run_id: key } }),
  );
const take = (queueIds: string[] = [], othersQueueIds: string[] = []): Promise<CleanupMessage | undefined> =>
  core.store.write(() => reserveCleanup(core, { poolId: "p", kinds: [KIND], queueIds, othersQueueIds }));
const act = (operation: "ack" | "release" | "renew", message: CleanupMessage | undefined) =>
  core.store.write(() => {
    const { message_id = "", reservation_token = "" } = message ?? {};
    const { status } = actOnCleanup(core, "p", { operation, message_id, reservation_token });
    return status;
  });
const keyOf = (message: CleanupMessage | undefined) => message?.target["flow_run_id"];

test("a message is given to one worker at a time, until it says that it is done", async () => {
  await add("a");
  await add("a");
  const given = await take();
  expect([keyOf(given), given?.delivery_count, await take()]).toEqual(["a", 1, undefined]);
  expect(await act("renew", given)).toBe("accepted");
  expect([await act("ack", given), await act("ack", given), await take()]).toEqual([
    "accepted",
    "not_found",
    undefined,
  ]);
  await add("a");
  expect(await take()).toBeUndefined();
});

test("a message that nobody answers for is given again, three times at most, restarts included", async () => {
  await add("a");
  const first = await take();
  now += LEASE_US;
  await core.close();
  core = open();
  const second = await take();
  expect([second?.delivery_count, await act("ack", first)]).toEqual([2, "invalid_token"]);
  expect(await act("release", second)).toBe("accepted");
  const third = await take();
  now += LEASE_US;
  expect([await act("renew", third), await take()]).toEqual(["dead_lettered", undefined]);
});

test("messages of a queue go to a worker of the queue as long as there is one", async () => {
  await add("theirs", "q1");
  await add("nobody's", "q2");
  await add("mine", "q3");
  expect(keyOf(await take(["q3"], ["q1"]))).toBe("mine");
  expect(keyOf(await take(["q3"], ["q1"]))).toBe("nobody's");
  expect(await take(["q3"], ["q1"])).toBeUndefined();
  expect(keyOf(await take(["q3"]))).toBe("theirs");
});

test("a held question is answered at once when a message comes, and gives none to who has gone", async () => {
  const { body } = await core.handle({ method: "POST", path: "/api/work_pools/", body: '{"name": "pool"}' });
  const pool: { id: string } = JSON.parse(body);
  const snapshot = await core.workerChannels.wait(pool.id, { cursor: 0, wait_seconds: 0 });
  const wait = { cursor: snapshot.snapshot?.cursor ?? 0, wait_seconds: 60, cleanup: { kinds: [KIND], queue_ids: [] } };
  const gone = new AbortController();
  const [left, held] = [core.workerChannels.wait(pool.id, wait, gone.signal), core.workerChannels.wait(pool.id, wait)];
  gone.abort();
  expect(await left).toEqual({});
  await core.store.write(() => {
    addCleanup(core.store, { key: "k", poolId: pool.id, queueId: null, kind: KIND, target: {} });
    core.workerChannels.noteChange(pool.id);
  });
  expect((await held).cleanup?.delivery_count).toBe(1);
});

test("a run whose cancelling timed out is torn down by a worker of its queue", async () => {
  const post = async (path: string, body: object): Promise<{ id: string }> =>
    JSON.parse((await core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) })).body);
  const pool = await post("/work_pools/", { name: "pool", type: "process" });
  const queue = await post("/work_pools/pool/queues", { name: "q" });
  const flow = await post("/flows/", { name: "f" });
  const run = await post("/flow_runs/", { flow_id: flow.id, state: { type: "RUNNING" } });
  await core.store.write(() =>
    core.store.flowRuns.patch(run.id, { work_queue_id: queue.id, infrastructure_pid: "host:1" }),
  );
  await post(`/flow_runs/${run.id}/set_state`, { state: { type: "CANCELLING" } });
  now += 3600e6;
  await cancellationCleanup.run(core);
  await cancellationCleanup.run(core);
  const search = { poolId: pool.id, kinds: [KIND], queueIds: [queue.id], othersQueueIds: [] };
  const given = await core.store.write(() => [reserveCleanup(core, search), reserveCleanup(core, search)]);
  expect(given).toMatchObject([
    { kind: KIND, work_queue_id: queue.id, target: { flow_run_id: run.id, infrastructure_pid: "host:1" } },
    undefined,
  ]);
});
