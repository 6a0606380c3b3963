/**
 * Ends the runs of processes that are gone.
 *
 * Two judgements. *At open* (`judgeNow`): a process of this host that is not there any more (another boot, no such pid, the pid belongs to a later
 * process) is given up at once; a process that is there, or of another host, gets a whole lease anew, since nobody could renew while nobody led.
 * *Then every few seconds* (`tick`): whoever has not renewed within the lease is given up, and so are owners of open runs that never registered and
 * were seen for a whole lease.
 *
 * When a tick comes very late (the machine slept, the process was stopped), the clients slept too: all leases are given a whole lease anew, and
 * nobody is judged in that tick.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { ProcessRow } from "../db/process-table.ts";
import type { Store } from "../db/store.ts";
import type { Processes } from "./processes.ts";

const TICK_MS = 2000;
/** A tick later than this was not a busy machine but a sleeping one. */
const ASLEEP_US = 10_000_000;

/** Where this reaper runs: which processes it can look at. */
export interface Host {
  readonly hostname: string;
  readonly bootId: string | null;
  /** Whether this process of this host is still the one that registered. */
  isAlive(process: ProcessRow): boolean;
}

/** The service; started and stopped by the server. Starting or stopping twice is legal. */
export class LeaseReaper {
  readonly #store: Store;
  readonly #processes: Processes;
  readonly #host: Host;
  readonly #strangers = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #lastTickUs = 0;

  constructor(store: Store, processes: Processes, host: Host = thisHost()) {
    this.#store = store;
    this.#processes = processes;
    this.#host = host;
  }

  start(onError: (error: unknown) => void): void {
    if (this.#timer) return;
    this.#lastTickUs = this.#store.nowUs();
    this.#timer = setInterval(() => void this.tick().catch(onError), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The judgement at open. Resolves to the number of runs ended. */
  judgeNow(): Promise<number> {
    return this.#store.write(() => {
      let ended = 0;
      for (const process of this.#store.processes.all()) {
        if (this.#isGone(process))
          ended += this.#processes.bury(
            process.id,
            `The process that ran this (pid ${process.pid} on ${process.hostname}) is gone.`,
          );
        else this.#store.processes.extend(process.id, this.#leaseUntil());
      }
      return ended;
    });
  }

  /** One round. Resolves to the number of runs ended. */
  async tick(): Promise<number> {
    const now = this.#store.nowUs();
    const wasAsleep = this.#lastTickUs > 0 && now - this.#lastTickUs > ASLEEP_US;
    this.#lastTickUs = now;
    const overdue = this.#store.processes.all().filter((process) => process.lease_until < now || this.#isGone(process));
    const strangers = this.#knownStrangers(now);
    if (overdue.length + strangers.length === 0 && !wasAsleep) return 0;
    return this.#store.write(() => {
      if (wasAsleep) {
        for (const process of this.#store.processes.all()) this.#store.processes.extend(process.id, this.#leaseUntil());
        return 0;
      }
      let ended = 0;
      for (const { id, pid, hostname: host } of overdue) {
        ended += this.#processes.bury(
          id,
          `The process that ran this (pid ${pid} on ${host}) has not been heard of for ${this.#processes.leaseSeconds} s or is gone.`,
        );
      }
      for (const id of strangers)
        ended += this.#processes.bury(
          id,
          `The process that ran this (${id}) is not registered and has not been heard of.`,
        );
      return ended;
    });
  }

  #leaseUntil(): number {
    return this.#store.nowUs() + this.#processes.leaseSeconds * 1e6;
  }

  #isGone(process: ProcessRow): boolean {
    if (process.hostname !== this.#host.hostname) return false;
    if (this.#host.bootId !== null && process.boot_id !== this.#host.bootId) return true;
    return !this.#host.isAlive(process);
  }

  #knownStrangers(now: number): string[] {
    const present = new Set(this.#store.processes.strangers());
    for (const id of this.#strangers.keys()) if (!present.has(id)) this.#strangers.delete(id);
    for (const id of present) if (!this.#strangers.has(id)) this.#strangers.set(id, now);
    return [...present].filter((id) => now - (this.#strangers.get(id) ?? now) > this.#processes.leaseSeconds * 1e6);
  }
}

function thisHost(): Host {
  return { hostname: hostname(), bootId: readOrNull("/proc/sys/kernel/random/boot_id")?.trim() ?? null, isAlive };
}

function isAlive(process: ProcessRow): boolean {
  try {
    globalThis.process.kill(process.pid, 0);
  } catch (error) {
    // EPERM: there is such a process, of another user.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
  }
  const stat = process.start_ticks === null ? null : readOrNull(`/proc/${process.pid}/stat`);
  if (stat === null) return true;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie is over; field 22 of the line, the 20th after the name, is the start time.
  return fields[0] !== "Z" && Number(fields[19]) === process.start_ticks;
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Not Linux, or the process ended meanwhile: nothing is known, which is an answer.
    return null;
  }
}
