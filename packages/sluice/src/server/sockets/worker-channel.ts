/**
 * `WS /api/work_pools/{name}/workers/connect`: the channel of a worker.
 *
 * greeted -> hello -> ready with the pool as it is -> open: heartbeats, and acts on cleanup messages, come from the worker; the pool as it is now, and
 * cleanup messages, go to it -> closed by either end.
 *
 * The worker's frames are dealt with one after the other. Beside them one request is always under way that the core answers when there is news; it ends
 * with the socket, so that nothing is given to a worker that has gone.
 *
 * Failures: what is no frame of the protocol closes with 1002, a pool that is not there (any more) with 1008, a core that cannot answer with 1011, after
 * which a worker tries again.
 */
import type { WebSocket } from "ws";
import {
  CHANNEL_VERSION,
  CLEANUP_CAPABILITY,
  cleanupWish,
  CLOSE_CODES,
  REQUIRED_CAPABILITIES,
  WORKER_FRAMES,
  type ChannelFault,
  type ChannelNews,
  type ChannelOpening,
  type CleanupAct,
  type CleanupResult,
  type PoolSnapshot,
  type WorkerFrame,
  type WorkerHello,
} from "../../wire/worker-channel.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type { Fault } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import { valueCheck } from "../request/check-request.ts";
import { answerPings, closeWith, parseFrame, textOf } from "./greeting.ts";
import type { Served } from "./served.ts";

/** How long the core may hold one question for news. */
const WAIT_SECONDS = 10;

const checks = new Map<string, (value: unknown) => Fault[]>(
  Object.entries(WORKER_FRAMES).map(([type, schema]) => [type, valueCheck(schema)]),
);

type Opened = Extract<ChannelOpening, { snapshot: PoolSnapshot }>;

/** Serves one greeted socket until it closes. */
export function serveWorkerChannel(served: Served, socket: WebSocket, params: Readonly<Record<string, string>>): void {
  answerPings(socket);
  const channel = new Channel(served, socket, params["name"] ?? "");
  let before: Promise<unknown> = Promise.resolve();
  socket.on("message", (data) => {
    const frame = readFrame(textOf(data));
    before = before.then(() => channel.take(frame)).catch((error: unknown) => channel.fail(error));
  });
  socket.once("close", () => channel.end());
}

/** @returns undefined for what is no frame of the protocol */
function readFrame(text: string): WorkerFrame | undefined {
  const frame = parseFrame(text);
  const type = typeof frame === "object" && frame !== null && "type" in frame ? frame.type : undefined;
  const check = checks.get(String(type));
  // Checked by the schema of its type.
  return check?.(frame).length === 0 ? (frame as WorkerFrame) : undefined;
}

/** Said to nobody but the worker, which tries again. */
class ServerGoesAway extends Error {}

/** The server's end of one channel. */
class Channel {
  readonly #served: Served;
  readonly #socket: WebSocket;
  readonly #poolName: string;
  readonly #ending = new AbortController();
  #hello: WorkerHello | undefined;
  #poolId = "";
  #cursor = 0;
  #sequence = 1;
  #isBeaten = false;
  #queueIds: readonly string[] = [];
  /** Messages that the worker has now, by their tokens. */
  readonly #given = new Set<string>();
  #listening: AbortController | undefined;

  constructor(served: Served, socket: WebSocket, poolName: string) {
    this.#served = served;
    this.#socket = socket;
    this.#poolName = poolName;
  }

