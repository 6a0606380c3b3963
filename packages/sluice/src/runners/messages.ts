import type { RunEnd, RunnerDescription, RunSpec, WireError } from "../wire/run-spec.ts";

/**
 * What near side and far side of one worker say to each other. The same for threads and processes; every message is structured-cloneable.
 *
 * A *body* is a run that the near side has handed over: `run`, then `started`, any number of `secede`/`resume`/`resumed`, `body-ended`, `ended`.
 * 1. The far side says `ready` once, before anything else, or `start-failed` and ends.
 * 2. A body's slot is taken before `run` is sent. It is given back at `secede` and at `body-ended`, whichever comes, and asked for again by `resume`.
 * 3. `ended` comes last, after the store has acknowledged the final state. A body without `ended` when its worker exits has crashed.
 * 4. Numbers are chosen by the side that begins: bodies by the near side; slots and carries, for runners nested in the far side, by the far side.
 */
export type NearMessage =
  | {
      readonly role: "run";
      readonly body: number;
      readonly spec: RunSpec;
      readonly graceMs: number;
      readonly timeoutMs: number | null;
      /** When the body counts as started, where the near side says so; else when the far side begins with it. Microseconds since the epoch. */
      readonly startedUs?: number;
      /** See `FarSideHost.isJob`. */
      readonly isJob?: boolean;
    }
  | { readonly role: "cancel"; readonly body: number; readonly message: string }
  /** Asks whatever flow run of this id is inside the worker, or in the workers below it, to stop. */
  | { readonly role: "cancel-run"; readonly runId: string }
  | { readonly role: "resumed"; readonly body: number }
  | { readonly role: "slot-granted"; readonly slot: number }
  | { readonly role: "carry-started"; readonly carry: number; readonly startedUs: number }
  | { readonly role: "carry-result"; readonly carry: number; readonly end: RunEnd }
  /** No further run will come: the far side closes its engine and ends by itself. */
  | { readonly role: "shutdown" };

export type FarMessage =
  | { readonly role: "ready" }
  | { readonly role: "start-failed"; readonly error: WireError }
  | { readonly role: "started"; readonly body: number; readonly startedUs: number }
  | { readonly role: "secede"; readonly body: number }
  | { readonly role: "resume"; readonly body: number }
  | { readonly role: "body-ended"; readonly body: number; readonly result: { readonly value: unknown } | null }
  /** `valueSent`: the value of a completed end went with `body-ended`, and is left out here. */
  | { readonly role: "ended"; readonly body: number; readonly end: RunEnd; readonly valueSent: boolean }
  /** An error that no run caught: the worker exits after this. */
  | { readonly role: "crashed"; readonly error: WireError }
  | NestedMessage;

/** What runners that are nested in the far side ask of the near side. */
export type NestedMessage =
  | {
      readonly role: "carry";
      readonly carry: number;
      readonly description: RunnerDescription;
      readonly spec: RunSpec;
      readonly graceMs: number;
      readonly timeoutMs: number | null;
      /** See `CarryOptions.placement`. */
      readonly placement: unknown;
    }
  | { readonly role: "cancel-carry"; readonly carry: number; readonly message: string }
  | { readonly role: "slot-request"; readonly slot: number; readonly depth: number; readonly resume: boolean }
  | { readonly role: "slot-release"; readonly slot: number }
  | { readonly role: "slot-raise"; readonly capacity: number };

/** What a worker is told when it is started. */
export interface FarSideStart {
  /** Pools that the worker may carry to through its near side: its own first, then those above. */
  readonly pools: readonly RunnerDescription[];
  /** See `HomeLink.address`. */
  readonly address: Readonly<Record<string, string>>;
  /** See `HomeLink.engineUrl`. */
  readonly engineUrl: string;
  /** See `HomeLink.pythonFolder`. */
  readonly pythonFolder: string;
}
