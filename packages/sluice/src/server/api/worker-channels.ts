import {
  CHANNEL_VERSION,
  cleanupWish,
  type ChannelFault,
  type ChannelOpening,
  type ChannelWait,
  type CleanupAct,
  type CleanupClaim,
  type WorkerHello,
} from "../../wire/worker-channel.ts";
import { InvalidRequest, Refusal, reply } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import type { ServerCore } from "../server-core.ts";
import { actOnCleanup } from "../work-pools/cleanup-queue.ts";
import { checkJobTemplate } from "../work-pools/job-template.ts";
import { poolById, poolByName, queueByName, queuesOf, type WorkPoolRow } from "../work-pools/pool-rows.ts";
import { createPool, noteHeartbeat, updatePool } from "../work-pools/pools.ts";
import { snapshotOf } from "../work-pools/worker-channels.ts";
import { param, type Handlers } from "./handler.ts";
import { checkDefaults, isReserved } from "./work-pools.ts";

/**
 * What the side that holds the sockets of worker channels asks the core. Its requests are of the shapes in `wire/worker-channel.ts`; the frames behind
 * them were checked there.
 */
export const workerChannelHandlers: Handlers = {
  "POST /sluice/worker-channels": async (call, core) => {
    const body = objectOf(call.body);
    // Checked as a frame by the caller.
    const hello = body["hello"] as WorkerHello;
    return reply(200, await open(core, String(body["work_pool_name"]), hello));
  },
  "POST /sluice/worker-channels/{id}/wait": async (call, core) =>
    // Made by the caller.
    reply(
      200,
      await core.workerChannels.wait(param(call, "id"), objectOf(call.body) as unknown as ChannelWait, call.signal),
    ),
  "POST /sluice/worker-channels/{id}/cleanup": async (call, core) => {
    // Checked as a frame by the caller.
    const act = objectOf(call.body) as unknown as CleanupClaim & { readonly operation: CleanupAct };
    const id = param(call, "id");
    const result = await core.store.write(() => {
      const done = actOnCleanup(core, id, act);
      // Released or overdue, it may be another worker's now.
      if (done.status !== "not_found") core.workerChannels.noteChange(id);
      return done;
    });
    return reply(200, result);
  },
};

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (isObject(body)) return body;
  throw new InvalidRequest([{ loc: ["body"], msg: "Input should be an object", type: "model_attributes_type" }], body);
}

async function open(core: ServerCore, poolName: string, hello: WorkerHello): Promise<ChannelOpening> {
  if (!cleanupWish(hello)) return { fault: "protocol_error" };
  if (!hello.supported_channel_versions.includes(CHANNEL_VERSION)) return { fault: "unsupported_version" };
  try {
    return await core.store.write(() => {
      const pool = poolOf(core, poolName, hello);
      const queues = queuesOfWorker(core, pool, hello);
      noteHeartbeat(core, pool, { name: hello.worker_name, intervalSeconds: hello.heartbeat_interval_seconds });
      const shown = poolById(core.store, pool.id) ?? pool;
      return { snapshot: snapshotOf(core.store, shown), queues: queues.map(({ id, name }) => ({ id, name })) };
    });
  } catch (error) {
    if (error instanceof ChannelRefused) return { fault: error.fault };
    if (error instanceof InvalidRequest || error instanceof Refusal) return { fault: "protocol_error" };
    throw error;
  }
}

/** Undoes what an opening has written so far. */
class ChannelRefused extends Error {
  readonly fault: ChannelFault;

  constructor(fault: ChannelFault) {
    super(fault);
    this.name = "ChannelRefused";
    this.fault = fault;
  }
}

/** The worker's pool: made if it may be, given the worker's template if it has none. */
function poolOf(core: ServerCore, name: string, hello: WorkerHello): WorkPoolRow {
  const { store } = core;
  const { default_base_job_template: template = {} } = hello;
  const known = poolByName(store, name);
  if (!known) {
    if (!hello.create_pool_if_not_found || isReserved(name)) throw new ChannelRefused("authorization_failed");
    checkJobTemplate({ base_job_template: template });
    checkDefaults(core, template);
    const made = createPool(core, { name, type: hello.worker_type, base_job_template: template });
    if (!made) throw new ChannelRefused("transient_server_error");
    return made;
  }
  if (known.base_job_template !== "{}" || Object.keys(template).length === 0) return known;
  checkJobTemplate({ base_job_template: template });
  checkDefaults(core, template);
  updatePool(core, known, { base_job_template: template });
  return poolById(store, known.id) ?? known;
}

function queuesOfWorker({ store }: ServerCore, pool: WorkPoolRow, hello: WorkerHello) {
  const names = [...new Set(hello.work_queue_names)];
  if (names.length === 0) return queuesOf(store, pool.id);
  return names.map((name) => {
    const queue = queueByName(store, pool.id, name);
    if (!queue) throw new ChannelRefused("authorization_failed");
    return queue;
  });
}
