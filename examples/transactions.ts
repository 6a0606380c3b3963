/** Tasks in a transaction commit together, or are rolled back together, the last first. */
import { flow, task, transaction } from "sluice";

const shelf = new Set<string>();

const put = task(
  "put",
  {
    onRollback: (txn) => {
      const item = txn.get("item");
      shelf.delete(String(item));
      console.log("rolled back:", item);
    },
    onCommit: () => {
      console.log("committed:", [...shelf]);
    },
  },
  (item: string) => {
    shelf.add(item);
    return item;
  },
);

const check = task("check", (limit: number) => {
  if (shelf.size > limit) throw new Error(`more than ${limit} on the shelf`);
});

const store = flow("store", async (item: string, limit: number) => {
  await transaction({}, async (txn) => {
    txn.set("item", item);
    await put(item);
    await check(limit);
  });
});

await store("book", 1);
const state = await store.safe("vase", 1);
console.log(state.name, [...shelf]);

// Output:
// committed: [ 'book' ]
// rolled back: vase
// Failed [ 'book' ]
