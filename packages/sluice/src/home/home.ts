import { randomUUID } from "node:crypto";
import { extname } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { ApiAddress, UrlAddress } from "../client/http-transport.ts";
import { PortTransport } from "../client/port-transport.ts";
import type { Settings } from "../client/settings.ts";
import type { Transport } from "../client/transport.ts";
import { SluiceError } from "../wire/errors.ts";
import type { ProcessNotice } from "../wire/processes.ts";
import type { HomeCommand, HomeReport, HomeRole, HomeThreadData } from "./home-messages.ts";
import { prepareHome } from "./home-paths.ts";

/** A root process's connection to its store, through its home thread. */
export interface Home {
  /** Requests of this thread. Keeps the process alive only while one is under way. */
  readonly transport: Transport;
  /** UUID under which the process is registered; owner of its runs. */
  readonly processId: string;
  /** Where child processes reach the same store; plain texts, fit for an environment variable. May hold the key of a remote server. */
  readonly address: ApiAddress;
  /** Whether the store is a Prefect server, which names flow runs and decides over their transitions. */
  readonly decides: boolean;
  /** The home's unix socket, null when a remote server is used. Listens soon after some process leads: connect with tries. */
  readonly socketPath: string | null;
  /** Calls back for each notice, such as a run of this process that is to be cancelled. Returns the function that ends it. */
  onNotice(listener: (notice: ProcessNotice) => void): () => void;
  /** Opens a port to the same home thread, for a `PortTransport` in a thread worker: put it into the worker's transfer list. */
  connectPort(): MessagePort;
  /** How the process stands to its home at the moment; a follower may become the leader. */
  role(): HomeRole;
  /**
   * Waits for the requests of this thread, removes the process from the store and hands the lead over. A second call waits for the first.
   *
   * A process that ends without it loses nothing that was acknowledged.
   */
  close(): Promise<void>;
}

export interface OpenHomeOptions {
  /** A UUID of the caller's choice; a new one by default. */
  readonly processId?: string;
}

/**
 * Young generation of the home thread's heap: its objects are parsed batches that die at once, and a larger one only delays their end.
 * Old objects have no limit of ours.
 */
const YOUNG_GENERATION_MB = 8;

/** How long the home thread may take to hand over before it is terminated: nothing acknowledged depends on it. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * Opens the home that `settings` name: starts the home thread, which leads the home, follows its leader, or forwards to `apiUrl`.
 *
 * Resolves when the store can take requests (remote: at once; the server may be away). The thread does not keep the process alive.
 *
 * @throws SluiceError `SLUICE_HOME_UNWRITABLE`, `SLUICE_OPTION_INVALID`, or what the database says (`SLUICE_DATABASE_CORRUPT`,
 *   `SLUICE_DATABASE_NEWER`, `SLUICE_DISK_FULL`)
 */
export async function openHome(settings: Settings, options: OpenHomeOptions = {}): Promise<Home> {
  const processId = options.processId ?? randomUUID();
  const paths = prepareHome(settings.home, settings.databaseUrl);
  const remote = remoteAddress(settings);
  const channel = new MessageChannel();
  const data: HomeThreadData = {
    processId,
    port: channel.port2,
    paths,
    remote,
    retryForMs: settings.apiRetrySeconds * 1000,
    heartbeatSeconds: settings.flowsHeartbeatSeconds,
    changesAtOnce: settings.apiChangesAtOnce,
    outboxLimitBytes: settings.outboxLimitMb * 1024 * 1024,
    synchronous: settings.synchronous,
    leaseSeconds: settings.leaseSeconds,
    testing: settings.testing,
    uiUrl: settings.uiUrl,
    server: settings.server,
  };
  const thread = startThread(data);
  const listeners = new Set<(notice: ProcessNotice) => void>();
  let role: HomeRole = remote === null ? "follower" : "remote";
  thread.on("message", (report: HomeReport) => {
    if (report.type === "role") role = report.role;
    else if (report.type === "notice") for (const listener of listeners) listener(report.notice);
  });
  const { relayPath } = await ready(thread);
  // Requests under way are rejected as its ports close; the reason is said here, and the user's process goes on.
  thread.on("error", (error) => process.stderr.write(`sluice: the home thread failed: ${String(error)}\n`));
  thread.unref();
  const transport = new PortTransport(channel.port1);
  const address = relayPath === null ? (remote ?? { socketPath: paths.socketPath }) : { socketPath: relayPath };
  let closing: Promise<void> | undefined;
  return {
    transport,
    processId,
    address,
    decides: relayPath !== null,
    socketPath: remote === null ? paths.socketPath : null,
    onNotice: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    connectPort: () => {
      const { port1, port2 } = new MessageChannel();
      thread.postMessage({ type: "connect", port: port2 } satisfies HomeCommand, [port2]);
      return port1;
    },
    role: () => role,
    close: () => (closing ??= closeHome(thread, transport)),
  };
}

/** Sources run as they are and compiled, so the thread's file has the ending of this one. */
function startThread(data: HomeThreadData): Worker {
  const file = new URL(`./home-thread${extname(import.meta.url)}`, import.meta.url);
  // The user's loaders and preloads are for the user's code: here they would cost time and could block.
  const env = { ...process.env, NODE_OPTIONS: "" };
  return new Worker(file, {
    name: "sluice-home",
    workerData: data,
    transferList: [data.port],
    execArgv: [],
    env,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}

function remoteAddress(settings: Settings): UrlAddress | null {
  const { apiUrl, apiKey, apiAuthString } = settings;
  if (apiUrl === null) return null;
  return {
    url: apiUrl,
    ...(apiKey === null ? {} : { apiKey }),
    ...(apiAuthString === null ? {} : { authString: apiAuthString }),
  };
}

function ready(thread: Worker): Promise<HomeReport & { readonly type: "ready" }> {
  return new Promise((resolve, reject) => {
    const stopListening = (): void => {
      thread.off("message", onMessage);
      thread.off("error", fail);
      thread.off("exit", onExit);
    };
    const fail = (error: Error): void => {
      stopListening();
      void thread.terminate();
      reject(error);
    };
    const onMessage = (report: HomeReport): void => {
      if (report.type === "ready") {
        stopListening();
        resolve(report);
      }
      if (report.type === "failed") {
        fail(report.code === null ? new Error(report.message) : new SluiceError(report.code, report.message));
      }
    };
    const onExit = (code: number): void =>
      fail(new Error(`The home thread ended with code ${String(code)} before it was ready.`));
    thread.on("message", onMessage);
    thread.on("error", fail);
    thread.on("exit", onExit);
  });
}

async function closeHome(thread: Worker, transport: Transport): Promise<void> {
  await transport.close();
  thread.ref();
  const ended = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
  thread.postMessage({ type: "close" } satisfies HomeCommand);
  const limit = setTimeout(() => void thread.terminate(), CLOSE_LIMIT_MS);
  await ended;
  clearTimeout(limit);
}
