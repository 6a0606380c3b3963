import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { type ApiAddress, HttpTransport } from "../client/http-transport.ts";
import { servePort } from "../client/port-transport.ts";
import type { ApiRequest, Transport } from "../client/transport.ts";
import { isSluiceError } from "../wire/errors.ts";
import type { HomeCommand, HomeReport, HomeThreadData } from "./home-messages.ts";
import { HomeRoute } from "./home-route.ts";
import { tryLeaderLock } from "./leader-lock.ts";
import { ProcessLeaseKeeper } from "./process-lease.ts";
import { describeProcess } from "./process-identity.ts";

/*
 * The thread beside the main thread of a root process, which user code cannot block: it keeps the lease, hears notices, and takes the
 * requests of all threads of the process to the store. Started by `openHome`; ends with its process or by the command "close".
 */

const control = parentPort;
if (control === null) throw new Error("home-thread must be started as a worker thread by openHome().");
// `openHome` starts this file with exactly this value.
const data = workerData as HomeThreadData;

function report(message: HomeReport): void {
  control?.postMessage(message);
}

/** From how long an absence of the server on records go to the disk. */
const SPOOL_AFTER_MS = 3_000;

async function openRemote(remote: ApiAddress): Promise<Transport> {
  const { OutboxTransport } = await import("../client/outbox.ts");
  return new OutboxTransport({
    patient: new HttpTransport(remote, { retryForMs: data.retryForMs }),
    quick: new HttpTransport(remote, { retryForMs: Math.min(data.retryForMs, SPOOL_AFTER_MS) }),
    directory: data.paths.outboxDirectory,
    target: "url" in remote ? remote.url : remote.socketPath,
    processId: data.processId,
    limitBytes: data.outboxLimitBytes,
    tryClaim: tryLeaderLock,
    onTrouble: (message) => process.stderr.write(`sluice: ${message}\n`),
  });
}

async function openRoute(): Promise<Transport> {
  if (data.remote !== null) {
    report({ type: "role", role: "remote" });
    return openRemote(data.remote);
  }
  const route = await HomeRoute.join({
    paths: data.paths,
    openServer: async () => {
      const { openHomeServer } = await import("./open-home-server.ts");
      return openHomeServer(data);
    },
    onLead: () => report({ type: "role", role: "leader" }),
  });
  if (route.role === "follower") report({ type: "role", role: "follower" });
  return route;
}

async function start(): Promise<void> {
  const route = await openRoute();
  const lease = new ProcessLeaseKeeper({
    transport: route,
    registration: describeProcess(data.processId),
    onNotice: (notice) => report({ type: "notice", notice }),
    onTrouble: (reason) => process.stderr.write(`sluice: the lease of this process cannot be renewed: ${reason}\n`),
  });
  // The store must know the process before its runs, but a remote server that is away holds nothing up: it is told later.
  const known = data.remote === null ? lease.settled() : Promise.race([lease.settled(), delay(SPOOL_AFTER_MS)]);
  let send: Transport["send"] = async (request, signal) => {
    await known;
    return route.send(request, signal);
  };
  void known.then(() => (send = (request, signal) => route.send(request, signal)));
  const served = { send: (request: ApiRequest, signal?: AbortSignal) => send(request, signal) };
  servePort(data.port, served);
  control?.on("message", (command: HomeCommand) => {
    if (command.type === "connect") servePort(command.port, served);
    else void close(route, lease);
  });
  report({ type: "ready" });
}

async function close(route: Transport, lease: ProcessLeaseKeeper): Promise<void> {
  try {
    await lease.end();
    await route.close();
  } catch (error) {
    fail(error);
  } finally {
    process.exit(0); // In a worker this ends the thread only; the near side waits for it.
  }
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  report({ type: "failed", code: isSluiceError(error) ? error.code : null, message });
}

try {
  await start();
} catch (error) {
  fail(error);
}
