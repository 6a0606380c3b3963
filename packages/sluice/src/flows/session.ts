import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { RunTracker } from "../client/run-tracker.ts";
import { loadSettings, type Settings } from "../client/settings.ts";
import { asError } from "../engine/context/call-arguments.ts";
import { cancelledError } from "../engine/context/cancellation.ts";
import { systemClock } from "../engine/clock.ts";
import { FileResultStore } from "../engine/results/file-result-store.ts";
import { currentHost, setHost, type EngineHost, type EngineSettings } from "../engine/host.ts";
import { TagLimits } from "../engine/store/tag-slots.ts";
import type { ResultStore } from "../engine/ports.ts";
import { LOG_LEVELS } from "../engine/context/run-logger.ts";
import { cancelInWorkers, closeRunners, setHomeLink } from "../runners/index.ts";
import type { Home } from "../home/home.ts";
import { LazyTransport } from "./lazy-transport.ts";

/**
 * A root process's session: its home, its way to the store, the host of its engine.
 *
 * Opened by the first call of a flow or task and kept until the process ends; `closeSession` ends it in good order. The host is there at once; the first run
 * waits until the home is, so a home that cannot be used stops a flow before its body starts.
 */
interface Session {
  readonly host: EngineHost;
  readonly home: Promise<Home>;
}

let session: Session | undefined;

/** The host of this process; opens the session of a root process at the first call. @throws SluiceError SLUICE_OPTION_INVALID for settings that cannot be read */
export function openSession(settings?: Settings): EngineHost {
  const known = currentHost();
  if (known !== undefined) return known;
  const used = settings ?? loadSettings();
  const processId = randomUUID();
  const opening = openHome(used, processId);
  const transport = new LazyTransport(opening.then((home) => home.transport));
  const tracker = new RunTracker({
    transport,
    processId,
    ready: opening,
    onTrouble: tellTrouble,
  });
  const live: EngineHost["live"] = new Map();
  const host: EngineHost = {
    processId,
    tracker,
    clock: systemClock,
    results: resultsOf(used),
    transport,
    tagLimits: new TagLimits(transport),
    settings: engineSettings(used),
    live,
    attach: (runner) => runner,
  };
  tracker.onCancelling((runId) => {
    const run = live.get(runId);
    if (run === undefined) cancelInWorkers(runId);
    else run.cancelledElsewhere(cancelledError("The flow run was cancelled by request."));
  });
  void opening.then(
    (home) => home.onNotice((notice) => tracker.noticeCancelling(notice.cancelling)),
    () => undefined, // told by every call that waits for the home
  );
  session = { host, home: opening };
  setHost(host);
  process.once("beforeExit", onBeforeExit);
  return host;
}

/** The home of this process's session, opening it if need be. @throws SluiceError SLUICE_HOME_UNWRITABLE, SLUICE_DATABASE_CORRUPT and the like */
export async function sessionHome(settings?: Settings): Promise<Home> {
  openSession(settings);
  if (session === undefined) throw new Error("The host of this process was not opened by a session: it is a worker.");
  return session.home;
}

/** Sends what is unsent and hands the home over. A later call of a flow opens another session. */
export async function closeSession(): Promise<void> {
  const closing = session;
  if (closing === undefined) return;
  session = undefined;
  setHost(undefined);
  process.off("beforeExit", onBeforeExit);
  const home = await closing.home.catch(() => undefined);
  if (home === undefined) return;
  // Workers send what is unsent, through this process's home thread or to its socket, before the home is handed over.
  await closeRunners();
  try {
    await closing.host.tracker.flush();
  } finally {
    await home.close();
  }
}

function onBeforeExit(): void {
  closeSession().catch((error: unknown) => {
    tellTrouble(`not everything could be recorded before the end: ${asError(error).message}`);
    process.exitCode ||= 1;
  });
}

async function openHome(settings: Settings, processId: string): Promise<Home> {
  const { openHome: open } = await import("../home/home.ts");
  const home = await open(settings, { processId });
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  setHomeLink({
    connectThread: () => home.connectPort(),
    address: {
      process: processId,
      home: JSON.stringify(home.address),
      decides: String(home.decides),
    },
    engineUrl: new URL(`./far-side-engine.${extension}`, import.meta.url).href,
    pythonFolder: join(settings.home, "python"),
    environment: {
      SLUICE_LOCAL_STORAGE_PATH: settings.localStoragePath,
      SLUICE_RESULTS_PERSIST_BY_DEFAULT: String(settings.resultsPersistByDefault),
      SLUICE_LOGGING_LEVEL: settings.loggingLevel,
      SLUICE_LOGGING_CONSOLE_LEVEL: settings.loggingConsoleLevel,
      SLUICE_LOG_PRINTS: String(settings.logPrints),
      SLUICE_API_RETRY_SECONDS: String(settings.apiRetrySeconds),
    },
  });
  return home;
}

/** The settings that the engine looks at. */
export function engineSettings(settings: Settings): EngineSettings {
  const level = LEVELS[settings.loggingLevel];
  return {
    loggingLevel: level,
    logPrints: settings.logPrints,
    persistResultsByDefault: settings.resultsPersistByDefault,
    consoleLevel: Math.max(level, LEVELS[settings.loggingConsoleLevel]),
    progress: settings.progress,
  };
}

const LEVELS = {
  DEBUG: LOG_LEVELS.debug,
  INFO: LOG_LEVELS.info,
  WARNING: LOG_LEVELS.warning,
  ERROR: LOG_LEVELS.error,
  CRITICAL: LOG_LEVELS.critical,
} as const;

/** Opens the result store of a home at the first look. */
export function resultsOf(settings: Settings): () => ResultStore {
  let store: ResultStore | undefined;
  return () => (store ??= new FileResultStore(settings.localStoragePath));
}

function tellTrouble(message: string): void {
  process.stderr.write(`sluice: ${message}\n`);
}
