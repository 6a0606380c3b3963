import { flow, task } from "sluice";

/** The smallest tracked program: one flow with one task. Prints its result and its own peak memory in kB. */
const double = task("double", (n: number): number => n * 2);
const smallest = flow("smallest", async (n: number): Promise<number> => double(n));

const value = await smallest(21);
process.once("exit", () => process.stdout.write(`${value} ${process.resourceUsage().maxRSS}\n`));
