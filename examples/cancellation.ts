/** Cancelling is an `AbortSignal`: bodies see it, the losers of a race get it, and waiting code stops at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { flow, race, runContext, task } from "sluice";

const download = task("download", async (mirror: string, delayMs: number) => {
  await sleep(delayMs, undefined, { signal: runContext().signal });
  return mirror;
});

const master = flow("master", async () => {
  const mirrors = [download.submit("near", 50), download.submit("far", 60_000), download.submit("moon", 90_000)];
  const winner = await race(mirrors);
  const ends = await Promise.all(mirrors.map((mirror) => mirror.wait()));
  return { winner, ends: ends.map((state) => state.name) };
});

console.log(await master());

const alone = flow("alone", async () => {
  const run = download.submit("slow", 60_000);
  run.cancel();
  return (await run.wait()).name;
});

console.log(await alone());

// Output:
// { winner: 'near', ends: [ 'Completed', 'Cancelled', 'Cancelled' ] }
// Cancelled