  /** Deals with one frame of the worker. */
  async take(frame: WorkerFrame | undefined): Promise<void> {
    if (this.#ending.signal.aborted) return;
    if (frame?.type === "worker.hello.v1" && !this.#hello) return this.#open(frame.payload);
    if (!frame || !this.#hello || frame.type === "worker.hello.v1") return this.#close("protocol_error");
    if (frame.type === "worker.heartbeat.v1") return this.#beat(frame.payload);
    return this.#act(frame);
  }

  /** Closes the channel because something went wrong that is not the worker's fault. */
  fail(error: unknown): void {
    if (this.#ending.signal.aborted) return;
    if (!(error instanceof ServerGoesAway)) this.#served.onError(error);
    this.#close("transient_server_error");
  }

  /** Ends what is under way for the worker. */
  end(): void {
    this.#ending.abort();
    this.#listening?.abort();
  }

  async #open(hello: WorkerHello): Promise<void> {
    this.#hello = hello;
    const opening = await this.#ask<ChannelOpening>("/sluice/worker-channels", {
      work_pool_name: this.#poolName,
      hello,
    });
    if ("fault" in opening) return this.#close(opening.fault);
    this.#poolId = opening.snapshot.pool.id;
    this.#cursor = opening.snapshot.cursor;
    this.#queueIds = opening.queues.map(({ id }) => id);
    this.#send("worker.ready.v1", readyPayload(hello, opening));
    void this.#listen().catch((error: unknown) => this.fail(error));
  }

  async #beat(beat: Pick<WorkerHello, "consumer_id" | "worker_name" | "heartbeat_interval_seconds">): Promise<void> {
    const { consumer_id: consumer, worker_name: name, heartbeat_interval_seconds } = beat;
    if (consumer !== this.#hello?.consumer_id || name !== this.#hello.worker_name) return this.#close("protocol_error");
    const path = `/work_pools/${encodeURIComponent(this.#poolName)}/workers/heartbeat`;
    const body = JSON.stringify({ name, heartbeat_interval_seconds });
    const { status } = await this.#served.handle({ method: "POST", path: `/api${path}`, body });
    if (status >= 400) return this.#close("heartbeat_persistence_failed");
    // A heartbeat is also when the worker hears of changes that nobody tells at once.
    this.#isBeaten = true;
    this.#listening?.abort();
  }

  async #act(frame: Exclude<WorkerFrame, { type: "worker.hello.v1" | "worker.heartbeat.v1" }>): Promise<void> {
    const { id, type, payload } = frame;
    // `cleanup.<act>.v1`: see the type of the frame.
    const operation = type.split(".")[1] as CleanupAct;
    const { message_id } = payload;
    const result: CleanupResult = this.#wish()
      ? await this.#ask(`/sluice/worker-channels/${this.#poolId}/cleanup`, { ...payload, operation })
      : {
          message_id,
          operation,
          status: "unauthorized",
          lease_expires_at: null,
          reason: "cleanup_delivery_not_accepted",
        };
    this.#send("cleanup.operation_result.v1", { request_frame_id: id, ...result, detail: null });
    const isKept = operation === "renew" && result.status === "accepted";
    if (!isKept && this.#given.delete(payload.reservation_token)) this.#listening?.abort();
  }

  /** Asks the core for news, again and again, and hands it on. */
  async #listen(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const isLook = this.#isBeaten;
      this.#isBeaten = false;
      const news = await this.#news(isLook ? 0 : WAIT_SECONDS);
      if (news.isDeleted) return this.#close("authorization_failed");
      if (news.snapshot) this.#show(news.snapshot, isLook ? "heartbeat_reconciliation" : "work_pool_updated");
      if (news.cleanup) {
        this.#given.add(news.cleanup.reservation_token);
        this.#send("cleanup.message.v1", news.cleanup);
      }
    }
  }

  async #news(wait_seconds: number): Promise<ChannelNews> {
    const { signal } = (this.#listening = new AbortController());
    const wish = this.#wish();
    const cleanup = wish && this.#given.size < wish.max ? { kinds: wish.kinds, queue_ids: this.#queueIds } : undefined;
    const body = { cursor: this.#cursor, wait_seconds, ...(cleanup ? { cleanup } : {}) };
    try {
      return await this.#ask<ChannelNews>(`/sluice/worker-channels/${this.#poolId}/wait`, body, signal);
    } catch (error) {
      // Given up to be asked anew, or because the socket has closed.
      if (signal.aborted) return {};
      throw error;
    }
  }

  #show({ pool, cursor }: PoolSnapshot, reason: string): void {
    this.#cursor = cursor;
    this.#send("work_pool.snapshot.v1", {
      snapshot_sequence: ++this.#sequence,
      reason,
      work_pool: pool,
    });
  }

  #wish(): ReturnType<typeof cleanupWish> {
    const wish = this.#hello && cleanupWish(this.#hello);
    return wish && wish.max > 0 ? wish : undefined;
  }

  async #ask<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> {
    const call = { method: "POST", path: `/api${path}`, body: JSON.stringify(body) };
    const answer = await this.#served.handle(call, signal);
    if (answer.status === 503) throw new ServerGoesAway();
    if (answer.status !== 200) throw new Error(`the worker channel asked ${path} and was answered ${answer.status}`);
    // Our own route: `wire/worker-channel.ts` has its shapes.
    return JSON.parse(answer.body) as Answer;
  }

  #send(type: string, payload: object): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    // The wall clock: the side that holds the sockets has no store.
    const now = Date.now() * 1000;
    this.#socket.send(JSON.stringify({ type, id: newId(now), sent_at: microsToIso(now), payload }));
  }

  #close(fault: ChannelFault): void {
    this.end();
    closeWith(this.#socket, CLOSE_CODES[fault], fault);
  }
}

function readyPayload(hello: WorkerHello, { snapshot, queues }: Opened): object {
  const wish = cleanupWish(hello);
  const max = wish?.max ?? 0;
  const accepted: string[] = [...REQUIRED_CAPABILITIES, ...(max > 0 ? [CLEANUP_CAPABILITY] : [])];
  return {
    consumer_id: hello.consumer_id,
    worker_id: null,
    selected_channel_version: CHANNEL_VERSION,
    effective_heartbeat_interval_seconds: hello.heartbeat_interval_seconds,
    accepted_capabilities: accepted,
    rejected_capabilities: [...new Set(hello.requested_capabilities)].filter((one) => !accepted.includes(one)),
    effective_max_cleanup_concurrency: max,
    resolved_work_queues: queues,
    initial_snapshot: { snapshot_sequence: 1, reason: "initial", work_pool: snapshot.pool },
  };
}
