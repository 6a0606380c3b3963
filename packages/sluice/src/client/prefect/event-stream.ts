import { setTimeout as delay } from "node:timers/promises";
import { SluiceError } from "../../wire/errors.ts";
import type { ApiResponse } from "../transport.ts";
import { wellFormedJson } from "./prefect-calls.ts";
import type { PrefectSocket } from "./prefect-socket.ts";
import type { PrefectEvent } from "./task-run-event.ts";

/*
 * Takes events to a Prefect server, in order, until it has them.
 *
 * The server's websocket answers nothing. A ping that it answers (a checkpoint) says that it has read all that was sent before; events are kept until then, and
 * sent again over the next connection: their ids make that harmless.
 *
 * States
 *   streaming  Events go over the websocket. Left when it breaks: then a new one is opened.
 *   posting    The websocket could not be opened, or broke again and again over the same events: they go by `POST /events`, which says what it refuses. Left after
 *              the next events have been posted and some time has passed: then the websocket is tried again.
 *
 * Failures
 *   server away          `deliver` rejects; the events stay here and go with the next call.
 *   event refused        (it is too large, or has a name the server does not take) told and dropped: it would block all others for ever.
 */

/** A checkpoint is made after this many events, as Prefect's client does. */
const CHECKPOINT_EVENTS = 700;
/** Connections that may break without a checkpoint before events are posted. */
const MAX_BREAKS = 3;
const FIRST_PAUSE_MS = 100;
const POST_EVENTS = 200;
/** How long events are posted before the websocket is tried again. */
const POSTING_MS = 60_000;

export interface EventStreamOptions {
  /** Opens the websocket; rejects with the reason. */
  readonly connect: () => Promise<PrefectSocket>;
  /** Posts a JSON list of events, and gives the answer whatever the status; rejects when there is none. */
  readonly post: (body: string) => Promise<ApiResponse>;
  readonly onTrouble: (message: string) => void;
}

interface Unconfirmed {
  readonly id: string;
  readonly text: string;
}

/** The way of events to the server. See the head of the file. */
export class EventStream {
  readonly #options: EventStreamOptions;
  #unconfirmed: Unconfirmed[] = [];
  #socket: Promise<PrefectSocket> | undefined;
  #delivering: Promise<void> | undefined;
  /** Monotonic milliseconds until which events are posted. */
  #postingUntilMs = 0;
  #closed = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /**
   * Sends events behind those that are still unconfirmed; resolves when the server has all of them.
   *
   * @throws SluiceError `SLUICE_API_UNREACHABLE` when it cannot be reached now; the events go with the next call
   */
  async deliver(events: readonly PrefectEvent[]): Promise<void> {
    for (const event of events) this.#unconfirmed.push({ id: event.id, text: wellFormedJson(JSON.stringify(event)) });
    // Those that came while others were under way go with the next round, together.
    while (this.#delivering !== undefined) await this.#delivering.catch(() => undefined);
    if (this.#unconfirmed.length === 0) return;
    this.#delivering = this.#deliverAll().finally(() => (this.#delivering = undefined));
    await this.#delivering;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#delivering?.catch(() => undefined); // told to whoever waits for it
    const socket = await this.#socket?.catch(() => undefined);
    socket?.close();
  }

  async #deliverAll(): Promise<void> {
    const { onTrouble } = this.#options;
    for (let breaks = 0; performance.now() >= this.#postingUntilMs; breaks++) {
      try {
        return await this.#stream();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (breaks + 1 < MAX_BREAKS) {
          await delay(FIRST_PAUSE_MS * 2 ** breaks);
          continue;
        }
        await this.#post(reason);
        onTrouble(`The server's websocket for events cannot be used (${reason}); events are posted instead.`);
        this.#postingUntilMs = performance.now() + POSTING_MS;
        return;
      }
    }
    await this.#post("it could not be used a moment ago");
  }

  async #stream(): Promise<void> {
    this.#socket ??= this.#open();
    const socket = await this.#socket;
    while (this.#unconfirmed.length > 0) {
      const round = this.#unconfirmed.slice(0, CHECKPOINT_EVENTS);
      for (const { text } of round) socket.send(text);
      await socket.checkpoint();
      this.#unconfirmed = this.#unconfirmed.slice(round.length);
    }
  }

  async #open(): Promise<PrefectSocket> {
    try {
      const socket = await this.#options.connect();
      const opened = this.#socket;
      socket.onEnd(() => {
        if (this.#socket === opened) this.#socket = undefined;
      });
      if (this.#closed) socket.close();
      return socket;
    } catch (error) {
      this.#socket = undefined;
      throw error;
    }
  }

  async #post(whyNotStreamed: string): Promise<void> {
    while (this.#unconfirmed.length > 0) {
      const round = this.#unconfirmed.slice(0, POST_EVENTS);
      await this.#postRound(round, whyNotStreamed);
      this.#unconfirmed = this.#unconfirmed.slice(round.length);
    }
  }

  async #postRound(events: readonly Unconfirmed[], whyNotStreamed: string): Promise<void> {
    const { post, onTrouble } = this.#options;
    const answer = await post(`[${events.map(({ text }) => text).join(",")}]`);
    if (answer.status < 300) return;
    const [only, ...others] = events;
    const isRefused = answer.status === 422 || answer.status === 413 || answer.status === 400;
    if (!isRefused || only === undefined) {
      throw new SluiceError(
        "SLUICE_API_UNREACHABLE",
        `Events reach the server neither by its websocket (${whyNotStreamed}) nor by POST /events (${answer.status}: ${answer.body.slice(0, 200)}).`,
      );
    }
    if (others.length === 0) {
      onTrouble(`The server refused event ${only.id}, which is lost: ${answer.body.slice(0, 300)}`);
      return;
    }
    const half = Math.ceil(events.length / 2);
    await this.#postRound(events.slice(0, half), whyNotStreamed);
    await this.#postRound(events.slice(half), whyNotStreamed);
  }
}
