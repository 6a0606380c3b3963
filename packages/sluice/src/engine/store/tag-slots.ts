import { SluiceError } from "../../wire/errors.ts";
import type { TagSlotsRequest } from "../../wire/tag-slots.ts";
import type { EngineHost } from "../host.ts";

/**
 * Waits until a task run may run under the concurrency limits of its tags.
 *
 * Asked of a store that decides. The slots are the run's until the store hears of its final state.
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
