import { randomBytes } from "node:crypto";
import { flow, gather, task, unmapped } from "sluice";
import { noop } from "./noop.ts";
import { spinSubflow } from "./spinning.ts";

const PAYLOAD_BYTES = 1 << 20;

/** Gives back what it gets. */
const echo = task("echo", (payload: Uint8Array): Uint8Array => payload);

async function secondsOf(work: () => PromiseLike<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

async function secondsOfEach(n: number, work: (item: number) => PromiseLike<unknown>): Promise<readonly number[]> {
  const seconds: number[] = [];
  for (let item = 0; item < n; item++) seconds.push(await secondsOf(() => work(item)));
  return seconds;
}

/** Submits n no-op tasks, each when the one before has ended. Gives the seconds of each, as it was measured inside. */
export const noopTrips = flow("noop-trips", (n: number) => secondsOfEach(n, (item) => noop.submit(item)));

/** Maps a no-op task over n items and gathers. Gives the seconds of it all. */
export const noopMap = flow("noop-map", async (n: number) => {
  const items = Array.from({ length: n }, (_, item) => item);
  return [await secondsOf(() => gather(noop.map(items)))];
});

/** Sends a MiB of random bytes there and back, n times. Gives the seconds of each time. */
export const echoTrips = flow("echo-trips", (n: number) => {
  const payload = randomBytes(PAYLOAD_BYTES);
  return secondsOfEach(n, () => echo.submit(payload));
});

/** CPU-bound subflows: one after the other in this process, then all at once on the cluster. Gives the seconds of both. */
export const spinAll = flow("spin-all", async (jobs: number, portions: number) => {
  const sequential = await secondsOf(async () => {
    for (let seed = 0; seed < jobs; seed++) await spinSubflow(seed, portions);
  });
  const seeds = Array.from({ length: jobs }, (_, seed) => seed);
  return [sequential, await secondsOf(() => gather(spinSubflow.map(seeds, unmapped(portions))))];
});
