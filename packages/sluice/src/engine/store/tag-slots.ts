import { SluiceError } from "../../wire/errors.ts";
import type { Transport } from "../../client/transport.ts";
import type { TagLimitsReply, TagSlotsRequest } from "../../wire/tag-slots.ts";
import type { EngineHost } from "../host.ts";

/** How long what is known of the limits is taken for true. */
const FRESH_MS = 1000;

/** Which tags have a limit, so that a task run whose tags have none asks for nothing. */
export class TagLimits {
  readonly #transport: Transport;
  #limited: ReadonlySet<string> = new Set();
  #readMs = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Whether one of the tags has a limit, as of a second ago at most.
   *
   * @throws SluiceError `SLUICE_API_REFUSED`, `SLUICE_API_UNREACHABLE`
   */
  bind(tags: readonly string[]): boolean | Promise<boolean> {
    if (tags.length === 0) return false;
    const hasLimit = (): boolean => tags.some((tag) => this.#limited.has(tag));
    if (performance.now() - this.#readMs < FRESH_MS) return hasLimit();
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading.then(hasLimit);
  }

  async #read(): Promise<void> {
    const { status, body } = await this.#transport.send({ method: "GET", path: "/api/sluice/tag-limits" });
    // An older server has no such route, and no slots to give.
    if (status !== 200 && status !== 404) {
      const message = `The server answered ${status} to the request for the limits of tags: ${body.slice(0, 500)}`;
      throw new SluiceError("SLUICE_API_REFUSED", message);
    }
    // The contract of this route has these fields.
    this.#limited = new Set(status === 200 ? (JSON.parse(body) as TagLimitsReply).tags : []);
    this.#readMs = performance.now();
  }
}

/**
 * Waits until a task run may run under the concurrency limits of its tags.
 *
 * The slots are the run's until the store hears of its final state.
 *
 * @throws SluiceError `SLUICE_API_REFUSED`, `SLUICE_API_UNREACHABLE`; the signal's reason
 */
export async function takeTagSlots(
  host: EngineHost,
  run: { readonly runId: string; readonly tags: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  const body = JSON.stringify({ task_run_id: run.runId, tags: run.tags } satisfies TagSlotsRequest);
  for (;;) {
    const answer = await host.transport.send({ method: "POST", path: "/api/sluice/tag-slots", body }, run.signal);
    if (answer.status === 200) return;
    if (answer.status === 423) continue; // The store has held the request for as long as it holds any.
    throw new SluiceError(
      "SLUICE_API_REFUSED",
      `The server answered ${answer.status} to the request for slots of the tags ${run.tags.join(", ")}: ${answer.body.slice(0, 500)}`,
    );
  }
}
