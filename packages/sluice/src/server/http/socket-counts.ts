import type { Socket } from "node:net";
import { Refusal } from "../api-reply.ts";

/** Most websockets at a time: every Python process that runs flows keeps one open, a worker or runner two or three. */
export const MAX_SOCKETS = 5000;
/** Most websockets of one address. */
export const MAX_SOCKETS_PER_ADDRESS = 1000;

/** Counts the websockets of a server. */
export class SocketCounts {
  #all = 0;
  readonly #byAddress = new Map<string, number>();

  /** Counts a connection that becomes a websocket, until it is closed. @throws Refusal 429 when there are too many */
  add(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#all >= MAX_SOCKETS || ofAddress >= MAX_SOCKETS_PER_ADDRESS)
      throw new Refusal(429, "Too many websockets are open.", { "retry-after": "10" });
    this.#all++;
    this.#byAddress.set(address, ofAddress + 1);
    socket.once("close", () => this.#remove(address));
  }

  #remove(address: string): void {
    this.#all--;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}
