import type { RecordVerdict, RunRecordBatch, RunRecordReply, TaskRunRecord } from "../../wire/run-record.ts";
import type { TagSlotsRequest } from "../../wire/tag-slots.ts";
import type { UrlAddress } from "../http-transport.ts";
import type { ApiRequest, ApiResponse, Transport } from "../transport.ts";
import { CancelWatch } from "./cancel-watch.ts";
import { EventStream } from "./event-stream.ts";
import { FlowRuns } from "./flow-runs.ts";
import { Heartbeats } from "./heartbeats.ts";
import { logBatches } from "./log-batches.ts";
import { PrefectCalls, wellFormedJson } from "./prefect-calls.ts";
import { openPrefectSocket } from "./prefect-socket.ts";
import { readRestTree } from "./rest-tree.ts";
import { TagLeases } from "./tag-leases.ts";
import { TaskRuns } from "./task-runs.ts";

/** Flow runs of one batch whose transitions are proposed at the same time. */
const PROPOSALS_AT_ONCE = 8;
/** Answers by which the server may mean one line of a batch of logs. */
const LINE_REFUSED: ReadonlySet<number> = new Set([400, 413, 422, 500]);
/** A request for tag slots is held this long, below the time that any transport waits for an answer. */
const SLOTS_HOLD_MS = 20_000;

export interface PrefectStoreOptions {
  /** Way to the server's REST API. Closed with the store. */
  readonly transport: Transport;
  readonly address: UrlAddress;
  readonly heartbeatSeconds: number;
  /** Told of flow runs that somebody has set to CANCELLING, or ended. */
  readonly onCancelling: (flowRunIds: readonly string[]) => void;
  /** Told, in a sentence for the user, what delays or loses something. */
  readonly onTrouble: (message: string) => void;
}

/**
 * A Prefect server as the engine's store: takes what a server of ours takes, and tells it in Prefect's calls.
 *
 * Of a batch of run records first the task runs go, as events, then the flow runs, each transition proposed (`flow-runs.ts`): so the server has what a flow run did before
 * it hears how it ended. The batch is answered when the server has it all; where it cannot be reached the batch fails as a whole, and is given again. Logs are cut to the
 * server's size; `/api/sluice/tag-slots` and `/api/sluice/flow_runs/{id}/tree` are answered here; everything else goes to the server as it is.
 */
export class PrefectStore implements Transport {
  readonly #transport: Transport;
  readonly #calls: PrefectCalls;
  readonly #flowRuns: FlowRuns;
  readonly #taskRuns: TaskRuns;
  readonly #events: EventStream;
  readonly #leases: TagLeases;
  readonly #heartbeats: Heartbeats;
  readonly #cancelWatch: CancelWatch;
  readonly #onTrouble: (message: string) => void;

