import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CsrfTransport } from "../client/csrf-transport.ts";
import { HttpTransport, type UrlAddress } from "../client/http-transport.ts";
import { askServerKind, type ServerKind } from "../client/server-kind.ts";
import type { ApiRequest, ApiResponse, Transport } from "../client/transport.ts";
import { isSluiceError } from "../wire/errors.ts";
import { listenForHome } from "./home-listener.ts";
import type { HomeThreadData } from "./home-messages.ts";
import { tryLeaderLock } from "./leader-lock.ts";

/** From how long an absence of the server on records go to the disk. */
const SPOOL_AFTER_MS = 3_000;

/**
 * How long a Prefect server may take to answer. On SQLite it stands still now and then for its lock's whole time limit, a minute: when two changes overlap, and Python's collector
 * just then finalizes a cursor of the connection that waits for the lock, on the thread of the event loop. Seen with 3.8.8 in one of five runs of a flow with four parallel subflows;
 * with one change at a time (the default of `SLUICE_API_CHANGES_AT_ONCE`) in none of forty, and the flows were as fast.
 */
const PREFECT_ANSWER_MS = 120_000;
/** As Prefect's own client: the 503 of a server that has stood still comes when the time to try again is over. */
const PREFECT_ATTEMPTS = 6;

/** The way to a store, and how children of this process reach it. */
export interface RemoteStore {
  readonly transport: Transport;
  /** Socket at which the children must speak to this thread; null where they may go the same way as it does. */
  readonly relayPath: string | null;
}

/**
 * Opens the way to the server at a URL, of ours or of Prefect's: asked once, here.
 *
 * Our own takes records as they are, and an outbox keeps them while it is away. To a Prefect server everything is told in its own calls, by this thread alone: also for the
 * workers in child processes, so that a run that two processes report is one run there. A server that is away counts as what it was when this home last met it, and one
 * that was never met as ours.
 *
 * @throws SluiceError `SLUICE_API_REFUSED` when the server refuses the credentials, or is neither
 */
export async function openRemoteStore(
  data: HomeThreadData,
  { remote, onCancelling }: { readonly remote: UrlAddress; readonly onCancelling: (ids: readonly string[]) => void },
): Promise<RemoteStore> {
  const quickly = { retryForMs: Math.min(data.retryForMs, SPOOL_AFTER_MS) };
  const quick = new CsrfTransport(new HttpTransport(remote, quickly));
  const { kind, answers } = await serverKind(quick, remote.url, data.paths.serversFile);
  if (kind === "prefect") {
    await quick.close();
    return openPrefectStore(data, { remote, answers, onCancelling });
  }
  const patient = new CsrfTransport(new HttpTransport(remote, { retryForMs: data.retryForMs }));
  const { OutboxTransport } = await import("../client/outbox.ts");
  const transport = new OutboxTransport({
    patient,
    quick,
    directory: data.paths.outboxDirectory,
    target: remote.url,
    processId: data.processId,
    limitBytes: data.outboxLimitBytes,
    tryClaim: tryLeaderLock,
    onTrouble: tell,
  });
  return { transport, relayPath: null };
}

async function openPrefectStore(
  data: HomeThreadData,
  way: {
    readonly remote: UrlAddress;
    /** Whether the server was just there. */
    readonly answers: boolean;
    readonly onCancelling: (ids: readonly string[]) => void;
  },
): Promise<RemoteStore> {
  const { remote, answers, onCancelling } = way;
  const { retryForMs, changesAtOnce } = data;
  const options = { retryForMs, changesAtOnce, attempts: PREFECT_ATTEMPTS, responseTimeoutMs: PREFECT_ANSWER_MS };
  const calls = new CsrfTransport(new HttpTransport(remote, options));
  // A server that is away is asked for a token when it refuses a change without one.
  if (answers) await calls.greet();
  const { PrefectStore } = await import("../client/prefect/prefect-store.ts");
  const store = new PrefectStore({
    transport: calls,
    address: remote,
    heartbeatSeconds: data.heartbeatSeconds,
    onCancelling,
    onTrouble: tell,
  });
  const { relayPath } = data.paths;
  removeDeadRelays(dirname(relayPath));
  const listener = await listenForHome(relayPath, (request, signal) => store.send(request, signal));
  const transport: Transport = {
    send: (request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> => store.send(request, signal),
    close: async () => {
      listener.stopAccepting();
      await store.close();
      listener.cut();
    },
  };
  return { transport, relayPath };
}

async function serverKind(
  transport: Transport,
  url: string,
  serversFile: string,
): Promise<{ readonly kind: ServerKind; readonly answers: boolean }> {
  const known = readKinds(serversFile);
  try {
    const kind = await askServerKind(transport);
    if (known[url] !== kind) writeKinds(serversFile, { ...known, [url]: kind });
    return { kind, answers: true };
  } catch (error) {
    if (!isSluiceError(error, "SLUICE_API_UNREACHABLE")) throw error;
    return { kind: known[url] ?? "sluice", answers: false };
  }
}

/** Sockets of processes that were killed stay behind; their names are `r` and the process id (home-paths.ts). */
function removeDeadRelays(directory: string): void {
  for (const name of readdirSync(directory)) {
    const [, pid] = /^r([0-9a-z]+)$/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number.parseInt(pid, 36))) rmSync(join(directory, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function readKinds(file: string): Readonly<Record<string, ServerKind>> {
  try {
    // Written below.
    return JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, ServerKind>>;
  } catch {
    // Not there yet, or damaged: it only saves a question.
    return {};
  }
}

function writeKinds(file: string, kinds: Readonly<Record<string, ServerKind>>): void {
  // Two processes may write at once; each puts a whole file in its place.
  const unborn = `${file}.${process.pid}`;
  try {
    writeFileSync(unborn, JSON.stringify(kinds), { mode: 0o600 });
    renameSync(unborn, file);
  } catch (error) {
    tell(`the kind of the server could not be noted in ${file}: ${String(error)}`);
  }
}

function tell(message: string): void {
  process.stderr.write(`sluice: ${message}\n`);
}
