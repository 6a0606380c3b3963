import { parentPort, workerData } from "node:worker_threads";
import { HttpTransport } from "../../client/http-transport.ts";
import { servePort } from "../../client/port-transport.ts";
import type { ApiRequest, Transport } from "../../client/transport.ts";
import { isSluiceError } from "../../wire/errors.ts";
import type { HomeCommand, HomeReport, HomeThreadData } from "./home-messages.ts";
import { HomeRoute } from "./home-route.ts";
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

async function openRoute(): Promise<Transport> {
  if (data.remote !== null) {
    report({ type: "role", role: "remote" });
    return new HttpTransport(data.remote, { retryForMs: data.retryForMs });
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
  // The store must know the process before its runs; once it does, requests pass without a further turn.
  let send: Transport["send"] = async (request, signal) => {
    await lease.settled();
    return route.send(request, signal);
  };
  void lease.settled().then(() => (send = (request, signal) => route.send(request, signal)));
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
