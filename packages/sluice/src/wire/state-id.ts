/**
 * Derives the id of a state, which is also the id of its event, from the run and the position of the transition.
 *
 * A UUIDv7 whose 48-bit time is that of the transition and whose random part is the run's own, shifted by the position: the same
 * transition has the same id in every process that reports or reads it, and no two transitions of one run share one.
 *
 * @param runId lower-case UUID with dashes
 * @param index 0-based position of the transition in its run, below 2^32
 * @param timestampUs microseconds since the epoch
 */
export function stateId(runId: string, index: number, timestampUs: number): string {
  const tail = (Number.parseInt(runId.slice(28), 16) + index + 1) >>> 0;
  return `${timeOf(Math.floor(timestampUs / 1000))}${runId.slice(15, 28)}${tail.toString(16).padStart(8, "0")}`;
}

let lastMs = -1;
let lastTime = "";

/** The beginning of an id up to its version; the states of a run often share it. */
function timeOf(ms: number): string {
  if (ms !== lastMs) {
    const hex = ms.toString(16).padStart(12, "0");
    lastTime = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    lastMs = ms;
  }
  return lastTime;
}
