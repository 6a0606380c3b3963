import { setTimeout as delay } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { servePort } from "../client/port-transport.ts";
import type { ApiRequest, Transport } from "../client/transport.ts";
import { isSluiceError } from "../wire/errors.ts";
import type { HomeCommand, HomeReport, HomeThreadData } from "./home-messages.ts";
import { HomeRoute } from "./home-route.ts";
import { ProcessLeaseKeeper } from "./process-lease.ts";
import { describeProcess } from "./process-identity.ts";
import type { RemoteStore } from "./remote-store.ts";

/*
 * The thread beside the main thread of a root process, which user code cannot block: it keeps the lease, hears notices, and takes the
 * requests of all threads of the process to the store. Started by `openHome`; ends with its process or by the command "close".
 */

const control = parentPort;
if (control === null) throw new Error("home-thread must be started as a worker thread by openHome().");
// `openHome` starts this file with exactly this value.
const data = workerData as HomeThreadData;

/** How long the registration of this process at a remote server may hold up its first records. */
const REGISTRATION_MS = 3_000;

function report(message: HomeReport): void {
  control?.postMessage(message);
}

async function openRoute(): Promise<RemoteStore> {
  if (data.remote !== null) {
    report({ type: "role", role: "remote" });
    const { openRemoteStore } = await import("./remote-store.ts");
    const onCancelling = (cancelling: readonly string[]): void => report({ type: "notice", notice: { cancelling } });
    return openRemoteStore(data, { remote: data.remote, onCancelling });
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
  return { transport: route, relayPath: null };
}

async function start(): Promise<void> {
  const { transport, relayPath } = await openRoute();
  // A Prefect server knows no processes.
  const lease = relayPath === null ? keepLease(transport) : undefined;
  // The store must know the process before its runs, but a remote server that is away holds nothing up: it is told later.
  const registered = lease?.settled() ?? Promise.resolve();
  const known = data.remote === null ? registered : Promise.race([registered, delay(REGISTRATION_MS)]);
  let send: Transport["send"] = async (request, signal) => {
    await known;
    return transport.send(request, signal);
  };
  void known.then(() => (send = (request, signal) => transport.send(request, signal)));
  const served = { send: (request: ApiRequest, signal?: AbortSignal) => send(request, signal) };
  servePort(data.port, served);
  control?.on("message", (command: HomeCommand) => {
    if (command.type === "connect") servePort(command.port, served);
    else void close(transport, lease);
  });
  report({ type: "ready", relayPath });
}

function keepLease(transport: Transport): ProcessLeaseKeeper {
  return new ProcessLeaseKeeper({
    transport,
    registration: describeProcess(data.processId),
    onNotice: (notice) => report({ type: "notice", notice }),
    onTrouble: (reason) => process.stderr.write(`sluice: the lease of this process cannot be renewed: ${reason}\n`),
  });
}

async function close(transport: Transport, lease: ProcessLeaseKeeper | undefined): Promise<void> {
  try {
    await lease?.end();
    await transport.close();
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