  constructor(options: PrefectStoreOptions) {
    const { transport, address, onTrouble } = options;
    const calls = new PrefectCalls(transport);
    this.#transport = transport;
    this.#onTrouble = onTrouble;
    this.#calls = calls;
    this.#flowRuns = new FlowRuns({
      calls,
      nowMs: () => performance.now(),
      onOpened: () => this.#cancelWatch.begin(),
      onRunning: (run) => this.#heartbeats.begin(run),
    });
    this.#taskRuns = new TaskRuns((id) => this.#flowRuns.find(id));
    this.#events = new EventStream({
      connect: () => openPrefectSocket(address, "/events/in"),
      post: (body) => transport.send({ method: "POST", path: "/api/events", body }),
      onTrouble,
    });
    this.#leases = new TagLeases({ calls, onTrouble });
    this.#heartbeats = new Heartbeats({
      everySeconds: options.heartbeatSeconds,
      open: () => this.#flowRuns.open(),
      deliver: (events) => this.#events.deliver(events),
    });
    this.#cancelWatch = new CancelWatch({
      connect: () => openPrefectSocket(address, "/events/out"),
      calls,
      openIds: () => this.#flowRuns.open().map(({ id }) => id),
      onCancelling: options.onCancelling,
      onTrouble,
    });
  }

  async send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    const { method, path, body = "" } = request;
    if (!path.startsWith("/api/sluice/")) {
      return method === "POST" && path === "/api/logs/" ? this.#takeLogs(body) : this.#transport.send(request, signal);
    }
    const [, treeOf] = /^\/api\/sluice\/flow_runs\/([^/?]+)\/tree(?:\?|$)/.exec(path) ?? [];
    if (treeOf !== undefined) return this.#answerTree(treeOf);
    // Both bodies were written by this package.
    if (path === "/api/sluice/run-records") return this.#takeRecords(JSON.parse(body) as RunRecordBatch);
    if (path === "/api/sluice/tag-slots") return this.#takeSlots(JSON.parse(body) as TagSlotsRequest, signal);
    return { status: 404, body: '{"detail":"Not Found"}' };
  }

  async close(): Promise<void> {
    this.#heartbeats.close();
    await Promise.all([this.#cancelWatch.close(), this.#leases.close()]);
    await this.#events.close();
    await this.#transport.close();
  }

  async #takeRecords({ records }: RunRecordBatch): Promise<ApiResponse> {
    const verdicts = await this.#takeTaskRuns(records.filter((record) => record.kind === "task"));
    const flowRuns = records.filter((record) => record.kind === "flow");
    const answers = await inParallel(flowRuns, PROPOSALS_AT_ONCE, (record) => this.#flowRuns.take(record));
    const reply: RunRecordReply = { verdicts: [...verdicts, ...answers.filter((verdict) => verdict !== undefined)] };
    return { status: 200, body: JSON.stringify(reply) };
  }

  async #takeTaskRuns(records: readonly TaskRunRecord[]): Promise<readonly RecordVerdict[]> {
    const taken = records.map((record) => ({ id: record.id, ...this.#taskRuns.take(record) }));
    await this.#events.deliver(taken.flatMap(({ events }) => events));
    for (const { id, isOver } of taken) if (isOver) this.#leases.release(id);
    return taken.flatMap(({ verdict }) => verdict ?? []);
  }

  async #takeLogs(body: string): Promise<ApiResponse> {
    let answer: ApiResponse = { status: 201, body: "" };
    for (const batch of logBatches(wellFormedJson(body))) {
      answer = await this.#postLogs(batch);
      if (answer.status >= 300) break;
    }
    return answer;
  }

  /** Posts a batch; a line that the server does not take is told and left out, since it would hold up all others. */
  async #postLogs(batch: string): Promise<ApiResponse> {
    const answer = await this.#transport.send({ method: "POST", path: "/api/logs/", body: batch });
    if (answer.status < 300 || !LINE_REFUSED.has(answer.status)) return answer;
    // The tracker wrote this list.
    const lines = JSON.parse(batch) as readonly unknown[];
    if (lines.length <= 1) {
      this.#onTrouble(`The server refused a line of a log, which is lost: ${answer.body.slice(0, 300)}`);
      return { status: 201, body: "" };
    }
    const half = Math.ceil(lines.length / 2);
    const first = await this.#postLogs(JSON.stringify(lines.slice(0, half)));
    return first.status < 300 ? this.#postLogs(JSON.stringify(lines.slice(half))) : first;
  }

  async #takeSlots(run: TagSlotsRequest, signal: AbortSignal | undefined): Promise<ApiResponse> {
    const isTaken = await this.#leases.take({ id: run.task_run_id, tags: run.tags }, SLOTS_HOLD_MS, signal);
    return { status: isTaken ? 200 : 423, body: "{}" };
  }

  async #answerTree(flowRunId: string): Promise<ApiResponse> {
    const tree = await readRestTree(this.#calls, flowRunId);
    if (tree === undefined) return { status: 404, body: '{"detail":"Flow run not found"}' };
    return { status: 200, body: JSON.stringify(tree) };
  }
}

/** Does all of `items`, at most `limit` at a time, and gives the answers in their order. Fails after all have ended, with the first failure. */
async function inParallel<T, R>(items: readonly T[], limit: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const answers: PromiseSettledResult<R>[] = [];
  for (let from = 0; from < items.length; from += limit)
    answers.push(...(await Promise.allSettled(items.slice(from, from + limit).map(act))));
  return answers.map((answer) => {
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  });
}
