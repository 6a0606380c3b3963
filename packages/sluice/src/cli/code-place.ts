import { dirname } from "node:path";
import { printable } from "../client/live/text-width.ts";

// The folder of Sluice's own code, sources or compiled.
const OWN_FOLDER = dirname(import.meta.dirname);

/** The first line of a stack that is in the user's own code, `at f (file:line:column)`; undefined when none is. */
export function userFrame(stack: string): string | undefined {
  const line = stack.split("\n").find((candidate) => isUserFrame(candidate));
  return line === undefined ? undefined : printable(line);
}

/** Where a module could not be read, `at file:line`, as Node writes it above its message, or else where it threw; undefined when the error does not tell. */
export function importPlace(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const stack = error.stack ?? "";
  const [first = ""] = stack.split("\n", 1);
  return /^(?:file:|\/).*:\d+$/.test(first) ? `at ${printable(first)}` : userFrame(stack)?.trim();
}

/** Whether a line of a stack is in code of the user's: neither Node's, nor a dependency's, nor Sluice's own. */
function isUserFrame(line: string): boolean {
  return /^\s+at /.test(line) && !/\(?node:|[\\/]node_modules[\\/]/.test(line) && !line.includes(OWN_FOLDER);
}
