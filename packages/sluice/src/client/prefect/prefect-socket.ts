import type { WebSocket } from "ws";
import { authorizationOf, type UrlAddress } from "../http-transport.ts";

/** Time to connect, and time for each answer of the greeting. */
const GREETING_MS = 10_000;
/** Time for the answer to a checkpoint: much may have been sent before it, to a busy server. */
const CHECKPOINT_MS = 30_000;

/** A websocket whose greeting is over: ping answered, authentication accepted. */
export interface PrefectSocket {
  send(text: string): void;
  /** Resolves when the server has answered a ping that it got after all that was sent before; rejects when the connection ends first. */
  checkpoint(): Promise<void>;
  onMessage(listener: (text: string) => void): void;
  /** Called once, also at once when the connection is over already. */
  onEnd(listener: (reason: string) => void): void;
  close(): void;
}

/**
 * Opens one of a Prefect server's websockets.
 *
 * @param path below the API's address, as `/events/in`
 * @throws Error with the reason: refused upgrade, refused token, no answer in time
 */
export async function openPrefectSocket(address: UrlAddress, path: string): Promise<PrefectSocket> {
  // Loaded here: a process that never speaks to a Prefect server should not pay for it.
  const { WebSocket: Socket } = await import("ws");
  const authorization = authorizationOf(address);
  const socket = new Socket(`${address.url.replace(/^http/, "ws").replace(/\/+$/, "")}${path}`, "prefect", {
    handshakeTimeout: GREETING_MS,
    perMessageDeflate: false,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  });
  const opened = new OpenSocket(socket);
  try {
    await opened.opened();
    await inTime(opened.checkpoint(), GREETING_MS, "answer to a ping");
    const greeted = new Promise<string>((resolve) => opened.onMessage(resolve));
    opened.send(JSON.stringify({ type: "auth", token: address.authString ?? address.apiKey ?? null }));
    const answer = await inTime(opened.orEnd(greeted), GREETING_MS, "answer to the authentication");
    if (!answer.includes("auth_success")) throw new Error(`the server answered ${answer.slice(0, 200)}`);
    opened.onMessage(() => undefined);
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

class OpenSocket implements PrefectSocket {
  readonly #socket: WebSocket;
  readonly #ended: Promise<string>;
  readonly #pings = new Map<string, PromiseWithResolvers<void>>();
  #listener: (text: string) => void = () => undefined;
  #pingCount = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    const ended = Promise.withResolvers<string>();
    this.#ended = ended.promise;
    let trouble = "";
    socket.on("error", (error) => (trouble = error.message));
    socket.once("close", (code, reason) => {
      const words = [trouble, reason.toString()].filter((text) => text !== "").join("; ");
      const story = words === "" ? `the connection was closed with code ${String(code)}` : words;
      for (const { reject } of this.#pings.values()) reject(new Error(story));
      this.#pings.clear();
      ended.resolve(story);
    });
    socket.on("pong", (data) => {
      this.#pings.get(data.toString())?.resolve();
      this.#pings.delete(data.toString());
    });
    socket.on("message", (data) => {
      // The server sends text in one piece; a Buffer is what `ws` gives for it by default.
      this.#listener((data as Buffer).toString("utf8"));
    });
  }

  opened(): Promise<void> {
    return this.orEnd(new Promise<void>((resolve) => this.#socket.once("open", () => resolve())));
  }

  /** The promise's value, or a rejection when the connection ends first. */
  orEnd<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([
      promise,
      this.#ended.then((reason) => {
        throw new Error(reason);
      }),
    ]);
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  async checkpoint(): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) throw new Error("the connection is closed");
    const number = String(++this.#pingCount);
    const answered = Promise.withResolvers<void>();
    this.#pings.set(number, answered);
    this.#socket.ping(number);
    try {
      await inTime(answered.promise, CHECKPOINT_MS, "answer to a ping");
    } catch (error) {
      this.#socket.terminate();
      throw error;
    }
  }

  onMessage(listener: (text: string) => void): void {
    this.#listener = listener;
  }

  onEnd(listener: (reason: string) => void): void {
    void this.#ended.then(listener);
  }

  close(): void {
    this.#socket.close(1000);
    // A server that does not answer the closing frame does not hold anything up.
    setTimeout(() => this.#socket.terminate(), 1000).unref();
  }
}

async function inTime<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} for ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
