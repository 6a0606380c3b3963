/** A timeout ends even a busy loop when it runs on a process or thread; the pool goes on with the next run. */
import { flow, ProcessPoolTaskRunner, task } from "sluice";

const spin = task("spin", { timeoutSeconds: 0.5, graceMs: 100 }, (forever: boolean) => {
  while (forever);
  return "ended by itself";
});

const master = flow("master", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) }, async () => {
  const [stuck, quick] = [spin.submit(true), spin.submit(false)];
  const states = await Promise.all([stuck.wait(), quick.wait()]);
  return states.map((state) => state.name);
});

console.log(await master());

// Output:
// [ 'TimedOut', 'Completed' ]
