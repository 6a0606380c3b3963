/**
 * The server without a socket: a store, the services beside it, and one way in, {@link ServerCore.handle}.
 *
 * The routes that every flow needs (run records, logs, processes, health) are answered here by hand; all others go to the whole app, which is
 * loaded at the first need, so that the smallest flow waits for no web framework and no schema library.
 */
import { redact } from "./access/redact.ts";
import { reply, replyToError, Refusal, type ApiCall, type ApiReply } from "./api-reply.ts";
import { checkProcess, checkRunRecords, isObject } from "./check-records.ts";
import type { Event } from "../wire/contract/shapes.ts";
import { isSluiceError } from "../wire/errors.ts";
import { defaultServerSettings, type ServerSettings } from "../wire/server-settings.ts";
import type { App } from "./app.ts";
import { TaskQueue } from "./background/task-queue.ts";
import { TaskWorkers } from "./background/task-workers.ts";
import { SecretBox } from "./blocks/secret-box.ts";
import { Store } from "./db/store.ts";
import { CommitBell } from "./events/commit-bell.ts";
import { EventLog } from "./events/event-log.ts";
import { TagSlotQueue } from "./concurrency/tag-slot-queue.ts";
import { LeaseReaper } from "./services/lease-reaper.ts";
import { Processes } from "./services/processes.ts";
import { ServiceLoops } from "./services/service-loops.ts";
import { readBody, readOwnBody } from "./read-body.ts";
import { takeRunRecords } from "./orchestration/run-records.ts";
import { WorkerChannels } from "./work-pools/worker-channels.ts";
import { checkLogs, LOGS_JSON, storeLogs } from "./take-logs.ts";

/** What passes, as a full disk, is told by its message; a fault by all that is known of it. */
function storyOf(error: unknown): string {
  if (isSluiceError(error) && error.retryable) return error.message;
  // Not imported: that would take a short program 7 ms.
  return process.getBuiltinModule("node:util").inspect(error);
}

/** How a server is opened. */
export interface ServerCoreOptions {
  /** The SQLite file; made, with its folder, when it is not there. */
  readonly databaseFile: string;
  /** Default NORMAL: survives the death of any process. FULL: also a power loss. */
  readonly synchronous?: "NORMAL" | "FULL";
  /** Seconds that a process may be silent before its runs are given up. Default 30. */
  readonly leaseSeconds?: number;
  /** How the services are switched and paced; defaults where nothing is said. */
  readonly settings?: Partial<ServerSettings>;
  /** Serves `POST /api/sluice/testing/reset`. Default false. */
  readonly testing?: boolean;
  /** Size of the database from which on threads of their own answer what only reads. Default 16 MiB. */
  readonly readAsideBytes?: number;
  /** Address of the web UI, for links in what automations send. Default null: nobody knows it. */
  readonly uiUrl?: string | null;
  /** Microseconds since the epoch; the wall clock unless a test moves it. */
  readonly nowUs?: () => number;
  /** Hears of errors that no caller is to blame for. Default: standard error. */
  readonly onError?: (error: unknown) => void;
}

const DEFAULT_LEASE_SECONDS = 30;
/** The longest list of a database of this size takes some milliseconds. */
const READ_ASIDE_BYTES = 16 * 1024 * 1024;
const TREE_PATH = /^\/api\/sluice\/flow_runs\/([0-9a-f-]{36})\/tree(?:\?(.*))?$/;
const PROCESS_PATH = /^\/api\/sluice\/processes\/([^/?]+)(\/renew)?$/;

/** The store with its services and routes; see the head of the file. */
export class ServerCore {
  readonly store: Store;
  readonly processes: Processes;
  readonly testing: boolean;
  readonly readAsideBytes: number;
  readonly uiUrl: string | null;
  readonly settings: ServerSettings;
  readonly events: EventLog;
  readonly bell: CommitBell;
  readonly taskQueue: TaskQueue;
  readonly taskWorkers: TaskWorkers;
  readonly tagSlots: TagSlotQueue;
  readonly reaper: LeaseReaper;
  readonly services: ServiceLoops;
  readonly workerChannels: WorkerChannels;
  readonly onError: (error: unknown) => void;
  #app: Promise<App> | undefined;
  #box: SecretBox | undefined;

  private constructor(options: ServerCoreOptions) {
    this.store = Store.open(options.databaseFile, options);
    this.onError = options.onError ?? ((error) => console.error("sluice server:", redact(storyOf(error))));
    this.testing = options.testing ?? false;
    this.uiUrl = options.uiUrl ?? null;
    this.readAsideBytes = options.readAsideBytes ?? READ_ASIDE_BYTES;
    this.settings = { ...defaultServerSettings(), ...options.settings };
    this.events = new EventLog(this.store);
    this.bell = new CommitBell(this.store);
    this.taskQueue = new TaskQueue(this.store, this.onError);
    this.taskWorkers = new TaskWorkers(this.store.nowUs);
    this.tagSlots = new TagSlotQueue(this.store);
    this.processes = new Processes(this, options.leaseSeconds ?? DEFAULT_LEASE_SECONDS);
    this.services = new ServiceLoops(this);
    this.workerChannels = new WorkerChannels(this);
    this.reaper = new LeaseReaper(this.store, this.processes);
    this.reaper.judgeNow().catch(this.onError);
    this.reaper.start(this.onError);
    this.services.startSoon();
  }

