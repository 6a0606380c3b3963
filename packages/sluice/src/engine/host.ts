import type { Transport } from "../client/transport.ts";
import type { Clock, ResultStore, Tracker } from "./ports.ts";
import type { TagLimits } from "./store/tag-slots.ts";
import type { TaskRunner } from "./task-runner.ts";

/**
 * What the engine stands on in this process: the ways to the store, the clock, the results.
 *
 * A root process gets one when its first flow is called (`flows/session.ts`); a far side gets one from its entry.
 */
export interface EngineHost {
  readonly processId: string;
  readonly tracker: Tracker;
  readonly clock: Clock;
  /** Opened at the first read or write. */
  readonly results: () => ResultStore;
  readonly transport: Transport;
  readonly tagLimits: TagLimits;
  readonly settings: EngineSettings;
  /** Flow runs that this process executes or carries, by id: who to stop when the store says that one is to be cancelled. */
  readonly live: Map<string, { cancelledElsewhere(reason: Error): void }>;
  /** Gives the live pool that a runner's description names, or the runner itself. */
  attach(runner: TaskRunner): TaskRunner;
}

/** The settings that a run looks at. */
export interface EngineSettings {
  /** Lowest level that is logged: 10 debug, 20 info, 30 warning, 40 error, 50 critical. */
  readonly loggingLevel: number;
  /** Whether `console.*` inside runs goes to their logs unless an option says otherwise. */
  readonly logPrints: boolean;
  readonly persistResultsByDefault: boolean;
  /** Lowest level that is also written to this process's standard error. */
  readonly consoleLevel: number;
  /** How the progress of a root flow called by a script is shown. */
  readonly progress: "auto" | "off" | "plain" | "tree";
}

const SLOT = Symbol.for("sluice.host");

interface HostHolder {
  [SLOT]?: EngineHost | undefined;
}

/** The host of this process, undefined before the first run. Shared by all copies of the package in the process. */
export function currentHost(): EngineHost | undefined {
  return (globalThis as HostHolder)[SLOT];
}

/** Sets or clears the host of this process. */
export function setHost(host: EngineHost | undefined): void {
  (globalThis as HostHolder)[SLOT] = host;
}
