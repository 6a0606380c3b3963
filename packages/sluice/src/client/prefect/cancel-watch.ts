import { setTimeout as delay } from "node:timers/promises";
import type { FlowRunResponse } from "../../wire/contract/shapes.ts";
import type { PrefectCalls } from "./prefect-calls.ts";
import type { PrefectSocket } from "./prefect-socket.ts";

/*
 * Hears that flow runs of this process are to be cancelled, or have been ended by somebody else.
 *
 * The server tells it over its websocket of events. After each connection the runs are asked for once, for what was missed before it; while there is no connection they are
 * asked for every ten seconds. Nothing is watched until there is a run.
 */

/** The states in which a run of ours has to stop, as the names of events and of states. */
const STOPPING = ["Cancelling", "Cancelled"];
const POLL_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const MAX_IDS = 200;
/** A year, as Prefect's client asks for. */
const SUBSCRIBED_MS = 365 * 24 * 3600 * 1000;

export interface CancelWatchOptions {
  readonly connect: () => Promise<PrefectSocket>;
  readonly calls: PrefectCalls;
  /** Ids of the flow runs that are not over. */
  readonly openIds: () => readonly string[];
  readonly onCancelling: (flowRunIds: readonly string[]) => void;
  readonly onTrouble: (message: string) => void;
}

/** Watches for cancellations from its first {@link begin} until it is closed. See the head of the file. */
export class CancelWatch {
  readonly #options: CancelWatchOptions;
  readonly #closing = new AbortController();
  #watching: Promise<void> | undefined;
  #told = false;

  constructor(options: CancelWatchOptions) {
    this.#options = options;
  }

  /** Starts to watch; a second call does nothing. */
  begin(): void {
    this.#watching ??= this.#watch();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const startedMs = performance.now();
      const reason = await this.#connected().catch((error: unknown) => String(error));
      if (signal.aborted) return;
      const wasLong = performance.now() - startedMs > POLL_MS;
      pauseMs = wasLong ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, POLL_MS);
      if (pauseMs === POLL_MS) this.#tell(reason);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#ask();
    }
  }

  /** Hands on what the server tells until the connection ends; resolves to the reason of that. */
  async #connected(): Promise<string> {
    const socket = await this.#options.connect();
    const ended = new Promise<string>((resolve) => socket.onEnd(resolve));
    const close = (): void => socket.close();
    this.#closing.signal.addEventListener("abort", close, { once: true });
    if (this.#closing.signal.aborted) socket.close();
    socket.onMessage((text) => this.#hear(text));
    socket.send(JSON.stringify({ type: "filter", filter: filterFrom(Date.now()), backfill: false }));
    await this.#ask();
    const reason = await ended;
    this.#closing.signal.removeEventListener("abort", close);
    return reason;
  }

  #hear(text: string): void {
    // The server sends nothing but what the contract says.
    const message = JSON.parse(text) as {
      readonly type: string;
      readonly event?: { readonly resource: Readonly<Record<string, string>> };
    };
    const id = message.event?.resource["prefect.resource.id"]?.replace("prefect.flow-run.", "");
    if (message.type === "event" && id !== undefined && this.#options.openIds().includes(id))
      this.#options.onCancelling([id]);
  }

  async #ask(): Promise<void> {
    const ids = this.#options.openIds();
    try {
      for (let from = 0; from < ids.length; from += MAX_IDS) {
        const filter = { id: { any_: ids.slice(from, from + MAX_IDS) }, state: { name: { any_: STOPPING } } };
        const body = { flow_runs: filter, limit: MAX_IDS };
        const rows = await this.#options.calls.get<readonly FlowRunResponse[]>("POST", "/api/flow_runs/filter", body);
        if (rows.length > 0) this.#options.onCancelling(rows.map(({ id }) => id));
      }
    } catch (error) {
      this.#tell(String(error));
    }
  }

  #tell(reason: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#options.onTrouble(`Cancellations are heard late: the server's websocket cannot be used (${reason}).`);
  }
}

/** The server takes "until now" where no end is given. */
function filterFrom(nowMs: number): object {
  const occurred = { since: new Date(nowMs).toISOString(), until: new Date(nowMs + SUBSCRIBED_MS).toISOString() };
  return { occurred, event: { name: STOPPING.map((name) => `prefect.flow-run.${name}`) } };
}
