/** The same flow here and in another process: only the task runner differs. */
import { flow, gather, ProcessPoolTaskRunner } from "sluice";

const countPrimes = flow("count-primes", (below: number) => {
  let primes = 0;
  for (let n = 2; n < below; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0;
    if (isPrime) primes += 1;
  }
  return { primes, pid: process.pid };
});

const master = flow("master", async (limits: number[]) => gather(countPrimes.map(limits)));

const limits = [1_000, 10_000, 100_000];
const here = await master(limits);
const elsewhere = await master.with({ taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) })(limits);

console.log(
  here.map((run) => run.primes),
  "here:",
  here.every((run) => run.pid === process.pid),
);
console.log(
  elsewhere.map((run) => run.primes),
  "here:",
  elsewhere.some((run) => run.pid === process.pid),
);

// Output:
// [ 168, 1229, 9592 ] here: true
// [ 168, 1229, 9592 ] here: false
