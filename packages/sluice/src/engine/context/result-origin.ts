import type { RunInput } from "../../wire/run-record.ts";

/** Which run made an object: how a value that was awaited and handed on still shows in the run graph. */
const origins = new WeakMap<object, RunInput>();

/** Notes the run that a value came from; only objects can be told apart by identity. */
export function noteOrigin(value: unknown, origin: RunInput): void {
  if (typeof value === "object" && value !== null) origins.set(value, origin);
}

/** The runs that made the objects among the arguments, by parameter name; undefined when there are none. */
export function inputsOfValues(
  args: readonly unknown[],
  names: () => readonly string[],
): Readonly<Record<string, readonly RunInput[]>> | undefined {
  let inputs: Record<string, readonly RunInput[]> | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (typeof arg !== "object" || arg === null) continue;
    const origin = origins.get(arg);
    if (origin !== undefined) (inputs ??= {})[names()[i] ?? `arg${i}`] = [origin];
  }
  return inputs;
}
