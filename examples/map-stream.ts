/** `map` starts everything at once; `mapStream` keeps a window of runs under way and takes an iterable of any length. */
import { flow, task, unmapped } from "sluice";

const scale = task("scale", (n: number, factor: number) => n * factor);

function* numbers() {
  for (let n = 1; n <= 25_000; n++) yield n;
}

const master = flow("master", async () => {
  let sum = 0;
  for await (const run of scale.mapStream(numbers(), unmapped(2), { window: 500 })) sum += await run;
  return sum;
});

console.log(await master());

// Output:
// 625025000
