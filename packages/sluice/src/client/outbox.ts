import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isSluiceError } from "../wire/errors.ts";
import { Spool, type TryClaim } from "./spool.ts";
import type { ApiRequest, ApiResponse, Transport } from "./transport.ts";

/*
 * Keeps records and logs on disk while a remote server is away.
 *
 * States
 *   direct     This process has nothing spooled: its records and logs go to the server. Entered when the last of its own was delivered.
 *   spooling   This process has something spooled: its records and logs go behind that. Entered when one got no answer for some seconds.
 * In both, one loop delivers what is spooled, that of dead processes first and the oldest of each first, trying again every second.
 *
 * Invariants
 *   1. A request is answered 202 only once it is on the disk; its file is removed only once the server has answered for it. So it arrives at
 *      least once: records are idempotent, a log line may be doubled by a crash between the answer and the removal.
 *   2. The requests of one process arrive in the order in which they were answered.
 *   3. A spool belongs to one living process, by a lock that falls with it; the next process that uses the same server through the same home
 *      takes it over. Spools for different servers lie apart.
 *
 * Failures
 *   server away        requests are answered 202 without verdicts; nothing waits but calls that need an answer of the server's.
 *   spool full         (`limitBytes`) the request is answered 503: its sender waits and tries again, so runs wait.
 *   disk full          as a full spool.
 *   refused on replay  (4xx) the file is kept beside the others as `.refused` and told; the rest goes on.
 *   this process dies  the spool stays; see invariant 3.
 */

/** Pause between two tries to deliver. */
const RETRY_MS = 1_000;
/** How long the server may take to answer for records before they are spooled. */
const ANSWER_MS = 10_000;
const SPOOLED_PATHS: ReadonlySet<string> = new Set(["/api/sluice/run-records", "/api/logs/"]);
/** Answers after which the same request may succeed later. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** What the sender of spooled records gets: taken, nothing decided yet. */
const SPOOLED: ApiResponse = { status: 202, body: '{"verdicts":[]}' };

export interface OutboxOptions {
  /** Way to the server for what cannot be spooled: it may try for long. */
  readonly patient: Transport;
  /** Way to the server for records and logs: gives up after the seconds from which on they are spooled. */
  readonly quick: Transport;
  /** Outbox of the home. */
  readonly directory: string;
  /** Address of the server: spools of different servers are kept apart. */
  readonly target: string;
  readonly processId: string;
  /** Bytes on disk beyond which senders wait. */
  readonly limitBytes: number;
  readonly tryClaim: TryClaim;
  /** Told, in a sentence for the user, when an outage begins, ends with spools left, or loses something. */
  readonly onTrouble: (message: string) => void;
}

/** A transport to a remote server whose records and logs survive its absence. See the head of the file. */
export class OutboxTransport implements Transport {
  readonly #options: OutboxOptions;
  readonly #directory: string;
  readonly #closing = new AbortController();
  #own: Spool | undefined;
  #adopted: Spool[];
  #delivering: Promise<void> | undefined;

  /** Takes over the spools of dead processes and starts to deliver them. */
  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#directory = join(options.directory, createHash("sha256").update(options.target).digest("hex").slice(0, 16));
    this.#adopted = Spool.adopt(this.#directory, options.tryClaim);
    if (this.#adopted.length > 0) this.#startDelivery();
  }

  async send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    if (request.method !== "POST" || !SPOOLED_PATHS.has(request.path))
      return this.#options.patient.send(request, signal);
    if (this.#isSpooling()) return this.#spool(request);
    const outcome = await this.#try(request, signal);
    if (typeof outcome === "object") return outcome;
    // Another request may have begun the outage meanwhile; it is told once.
    if (!this.#isSpooling()) {
      this.#options.onTrouble(
        `${outcome} Runs go on; their records are kept in ${this.#directory} and sent when it answers again.`,
      );
    }
    return this.#spool(request);
  }

  /** Stops delivering. What is still spooled stays for the next process of this home. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.#delivering;
    const left = this.#spools().reduce((sum, spool) => sum + spool.count, 0);
    if (left > 0) {
      this.#options.onTrouble(
        `${String(left)} batches of records could not be sent to ${this.#options.target}; the next process of this home sends them from ${this.#directory}.`,
      );
    }
    for (const spool of this.#spools()) spool.close();
    await Promise.all([this.#options.patient.close(), this.#options.quick.close()]);
  }

  #isSpooling(): boolean {
    return (this.#own?.count ?? 0) > 0;
  }

  #spools(): Spool[] {
    return this.#own === undefined ? this.#adopted : [...this.#adopted, this.#own];
  }

  /** The server's answer, or in a sentence why there is none that counts. */
  async #try(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse | string> {
    try {
      const answer = await this.#options.quick.send({ ...request, timeoutMs: ANSWER_MS }, signal);
      if (!PASSING_STATUSES.has(answer.status)) return answer;
      return `${this.#options.target} answers ${String(answer.status)} to ${request.path}.`;
    } catch (error) {
      if (isSluiceError(error, "SLUICE_API_UNREACHABLE")) return error.message;
      throw error;
    }
  }

  #spool(request: ApiRequest): ApiResponse {
    const size = this.#spools().reduce((sum, spool) => sum + spool.sizeBytes, Buffer.byteLength(request.body ?? ""));
    if (size > this.#options.limitBytes) return refusal(`the outbox in ${this.#directory} is full`);
    try {
      this.#own ??= Spool.create(join(this.#directory, this.#options.processId), this.#options.tryClaim);
      this.#own.append(request);
    } catch (error) {
      return refusal(
        `the outbox in ${this.#directory} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    this.#startDelivery();
    return SPOOLED;
  }

  #startDelivery(): void {
    this.#delivering ??= this.#deliver().finally(() => (this.#delivering = undefined));
  }

  async #deliver(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      const spool = this.#spools().find(({ count }) => count > 0);
      const request = spool?.oldest();
      if (spool === undefined || request === undefined || signal.aborted) break;
      const outcome = await this.#try(request, signal).catch((error: unknown) => String(error));
      if (typeof outcome === "string") await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      else if (outcome.status < 300) spool.drop();
      else {
        spool.drop("refused");
        const reason = `${String(outcome.status)} ${outcome.body.slice(0, 200)}`;
        this.#options.onTrouble(
          `${this.#options.target} refused records that had waited in ${spool.directory}, kept there as .refused: ${reason}`,
        );
      }
    }
    if (signal.aborted) return;
    for (const spool of this.#adopted) spool.close();
    this.#adopted = [];
  }
}

function refusal(reason: string): ApiResponse {
  return { status: 503, body: JSON.stringify({ detail: `The server is away and ${reason}.` }) };
}
