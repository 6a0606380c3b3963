/** A timeout ends even a busy loop when it runs on a process or thread; the pool goes on with the next run. */
import { flow, ProcessPoolTaskRunner, task } from "sluice";

const spin = task("spin", { timeoutSeconds: 0.5, graceMs: 100 }, (loops: number) => {
  for (let i = 0; i < loops; i++);
  return "ended by itself";
});

const master = flow("master", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) }, async () => {
  const [stuck, quick] = [spin.submit(Infinity), spin.submit(10)];
  const states = await Promise.all([stuck.wait(), quick.wait()]);
  return states.map((state) => state.name);
});

console.log(await master());

// Output:
// [ 'TimedOut', 'Completed' ]
