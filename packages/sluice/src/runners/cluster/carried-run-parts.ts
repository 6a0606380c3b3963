import { RemoteValue } from "../../engine/values/remote-value.ts";
import type { RunSpec } from "../../wire/run-spec.ts";
import { PART } from "./carried-order.ts";

/** Lists of arguments are looked into this deep for futures, and so for remote values (engine/context/call-arguments.ts). */
const ARGUMENT_DEPTH = 2;

/** Arguments with the numbers of parts in place of values that the cluster has, and the keys of those; other remote values are fetched. */
export async function referred(
  args: readonly unknown[],
  keeper: unknown,
): Promise<{ readonly args: readonly unknown[]; readonly keys: readonly string[] }> {
  const keys: string[] = [];
  const refer = async (value: unknown, depth: number): Promise<unknown> => {
    if (value instanceof RemoteValue) {
      const key = value.keptBy(keeper);
      return key === undefined ? value.fetch() : { [PART]: keys.push(key) - 1 };
    }
    if (depth === 0 || !Array.isArray(value) || !holdsRemote(value, depth)) return value;
    return Promise.all(value.map((item) => refer(item, depth - 1)));
  };
  if (!holdsRemote(args, ARGUMENT_DEPTH)) return { args, keys };
  return { args: await Promise.all(args.map((arg) => refer(arg, ARGUMENT_DEPTH))), keys };
}

function holdsRemote(values: readonly unknown[], depth: number): boolean {
  return values.some(
    (value) => value instanceof RemoteValue || (depth > 0 && Array.isArray(value) && holdsRemote(value, depth - 1)),
  );
}

/** Milliseconds that a run gets to end by itself: a flow has to wait for the runs that it has cancelled in turn. */
export function graceOf({ kind }: RunSpec, graceMs: number): number {
  return kind === "flow" ? 2 * graceMs + 1000 : graceMs;
}

/** The name of the run's group in the cluster's dashboard. */
export function keyName({ function: { name } }: RunSpec): string {
  return name.replace(/[^\w.]+/g, "_");
}
