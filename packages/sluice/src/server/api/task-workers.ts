import type { ReadTaskWorkersBody, TaskWorkerResponse } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { InvalidRequest, Refusal, reply } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { taskRunBody } from "../queries/render.ts";
import type { Handlers, RouteCall } from "./handler.ts";

/** How long a worker's question is held; it asks again at once. */
const HOLD_MS = 10_000;

/** Task workers, and what the websocket of theirs asks of the core: see `sockets/task-workers.ts`. */
export const taskWorkerHandlers: Handlers = {
  "POST /task_workers/filter": (call, { taskWorkers }) => {
    const { task_worker_filter: filter } = call.body as ReadTaskWorkersBody;
    const workers = taskWorkers.list(filter?.task_keys).map(({ id, taskKeys, seenUs }): TaskWorkerResponse => {
      return { identifier: id, task_keys: taskKeys, timestamp: microsToIso(seenUs) };
    });
    return Promise.resolve(reply(200, workers));
  },
  "POST /sluice/task-queue/next": async (call, { taskQueue, taskWorkers, store }) => {
    const { client_id: id, keys } = bodyOf(call);
    if (typeof id !== "string" || !Array.isArray(keys)) throw invalid();
    const taskKeys = keys.map(String);
    taskWorkers.see(id, taskKeys);
    const held = AbortSignal.timeout(HOLD_MS);
    const offer = await taskQueue.next(taskKeys, call.signal ? AbortSignal.any([held, call.signal]) : held);
    // Whoever is told to ask again at once must not do so in a circle.
    if (!offer && taskQueue.isClosing) throw new Refusal(503, "The server is going away");
    if (!offer) return reply(204);
    if (call.signal?.aborted) {
      await taskQueue.settle(offer.no, false);
      return reply(204);
    }
    return reply(200, { no: offer.no, task_run: taskRunBody(offer.run, store.nowUs()) });
  },
  "POST /sluice/task-queue/settle": async (call, { taskQueue }) => {
    const { no, taken } = bodyOf(call);
    if (typeof no !== "number" || typeof taken !== "boolean") throw invalid();
    await taskQueue.settle(no, taken);
    return reply(204);
  },
  "POST /sluice/task-workers/leave": (call, { taskWorkers }) => {
    taskWorkers.forget(String(bodyOf(call)["client_id"]));
    return Promise.resolve(reply(204));
  },
};

function bodyOf({ body }: RouteCall): Readonly<Record<string, unknown>> {
  if (!isObject(body)) throw invalid();
  return body;
}

function invalid(): InvalidRequest {
  return new InvalidRequest([{ loc: ["body"], msg: "Not a request of a task worker", type: "value_error" }]);
}
