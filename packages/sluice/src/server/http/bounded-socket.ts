import { WebSocket } from "ws";

/** What may wait to be sent to one client: some thousand events. */
export const MAX_BUFFERED_BYTES = 4_194_304;

/**
 * A websocket whose client must read: when more than {@link MAX_BUFFERED_BYTES} wait to be sent, it is cut, whoever sends. A client that comes back asks
 * for what it has missed.
 */
export class BoundedSocket extends WebSocket {
  override send(...sent: unknown[]): void {
    this.#cutWhenFull();
    // What `WebSocket.send` takes in its two forms; after a cut it tells the caller's callback of it.
    super.send(...(sent as Parameters<WebSocket["send"]>));
  }

  override pong(...sent: Parameters<WebSocket["pong"]>): void {
    this.#cutWhenFull();
    super.pong(...sent);
  }

  #cutWhenFull(): void {
    if (this.bufferedAmount > MAX_BUFFERED_BYTES) this.terminate();
  }
}
