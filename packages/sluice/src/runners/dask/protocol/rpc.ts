import { SluiceError } from "../../../wire/errors.ts";
import { Comm, type CommOptions } from "./comm.ts";
import { readException } from "./exceptions.ts";

/** Idle connections kept for one address. */
const KEEP_IDLE = 4;

/**
 * Calls that are answered, at the scheduler and at workers, each on a connection that is kept for the next.
 *
 * Idle connections keep no process alive.
 */
export class RpcPool {
  readonly #options: CommOptions;
  readonly #idle = new Map<string, Comm[]>();
  readonly #busy = new Set<Comm>();
  #closed = false;

  constructor(options: CommOptions) {
    this.#options = options;
  }

  /**
   * @throws SluiceError SLUICE_CLUSTER_UNREACHABLE when nobody is there, or the connection ends before the answer; SLUICE_CLUSTER_REFUSED with the other side's error
   */
  async call(address: string, message: { readonly op: string; readonly [key: string]: unknown }): Promise<unknown> {
    const known = this.#takeIdle(address);
    const comm = known ?? (await Comm.connect(address, this.#options));
    comm.ref();
    this.#busy.add(comm);
    let answer: unknown;
    try {
      comm.write({ ...message, reply: true });
      answer = await comm.read();
    } catch (error) {
      comm.close();
      // A connection that was kept may have been closed by the other side meanwhile.
      if (known !== undefined && !this.#closed) return await this.call(address, message);
      const reason = error instanceof Error ? error.message : String(error);
      throw new SluiceError(
        "SLUICE_CLUSTER_UNREACHABLE",
        `Expected an answer to ${message.op} from ${address}, but ${reason}.`,
        { cause: error },
      );
    } finally {
      this.#busy.delete(comm);
    }
    this.#putBack(comm);
    refuseError(message.op, address, answer);
    return answer;
  }

  close(): void {
    this.#closed = true;
    for (const comms of [...this.#idle.values(), this.#busy]) for (const comm of comms) comm.close();
    this.#idle.clear();
  }

  #takeIdle(address: string): Comm | undefined {
    const comms = this.#idle.get(address) ?? [];
    for (let comm = comms.pop(); comm !== undefined; comm = comms.pop()) if (comm.ended === undefined) return comm;
    return undefined;
  }

  #putBack(comm: Comm): void {
    const comms = this.#idle.get(comm.address) ?? [];
    this.#idle.set(comm.address, comms);
    if (this.#closed || comms.length >= KEEP_IDLE) return comm.close();
    comm.unref();
    comms.push(comm);
  }
}

/** Throws what the other side answered as its error. */
export function refuseError(what: string, address: string, answer: unknown): void {
  if (!isRecord(answer) || answer["status"] !== "error") return;
  const text = textOf(answer["exception_text"], describeException(answer["exception"]));
  throw new SluiceError("SLUICE_CLUSTER_REFUSED", `${address} answered ${what} with an error: ${text}`);
}

function describeException(part: unknown): string {
  const exception = readException(part);
  return exception === undefined ? "of an unknown kind" : `${exception.of}(${exception.args.map(String).join(", ")})`;
}

/** A text of a message, or what stands for one that is not there. */
export function textOf(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
