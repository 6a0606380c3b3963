import type { InspectOptions } from "node:util";

/*
 * What Node's `util` writes of values. It is loaded at the first use: an import of it loads streams, colours and comparisons of texts as well, which would cost
 * each worker 7 ms.
 */

/** As `console.log` writes its arguments. */
export function formatted(...values: readonly unknown[]): string {
  return process.getBuiltinModule("node:util").format(...values);
}

/** As `util.inspect` describes a value. */
export function inspected(value: unknown, options: InspectOptions): string {
  return process.getBuiltinModule("node:util").inspect(value, options);
}
