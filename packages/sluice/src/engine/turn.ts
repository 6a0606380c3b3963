/**
 * Hands the event loop its turn.
 *
 * A loop of `await task()` over short tasks never leaves the microtask queue: no timer, socket, cancel message or flush runs until it ends.
 * The engine therefore asks here at each run whether the turn has lasted {@link MAX_TURN_MS}, and if so waits for the next macrotask.
 */
const MAX_TURN_MS = 8;

let turnStartedMs = performance.now();
let nextTurn: Promise<void> | undefined;

/** A promise of the next turn when this one has lasted too long, else undefined. */
export function turnOver(): Promise<void> | undefined {
  if (nextTurn !== undefined) return nextTurn;
  if (performance.now() - turnStartedMs < MAX_TURN_MS) return undefined;
  nextTurn = new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = undefined;
      turnStartedMs = performance.now();
      resolve();
    });
  });
  return nextTurn;
}
