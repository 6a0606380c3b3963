import { connect as connectTcp, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { SluiceError } from "../../../wire/errors.ts";
import { decodeMessage, encodeMessage } from "./messages.ts";

/** How to reach a scheduler or worker that asks for TLS. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface CommOptions {
  readonly tls: TlsMaterial | null;
  /** Milliseconds to get a connection and the other side's greeting. */
  readonly timeoutMs: number;
}

const KEEP_ALIVE_MS = 10_000;

/** `tcp://host:port` or `tls://host:port`, in its parts. @throws SluiceError SLUICE_OPTION_INVALID */
export function readAddress(address: string): {
  readonly scheme: "tcp" | "tls";
  readonly host: string;
  readonly port: number;
} {
  const found = /^(tcp|tls):\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d+)$/.exec(address);
  if (found === null) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `Expected the address of a Dask scheduler as tcp://host:port or tls://host:port, got ${JSON.stringify(address)}.`,
    );
  }
  const [, scheme, bracketed, plain, port] = found;
  return { scheme: scheme === "tls" ? "tls" : "tcp", host: bracketed ?? plain ?? "", port: Number(port) };
}

/** One connection of Dask's protocol: messages in order, both ways. */
export class Comm {
  readonly address: string;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];
  readonly #messages: unknown[] = [];
  #ended: Error | undefined;

  private constructor(address: string, socket: Socket) {
    this.address = address;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) => this.#end(error));
    socket.on("close", () => this.#end(new Error("the connection was closed")));
  }

  /** Connects and greets. @throws SluiceError SLUICE_CLUSTER_UNREACHABLE with what was tried */
  static async connect(address: string, options: CommOptions): Promise<Comm> {
    const timer = AbortSignal.timeout(options.timeoutMs);
    let comm: Comm | undefined;
    try {
      const socket = await open(address, options, timer);
      comm = new Comm(address, socket);
      // No compression: frames then need no library to read.
      comm.write({ compression: null, python: [3, 11, 0], "pickle-protocol": 5 });
      await orAborted(comm.read(), timer);
      return comm;
    } catch (error) {
      comm?.close();
      throw unreachable(address, error, timer.aborted ? options.timeoutMs : null);
    }
  }

  get ended(): Error | undefined {
    return this.#ended;
  }

  /** The next message. @throws Error when the connection has ended */
  read(): Promise<unknown> {
    if (this.#messages.length > 0) return Promise.resolve(this.#messages.shift());
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** Sends a message. @throws Error when the connection has ended */
  write(message: unknown): void {
    if (this.#ended !== undefined) throw this.#ended;
    this.#socket.cork();
    for (const frame of encodeMessage(message)) this.#socket.write(frame);
    this.#socket.uncork();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  /** Sends what was written and ends. */
  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frames of this.#frames.take(chunk)) {
        const message = decodeMessage(frames);
        const waiting = this.#waiting.shift();
        if (waiting === undefined) this.#messages.push(message);
        else waiting.resolve(message);
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
}

/** Cuts a stream of bytes into the frames of messages. */
class FrameReader {
  #chunks: Buffer[] = [];
  #have = 0;
  #total: number | undefined;
  #frames: Buffer[] = [];
  /** Lengths of the frames that come after the first part. */
  #lengths: number[] | undefined;

  take(chunk: Buffer): Buffer[][] {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    const messages: Buffer[][] = [];
    for (;;) {
      const message = this.#next();
      if (message === undefined) return messages;
      messages.push(message);
    }
  }

  #next(): Buffer[] | undefined {
    if (this.#total === undefined) {
      if (this.#have < 8) return undefined;
      this.#total = Number(this.#bytes(8).readBigUInt64LE());
    }
    if (this.#lengths === undefined) {
      if (this.#have < this.#total) return undefined;
      this.#readFirstPart(this.#bytes(this.#total));
    }
    const lengths = this.#lengths ?? [];
    while (lengths.length > 0) {
      if (this.#have < (lengths[0] ?? 0)) return undefined;
      this.#frames.push(this.#bytes(lengths.shift() ?? 0));
    }
    const message = this.#frames;
    this.#frames = [];
    this.#total = undefined;
    this.#lengths = undefined;
    return message;
  }

  /** The lengths of all frames, and as many frames as the sender put beside them: large ones follow. */
  #readFirstPart(part: Buffer): void {
    const count = Number(part.readBigUInt64LE(0));
    let at = 8 + 8 * count;
    this.#lengths = [];
    for (let index = 0; index < count; index++) {
      const length = Number(part.readBigUInt64LE(8 + 8 * index));
      // Those that follow come in order, also where an empty one would still fit.
      if (this.#lengths.length === 0 && at + length <= part.length) {
        this.#frames.push(part.subarray(at, at + length));
        at += length;
      } else this.#lengths.push(length);
    }
  }

  #bytes(length: number): Buffer {
    this.#have -= length;
    const first = this.#chunks[0];
    if (first !== undefined && first.length > length) {
      this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    if (first !== undefined && first.length === length) {
      this.#chunks.shift();
      return first;
    }
    const all = Buffer.concat(this.#chunks, this.#have + length);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  }
}

async function open(address: string, options: CommOptions, timer: AbortSignal): Promise<Socket> {
  const { scheme, host, port } = readAddress(address);
  const opened = Promise.withResolvers<Socket>();
  let socket: Socket;
  if (scheme === "tls") {
    if (options.tls === null) throw new Error("no certificates were given; see the option security");
    const { connect } = await import("node:tls");
    // Dask knows its peers by their authority, not by host name: workers come and go at any address.
    const secured: ConnectionOptions = { host, port, ...options.tls, checkServerIdentity: () => undefined };
    socket = connect(secured, () => opened.resolve(socket));
  } else {
    socket = connectTcp(port, host, () => opened.resolve(socket));
  }
  socket.once("error", opened.reject);
  try {
    return await orAborted(opened.promise, timer);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.off("error", opened.reject);
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(new Error("nobody answered in time"));
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener("abort", onAbort));
}

function unreachable(address: string, cause: unknown, timeoutMs: number | null): SluiceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = address.startsWith("tcp:")
    ? " A scheduler that asks for TLS closes a plain connection without a word: is it tls://?"
    : " Is it tls:// there too, and do the certificates have one authority?";
  return new SluiceError(
    "SLUICE_CLUSTER_UNREACHABLE",
    `Expected a Dask scheduler or worker at ${address}, got none${timeoutMs === null ? "" : ` within ${timeoutMs / 1000} seconds`}: ${reason}.${hint}`,
    { cause },
  );
}
