import { availableParallelism } from "node:os";
import type { HomeLink } from "../engine/far-side-port.ts";
import type { TaskRunner } from "../engine/task-runner.ts";
import { SluiceError } from "../wire/errors.ts";
import type { RunnerDescription } from "../wire/run-spec.ts";
import { LocalSlotLedger, type SlotLedger } from "./slot-ledger.ts";

/** What all runners of one thread share: the ledger, the pools, the ways up. Kept on `globalThis` for all copies of the package. */
export interface RunnersRuntime {
  ledger: SlotLedger;
  /** Set by the session of the root process, and by the far side in a worker; null until then. */
  link: HomeLink | null;
  /** The way to the near side; null in a root process. */
  uplink: Uplink | null;
  /** Live pools by {@link describe}. */
  readonly pools: Map<string, LivePool>;
}

/** What stays up behind runners of equal descriptions: workers of this machine, or the connection to a cluster. */
export interface LivePool extends TaskRunner {
  /** Asks a flow run that runs in or below the pool's workers to stop; unknown ids are ignored. */
  cancelRun(runId: string): void;
  /** Ends all workers in good order, when the open runs have ended. */
  close(): Promise<void>;
}

/** A worker's way to the pools above it. */
export interface Uplink {
  /** Pools that can be reached: the worker's own first. */
  readonly pools: readonly RunnerDescription[];
  /** A runner that carries to the pool of this description above; undefined when there is none. */
  attach(description: RunnerDescription): TaskRunner | undefined;
}

const KEY = Symbol.for("sluice.runners");

/** The runners' state of this thread. */
export function runnersRuntime(): RunnersRuntime {
  // The symbol is registered by this package alone, and every copy stores this shape under it.
  const holder = globalThis as { [KEY]?: RunnersRuntime };
  return (holder[KEY] ??= {
    ledger: new LocalSlotLedger(availableParallelism()),
    link: null,
    uplink: null,
    pools: new Map(),
  });
}

/** How workers reach the store. @throws SluiceError SLUICE_WORKER_START_FAILED outside a session, which gives it */
export function requireLink(): HomeLink {
  const { link } = runnersRuntime();
  if (link !== null) return link;
  throw new SluiceError(
    "SLUICE_WORKER_START_FAILED",
    "The runner has no link to a home: runs are submitted inside a flow, which opens one.",
  );
}

/** Tells descriptions apart: equal texts mean equal kind and options, whatever the order of their keys. */
export function describe(description: RunnerDescription): string {
  let text = described.get(description);
  if (text === undefined) {
    text = `${description.kind} ${JSON.stringify(description.options, sortKeys)}`;
    described.set(description, text);
  }
  return text;
}

/** Asked for at every run of a runner. */
const described = new WeakMap<RunnerDescription, string>();

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
