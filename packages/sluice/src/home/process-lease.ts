import { setTimeout as delay } from "node:timers/promises";
import type { ApiResponse, Transport } from "../client/transport.ts";
import type { ProcessLease, ProcessNotice, ProcessRegistration, RenewRequest } from "../wire/processes.ts";

/*
 * Keeps the lease of this process, and hears what its runs must know.
 *
 * The process is registered first. Then one request after the other asks to renew the lease, and the server holds each until it has a notice
 * or a third of the lease has passed: so a notice arrives at once and a silent process costs one request in that time. The requests come
 * from a thread that user code cannot block, so a missing renewal means that the process, its machine or the network is gone.
 *
 * Failures
 *   server away          the renewal is tried again every second; the lease of a server that returns in time is intact.
 *   lease gone (404)     the process was away too long, or the server was emptied: it registers again. Its open runs have been judged.
 *   no such route        (404 at the registration: a Prefect server) there are no leases; nothing is renewed.
 */

/** Pause after a renewal that failed. */
const RETRY_MS = 1_000;
/** An answer is held at most for this part of the lease, which leaves two more tries before it expires. */
const HELD_PART = 1 / 3;
const LONGEST_HOLD_SECONDS = 10;
/** On top of the time that the server may hold a renewal. */
const ANSWER_MS = 15_000;

export interface ProcessLeaseOptions {
  readonly transport: Pick<Transport, "send">;
  readonly registration: ProcessRegistration;
  readonly onNotice: (notice: ProcessNotice) => void;
  /** Told of the first failure in a row, so that it can be said once. */
  readonly onTrouble: (reason: string) => void;
}

/** The lease of this process. See the head of the file. */
export class ProcessLeaseKeeper {
  readonly #options: ProcessLeaseOptions;
  readonly #ending = new AbortController();
  readonly #registered: Promise<ProcessLease | undefined>;
  readonly #keeping: Promise<void>;
  #troubled = false;

  /** Starts to register at once. */
  constructor(options: ProcessLeaseOptions) {
    this.#options = options;
    this.#registered = this.#register();
    this.#keeping = this.#keep();
  }

  /** Resolves when the first try to register is over, whether it succeeded or not. */
  async settled(): Promise<void> {
    await this.#registered;
  }

  /** Stops renewing and removes the process from the store, as its runs have ended; a server that does not answer is left alone. */
  async end(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(new Error("the process ends"));
    await this.#keeping;
    if ((await this.#registered) === undefined) return;
    const path = `/api/sluice/processes/${this.#options.registration.id}`;
    try {
      await this.#options.transport.send({ method: "DELETE", path }, AbortSignal.timeout(RETRY_MS));
    } catch (error) {
      // Its lease expires by itself, and there is no open run that could be harmed.
      this.#trouble(error);
    }
  }

  async #register(): Promise<ProcessLease | undefined> {
    const body = JSON.stringify(this.#options.registration);
    try {
      const answer = await this.#options.transport.send(
        { method: "POST", path: "/api/sluice/processes", body },
        this.#ending.signal,
      );
      if (isSuccess(answer)) {
        this.#troubled = false;
        return readLease(answer);
      }
      if (answer.status !== 404 && answer.status !== 405)
        this.#trouble(new Error(`status ${String(answer.status)}: ${answer.body}`));
    } catch (error) {
      this.#trouble(error);
    }
    return undefined;
  }

  async #keep(): Promise<void> {
    let lease = await this.#registered;
    let supported = true;
    while (supported && !this.#ending.signal.aborted) {
      if (lease === undefined) {
        // Whether the server has leases at all is known only once it answered.
        supported = this.#troubled;
        if (supported) await this.#pause();
        if (supported && !this.#ending.signal.aborted) lease = await this.#register();
      } else if ((await this.#renew(lease)) === "gone") {
        lease = await this.#register();
      }
    }
  }

  async #renew(lease: ProcessLease): Promise<"kept" | "gone"> {
    const waitSeconds = Math.min(lease.lease_seconds * HELD_PART, LONGEST_HOLD_SECONDS);
    const body = JSON.stringify({ wait_seconds: waitSeconds } satisfies RenewRequest);
    const path = `/api/sluice/processes/${lease.id}/renew`;
    const timeoutMs = waitSeconds * 1000 + ANSWER_MS;
    try {
      const answer = await this.#options.transport.send({ method: "POST", path, body, timeoutMs }, this.#ending.signal);
      if (answer.status === 404) return "gone";
      if (!isSuccess(answer)) throw new Error(`status ${String(answer.status)}: ${answer.body}`);
      this.#troubled = false;
      const notice = readNotice(answer);
      if (notice.cancelling.length > 0) this.#options.onNotice(notice);
    } catch (error) {
      this.#trouble(error);
      await this.#pause();
    }
    return "kept";
  }

  #trouble(error: unknown): void {
    if (this.#troubled || this.#ending.signal.aborted) return;
    this.#troubled = true;
    this.#options.onTrouble(error instanceof Error ? error.message : String(error));
  }

  async #pause(): Promise<void> {
    await delay(RETRY_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined);
  }
}

function isSuccess(answer: ApiResponse): boolean {
  return answer.status >= 200 && answer.status < 300;
}

function readLease(answer: ApiResponse): ProcessLease {
  // The route's contract, see wire/processes.ts; only a server of ours has the route.
  return JSON.parse(answer.body) as ProcessLease;
}

function readNotice(answer: ApiResponse): ProcessNotice {
  // As above.
  return JSON.parse(answer.body) as ProcessNotice;
}