  /**
   * Opens the database, judges the processes that are gone, and starts the services.
   *
   * @throws SluiceError `SLUICE_DATABASE_CORRUPT`, `SLUICE_DATABASE_NEWER`, `SLUICE_HOME_UNWRITABLE`, `SLUICE_DISK_FULL`
   */
  static open(options: ServerCoreOptions): ServerCore {
    return new ServerCore(options);
  }

  /** Answers one request; never rejects. What the answer says is durable. @param signal ends a request that is being held */
  async handle(call: ApiCall, signal?: AbortSignal): Promise<ApiReply> {
    try {
      return await (this.#handleHot(call, signal) ?? this.#handleByApp(call, signal));
    } catch (error) {
      return replyToError(error, this.onError);
    }
  }

  /** Stores one event of a checked shape. Resolves when it is durable. */
  async takeEvent(event: Event): Promise<void> {
    const { takeEvents } = await import("./orchestration/take-events.ts");
    await this.store.write(() => takeEvents(this, [event]));
  }

  /** What encrypts secrets; its key is read, or made, at the first need. @throws SluiceError see `SecretBox.open` */
  readonly box = (): SecretBox => (this.#box ??= SecretBox.open(this.store.file, process.env));

  /** The whole app, loaded at the first call. */
  app(): Promise<App> {
    this.#app ??= import("./app.ts").then(({ createApp }) => createApp(this));
    return this.#app;
  }

  /** Answers the requests that are being held, and holds no more. */
  stopHolding(): void {
    this.processes.stopHolding();
    this.taskQueue.stopHolding();
    this.tagSlots.stopHolding();
    this.workerChannels.stopHolding();
    this.bell.close();
  }

  /** Stops the services, commits and closes the database. Closing twice is legal. */
  async close(): Promise<void> {
    this.stopHolding();
    this.reaper.stop();
    await this.services.stop();
    await (await this.#app)?.close();
    this.store.close();
  }

  /** Answers a hot route; undefined when the request is none. */
  #handleHot(call: ApiCall, signal: AbortSignal | undefined): Promise<ApiReply> | undefined {
    const { method, path } = call;
    if (method === "POST" && path === "/api/sluice/run-records") return this.#takeRunRecords(call.body ?? "");
    if (method === "POST" && path === "/api/logs/") return this.#takeLogs(call.body ?? "");
    if (method === "GET" && path === "/api/health") return Promise.resolve(reply(200, true));
    if (method === "POST" && path === "/api/sluice/processes") return this.#register(call.body ?? "");
    const tree = method === "GET" ? TREE_PATH.exec(path) : null;
    if (tree?.[1] !== undefined) return this.#readTree(tree[1], tree[2] ?? "", () => this.#handleByApp(call, signal));
    const id = PROCESS_PATH.exec(path);
    if (id?.[1] === undefined) return undefined;
    if (method === "POST" && id[2] !== undefined) return this.#renew(id[1], call.body ?? "", signal);
    return method === "DELETE" && id[2] === undefined ? this.#remove(id[1]) : undefined;
  }

  async #takeRunRecords(body: string): Promise<ApiReply> {
    const batch = checkRunRecords(readOwnBody(body));
    return reply(200, await this.store.write(() => takeRunRecords(this, batch)));
  }

  async #takeLogs(body: string): Promise<ApiReply> {
    // One line with a character that no database keeps must not cost the others: clients drop a batch that is refused.
    const lines = checkLogs(readBody(body, { limits: LOGS_JSON, isRepaired: true }));
    await storeLogs(this.store, lines);
    return reply(201, null);
  }

  async #register(body: string): Promise<ApiReply> {
    return reply(201, await this.processes.register(checkProcess(readBody(body))));
  }

  async #renew(id: string, body: string, signal: AbortSignal | undefined): Promise<ApiReply> {
    const request = readBody(body === "" ? "{}" : body);
    const wait = isObject(request) ? request["wait_seconds"] : undefined;
    const notice = await this.processes.renew(id, typeof wait === "number" && wait >= 0 ? wait : 0, signal);
    if (!notice) throw new Refusal(404, `No process ${id} is registered: register it again.`);
    return reply(200, notice);
  }

  async #handleByApp(call: ApiCall, signal: AbortSignal | undefined): Promise<ApiReply> {
    return (await this.app()).handle(call, signal);
  }

  /** A small tree is read here, without all that answers the other routes; `elsewhere` answers for a large one. */
  async #readTree(id: string, search: string, elsewhere: () => Promise<ApiReply>): Promise<ApiReply> {
    const [{ graphHandlers }, { isSmallTree }] = await Promise.all([
      import("./api/graph.ts"),
      import("./queries/read-tree.ts"),
    ]);
    if (this.store.bytes >= this.readAsideBytes && !isSmallTree(this.store, id)) return elsewhere();
    const answer = graphHandlers["GET /sluice/flow_runs/{id}/tree"]?.(
      { params: { id }, query: new URLSearchParams(search), body: undefined },
      this,
    );
    return answer ?? reply(404, { detail: "Not Found" });
  }

  async #remove(id: string): Promise<ApiReply> {
    if (!(await this.processes.remove(id))) throw new Refusal(404, `No process ${id} is registered.`);
    return reply(204);
  }
}
