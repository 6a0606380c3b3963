/** A future may be an argument: the run waits for it, gets its value, and the graph of the run shows the arrow. */
import { flow, task } from "sluice";

const extract = task("extract", (table: string) => [`${table} 1`, `${table} 2`]);
const transform = task("transform", (rows: string[], users: string[]) => rows.map((row, i) => `${row} by ${users[i]}`));
const load = task("load", (rows: string[]) => rows.length);
const notify = task("notify", () => "all loaded");

const etl = flow("etl", async () => {
  const orders = extract.submit("order");
  const users = extract.submit("user");
  const joined = transform.submit(orders, users);
  const loaded = load.submit(joined);
  const message = await notify.with({ waitFor: [loaded] }).submit();
  return { joined: await joined, loaded: await loaded, message };
});

console.log(await etl());

// Output:
// {
//   joined: [ 'order 1 by user 1', 'order 2 by user 2' ],
//   loaded: 2,
//   message: 'all loaded'
// }
