/**
 * A retried flow adopts the children it has finished, each by its own arguments: never by the order of calls, so racing code is safe.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { flow, gather } from "sluice";

let bodies = 0;
let attempts = 0;

const region = flow("region", (name: string) => {
  bodies += 1;
  return `sales of ${name}`;
});

const master = flow("master", { retries: 1 }, async () => {
  attempts += 1;
  const inAnyOrder = ["north", "south", "east"].map(async (name) => {
    await sleep(Math.random() * 20);
    return region(name);
  });
  const sales = await gather(inAnyOrder);
  if (attempts === 1) throw new Error("the report printer is out of paper");
  return sales;
});

console.log(await master());
console.log({ attempts, bodies });

// Output:
// [ 'sales of north', 'sales of south', 'sales of east' ]
// { attempts: 2, bodies: 3 }
