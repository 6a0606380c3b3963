/** `params` takes any Standard Schema (zod here): callers give its input type, the body gets its output type. */
import { flow } from "sluice";
import { z } from "zod";

const params = z.object({
  table: z.string().min(1),
  day: z.coerce.date(),
  limit: z.number().int().positive().default(100),
});

const load = flow(
  "load",
  { params },
  ({ table, day, limit }) => `${limit} rows of ${table} on ${day.toISOString().slice(0, 10)}`,
);

console.log(await load({ table: "orders", day: "2025-03-18" }));

const state = await load.safe({ table: "", day: "2025-03-18", limit: -1 });
console.log(state.type === "FAILED" ? state.error.message : state.type);

// Output:
// 100 rows of orders on 2025-03-18
// The parameters of flow "load" are not valid: table: Too small: expected string to have >=1 characters; limit: Too small: expected number to be >0.
