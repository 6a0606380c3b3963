/** `map` starts everything at once; `mapStream` keeps a window of runs under way and takes an iterable of any length. */
import { flow, gather, task, unmapped } from "sluice";

const scale = task("scale", (n: number, factor: number) => n * factor);
const double = task("double", (n: number) => n * 2);

function* numbers() {
  for (let n = 1; n <= 25_000; n++) yield n;
}

const master = flow("master", async () => {
  const scaled = await gather(scale.map([1, 2, 3], unmapped(10)));

  let sum = 0;
  for await (const run of double.mapStream(numbers(), { window: 500 })) sum += await run;
  return { scaled, sum };
});

console.log(await master());

// Output:
// { scaled: [ 10, 20, 30 ], sum: 625025000 }
