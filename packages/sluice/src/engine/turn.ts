/**
 * Hands the event loop its turn.
 *
 * A loop of `await task()` over short tasks never leaves the microtask queue: no timer, socket, cancel message or flush runs until it ends.
 * The engine therefore asks here at each run whether the turn has lasted {@link MAX_TURN_MS}, and if so waits for a later one.
 *
 * Those who wait go on in the order in which they came, as many in a turn as begin within its time: ten thousand runs that were submitted at
 * once take many turns, with timers and messages in between.
 */
const MAX_TURN_MS = 8;
/** How many are woken before the time is looked at again. */
const WOKEN_AT_ONCE = 16;

let turnStartedMs = performance.now();
let waiting: (() => void)[] = [];
let planned = false;

/** Whether this turn has lasted too long, or others wait for a later one already. */
export function isTurnOver(): boolean {
  return waiting.length > 0 || performance.now() - turnStartedMs >= MAX_TURN_MS;
}

/** A promise of a later turn when this one has lasted too long, or others wait already; else undefined. */
export function turnOver(): Promise<void> | undefined {
  if (!isTurnOver()) return undefined;
  return new Promise((resolve) => {
    waiting.push(resolve);
    plan();
  });
}

function plan(): void {
  if (planned) return;
  planned = true;
  setImmediate(() => {
    planned = false;
    turnStartedMs = performance.now();
    void wake();
  });
}

async function wake(): Promise<void> {
  const queue = waiting;
  let next = 0;
  while (next < queue.length && performance.now() - turnStartedMs < MAX_TURN_MS) {
    for (const end = Math.min(next + WOKEN_AT_ONCE, queue.length); next < end; next++) queue[next]?.();
    // Lets those just woken begin, so that their time counts.
    await Promise.resolve();
  }
  waiting = queue.slice(next);
  if (waiting.length > 0) plan();
}
