/**
 * The life of the processes that run flows.
 *
 * A process registers, then keeps asking (`renew`), each time for at most a third of its lease. While it asks it hears at once of runs of its own that
 * somebody wants cancelled.
 *   registered → renewing (lease moved on at every renew and at every answer) → removed in peace, or expired (`LeaseReaper`).
 *
 * Invariants: 1. the open runs of a process that is removed or expired are final in the same transaction; 2. a run in CANCELLING is told to its owner
 * until the owner has had an answer that names it (a new leader tells again: hearing twice is harmless); 3. a cancel never waits for a process that is
 * not registered.
 */
import { runState } from "../../rules/run-state.ts";
import type { ProcessLease, ProcessNotice, ProcessRegistration } from "../../wire/processes.ts";
import type { FlowRunRow } from "../db/flow-run-table.ts";
import type { RunColumns } from "../db/run-columns.ts";
import type { Store } from "../db/store.ts";
import type { Recording } from "../orchestration/flow-run-events.ts";
import { transitionOf, type StoredTransition } from "../db/transitions.ts";
import { appendToFlowRun, appendToTaskRun } from "../orchestration/run-history.ts";

/** Longest time that one renew is held. */
const MAX_WAIT_SECONDS = 30;
/** Task runs crashed in one go when their owner is gone. */
const PORTION = 5000;

interface Listener {
  readonly pending: Set<string>;
  wake: (() => void) | undefined;
}

/** Registration, leases and notices; see the head of the file. */
export class Processes {
  readonly #core: Recording;
  readonly #leaseUs: number;
  readonly #listeners = new Map<string, Listener>();
  #isHolding = true;

  constructor({ store, events }: Recording, leaseSeconds: number) {
    this.#core = { store, events };
    this.#leaseUs = Math.round(leaseSeconds * 1e6);
  }

  get #store(): Store {
    return this.#core.store;
  }

  /** Seconds that a process may be silent. */
  get leaseSeconds(): number {
    return this.#leaseUs / 1e6;
  }

  register(process: ProcessRegistration): Promise<ProcessLease> {
    return this.#store.write(() => {
      this.#store.processes.upsert(process, this.#until());
      return { id: process.id, lease_seconds: this.leaseSeconds };
    });
  }

  /**
   * Moves the lease on and waits until there is a notice, `waitSeconds` have passed, the signal aborts or {@link stopHolding} is called.
   *
   * @returns undefined when the process is not registered: it has to register again
   */
  async renew(id: string, waitSeconds: number, signal?: AbortSignal): Promise<ProcessNotice | undefined> {
    if (!(await this.#store.write(() => this.#store.processes.extend(id, this.#until())))) return undefined;
    const listener = this.#listenerOf(id);
    const seconds = Math.min(waitSeconds, MAX_WAIT_SECONDS, this.leaseSeconds / 3);
    if (listener.pending.size === 0 && seconds > 0 && this.#isHolding)
      await this.#hold(listener, seconds * 1000, signal);
    const cancelling = [...listener.pending];
    listener.pending.clear();
    return { cancelling };
  }

  /** Ends a process in peace; runs that it left open are crashed. @returns false when it was not registered */
  remove(id: string): Promise<boolean> {
    return this.#store.write(() => {
      const process = this.#store.processes.byId(id);
      if (!process) return false;
      this.bury(id, `The process that ran this (pid ${process.pid} on ${process.hostname}) ended before the run did.`);
      return true;
    });
  }

  /**
   * Ends everything that a process has left open and forgets the process: CRASHED, or CANCELLED where that was asked. Runs inside a write.
   *
   * @returns number of runs ended
   */
  bury(id: string, message: string): number {
    let ended = 0;
    for (const run of this.#store.flowRuns.openOf(id)) {
      appendToFlowRun(this.#core, run, { transitions: [this.#lastTransition(run, message)] });
      ended++;
    }
    for (
      let runs = this.#store.taskRuns.openOf(id, PORTION);
      runs.length > 0;
      runs = this.#store.taskRuns.openOf(id, PORTION)
    ) {
      for (const run of runs) appendToTaskRun(this.#core, run, [this.#lastTransition(run, message)]);
      ended += runs.length;
    }
    this.#store.taskGroups.flush();
    this.#store.processes.delete(id);
    this.#listeners.get(id)?.wake?.();
    this.#listeners.delete(id);
    return ended;
  }

  /** Whether a process is there, as far as its lease says. */
  isRegistered(id: string): boolean {
    return this.#store.processes.byId(id) !== undefined;
  }

  /** Tells the owner of a run that it is to be cancelled. @returns false when the owner is not registered: then nobody will act on it */
  tellCancelling(run: FlowRunRow): boolean {
    if (run.process_id === null || !this.#store.processes.byId(run.process_id)) return false;
    const listener = this.#listenerOf(run.process_id);
    listener.pending.add(run.id);
    listener.wake?.();
    return true;
  }

  /** Answers all held renews at once and holds none from now on: before the server closes. */
  stopHolding(): void {
    this.#isHolding = false;
    for (const listener of this.#listeners.values()) listener.wake?.();
  }

  #until(): number {
    return this.#store.nowUs() + this.#leaseUs;
  }

  #listenerOf(id: string): Listener {
    const known = this.#listeners.get(id);
    if (known) return known;
    const cancelling = this.#store.flowRuns.openOf(id).filter((run) => run.state_type === "CANCELLING");
    const listener: Listener = { pending: new Set(cancelling.map((run) => run.id)), wake: undefined };
    this.#listeners.set(id, listener);
    return listener;
  }

  async #hold(listener: Listener, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    listener.wake?.();
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        if (listener.wake === end) listener.wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, waitMs);
      listener.wake = end;
      signal?.addEventListener("abort", end, { once: true });
      if (signal?.aborted) end();
    });
  }

  #lastTransition(run: RunColumns, message: string): StoredTransition {
    const timestampUs = Math.max(this.#store.nowUs(), (run.state_timestamp ?? 0) + 1);
    return transitionOf(runState(run.state_type === "CANCELLING" ? "CANCELLED" : "CRASHED", timestampUs, { message }));
  }
}
