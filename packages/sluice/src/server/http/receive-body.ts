import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { Refusal } from "../api-reply.ts";
import type { BodyLimits } from "./body-limits.ts";
import { countReceived } from "./young-garbage.ts";

/** Bytes of bodies that are held at a time, over all requests: beyond it requests are asked to come again. */
const MAX_HELD_BYTES = 67_108_864;
/** How long the rest of a refused body is read and thrown away, so that a client that is still sending sees the answer. */
const DISCARD_MS = 2000;

/** The client has gone before its request was whole: nobody is there to be answered. */
export class ClientGone extends Error {}

/** What the bodies of all requests hold together. */
export class HeldBodies {
  #bytes = 0;

  /** Counts bytes as held. @throws Refusal 429 when there are too many */
  take(bytes: number): void {
    if (this.#bytes + bytes > MAX_HELD_BYTES && this.#bytes > 0)
      throw new Refusal(429, "The server is receiving too much at once: try again in a second.", {
        "retry-after": "1",
      });
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** A body that was received. */
export interface ReceivedBody {
  readonly text: string;
  /** To be given back when the request is answered. */
  readonly heldBytes: number;
}

/** Whether a request says that a body follows. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const { "content-length": length } = headers;
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/**
 * Refuses a body by what its headers say, before a byte of it is read.
 *
 * Pages of other origins can send forms and plain text without being asked, so only JSON is taken, as by Prefect's server.
 *
 * @returns whether the body is plain text, where that is taken
 * @throws Refusal 413, 415, 422
 */
export function checkBodyHeaders({ headers }: IncomingMessage, { maxBytes, isText }: BodyLimits): "json" | "text" {
  const length = Number(headers["content-length"] ?? 0);
  if (length > maxBytes) throw tooLarge(maxBytes);
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new Refusal(415, `Bodies are not taken with Content-Encoding: ${encoding}. Send it as it is.`);
  const type = headers["content-type"];
  if (isText === true && type !== undefined && /^\s*text\/plain\s*(?:;|$)/i.test(type)) return "text";
  if (type !== undefined && !/^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new Refusal(422, `The body must be JSON: send Content-Type: application/json; got ${type}.`);
  return "json";
}

/**
 * Reads the body of a request, never holding more than `maxBytes` of it; `held` counts what this and all other requests hold.
 *
 * @throws Refusal 413 for one that is too large, 429 when all bodies together are, 400 for one that is no UTF-8
 * @throws ClientGone
 */
export function receiveBody(request: IncomingMessage, maxBytes: number, held: HeldBodies): Promise<ReceivedBody> {
  const { promise, resolve, reject } = Promise.withResolvers<ReceivedBody>();
  const chunks: Buffer[] = [];
  let heldBytes = 0;
  const fail = (error: Error): void => {
    request.off("data", take).off("end", finish);
    held.give(heldBytes);
    chunks.length = 0;
    reject(error);
  };
  const take = (chunk: Buffer): void => {
    countReceived(chunk.length);
    try {
      if (heldBytes + chunk.length > maxBytes) throw tooLarge(maxBytes);
      held.take(chunk.length);
      heldBytes += chunk.length;
      chunks.push(chunk);
    } catch (error) {
      // `take` and `tooLarge` throw refusals only.
      fail(error as Refusal);
    }
  };
  const finish = (): void => {
    request.off("close", leave).off("error", leave);
    const [first] = chunks;
    const bytes = chunks.length === 1 && first ? first : Buffer.concat(chunks);
    if (isUtf8(bytes)) resolve({ text: bytes.toString("utf8"), heldBytes });
    else fail(new Refusal(400, "There was an error parsing the body: it is not UTF-8."));
  };
  const leave = (): void => fail(new ClientGone("The client has gone before its request was whole."));
  request.on("data", take).once("end", finish).once("close", leave).once("error", leave);
  return promise;
}

/**
 * Reads what is left of a refused body and throws it away, for a moment; then cuts the connection.
 *
 * @returns resolves when there is no more to come; undefined when there never was
 */
export function bodyDiscarded(request: IncomingMessage): Promise<void> | undefined {
  if (request.complete || !hasBody(request)) return undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => request.destroy(), DISCARD_MS);
  const end = (): void => {
    clearTimeout(timer);
    resolve();
  };
  request.once("end", end).once("close", end).on("error", end);
  request.on("data", (chunk: Buffer) => countReceived(chunk.length));
  return promise;
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `The body is larger than ${maxBytes} bytes, the most that this route takes.`);
}
