/**
 * Keeps the connections that wait for something from filling the server.
 *
 * A connection *waits* while it is idle between two requests, and while a request on it is half sent. It works from the moment a request is whole
 * until its answer is written. Of the connections of one address, at most {@link MAX_WAITING} may wait for longer than a moment; those that have waited
 * longest are cut. (How long a half-sent request may take is limited by the server's time-outs besides.)
 */
import type { Socket } from "node:net";

/** Most connections of one address that wait. */
export const MAX_WAITING = 200;
/** Every client waits for some milliseconds between an answer and its next request: only longer waits count. */
const MOMENT_MS = 1000;
const SWEEP_MS = 1000;

interface Watched {
  readonly socket: Socket;
  readonly address: string;
  /** Since when it waits, by the monotonic clock; undefined while it works. */
  waitingSinceMs: number | undefined;
  /** Whether a request has its turn. */
  isTaken: boolean;
  /** Requests that came before the one ahead of them was answered, in their order. */
  readonly queue: (() => void)[];
}

/** The connections of one server. */
export class ConnectionWatch {
  readonly #byAddress = new Map<string, Set<Watched>>();
  readonly #bySocket = new WeakMap<Socket, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  /** Starts to watch a new connection. */
  add(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const watched: Watched = { socket, address, waitingSinceMs: performance.now(), isTaken: false, queue: [] };
    const group = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, group.add(watched));
    this.#bySocket.set(socket, watched);
    socket.once("close", () => this.release(socket));
  }

  /**
   * Waits until the requests ahead of one on its connection are answered: resolves at once, as undefined, when there are none.
   *
   * A client may send a thousand requests without waiting for an answer; in one turn each, they do not get in the way of other clients'. Nothing more
   * is read from the connection until its last request has its turn.
   */
  turn(socket: Socket): Promise<void> | undefined {
    const watched = this.#bySocket.get(socket);
    if (!watched) return undefined;
    if (!watched.isTaken) {
      watched.isTaken = true;
      return undefined;
    }
    socket.pause();
    return new Promise((resolve) => watched.queue.push(resolve));
  }

  /** The request on a connection is whole. */
  works(socket: Socket): void {
    const watched = this.#bySocket.get(socket);
    if (watched) watched.waitingSinceMs = undefined;
  }

  /** The answer is written, or will never be: the next request on the connection has its turn. */
  waits(socket: Socket): void {
    const watched = this.#bySocket.get(socket);
    if (!watched) return;
    watched.waitingSinceMs = performance.now();
    const next = watched.queue.shift();
    watched.isTaken = next !== undefined;
    next?.();
    if (watched.queue.length === 0 && socket.isPaused()) socket.resume();
  }

  /** Whether an answer is under way on a connection. */
  isWorking(socket: Socket): boolean {
    const watched = this.#bySocket.get(socket);
    return watched !== undefined && watched.waitingSinceMs === undefined;
  }

  /** Watches a connection no more: it has become a websocket, or is closed. */
  release(socket: Socket): void {
    const watched = this.#bySocket.get(socket);
    if (!watched) return;
    this.#bySocket.delete(socket);
    // They find that their answers cannot be written.
    for (const go of watched.queue.splice(0)) go();
    const group = this.#byAddress.get(watched.address);
    group?.delete(watched);
    if (group?.size === 0) this.#byAddress.delete(watched.address);
  }

  /** Cuts the connections that are too many; called every second. */
  sweep(): void {
    const before = performance.now() - MOMENT_MS;
    for (const group of this.#byAddress.values()) {
      if (group.size <= MAX_WAITING) continue;
      const waiting = [...group]
        .map((watched) => ({ watched, sinceMs: watched.waitingSinceMs ?? Infinity }))
        .filter(({ sinceMs }) => sinceMs < before)
        .toSorted((one, other) => one.sinceMs - other.sinceMs);
      for (const { watched } of waiting.slice(0, Math.max(0, waiting.length - MAX_WAITING))) watched.socket.destroy();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
