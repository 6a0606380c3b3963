import { isObject } from "../check-records.ts";

/** What is shown in place of a secret. */
export const HIDDEN = "********";

/** The data of a block: JSON values by name. */
export type BlockData = Readonly<Record<string, unknown>>;

/**
 * Hides the secrets of a block's data.
 *
 * @param fields names of secrets: dotted paths, `*` for everything from there on
 */
export function hideSecrets(data: BlockData, fields: readonly string[]): BlockData {
  let shown: unknown = data;
  for (const field of fields) shown = mapAt(shown, field.split("."), { change: () => HIDDEN, path: [] });
  // Mapping an object's inside leaves it an object.
  return shown as BlockData;
}

/** Puts back the secrets that a client sent as it had seen them, hidden: it did not mean to change those. */
export function keepHidden(sent: BlockData, current: BlockData, fields: readonly string[]): BlockData {
  let kept: unknown = sent;
  const change: Walk["change"] = (value, path) => (value === HIDDEN ? valueAt(current, path) : value);
  for (const field of fields) kept = mapAt(kept, field.split("."), { change, path: [] });
  // Mapping an object's inside leaves it an object.
  return kept as BlockData;
}

interface Walk {
  readonly change: (value: unknown, path: readonly string[]) => unknown;
  readonly path: readonly string[];
}

function mapAt(value: unknown, steps: readonly string[], walk: Walk): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value === null || value === undefined ? value : walk.change(value, walk.path);
  if (step === "*") return mapLeaves(value, walk);
  if (!isObject(value) || !Object.hasOwn(value, step)) return value;
  return { ...value, [step]: mapAt(value[step], rest, { ...walk, path: [...walk.path, step] }) };
}

function mapLeaves(value: unknown, walk: Walk): unknown {
  if (!isObject(value)) return value === null || value === undefined ? value : walk.change(value, walk.path);
  const entries = Object.entries(value).map(
    ([name, one]) => [name, mapLeaves(one, { ...walk, path: [...walk.path, name] })] as const,
  );
  return Object.fromEntries(entries);
}

function valueAt(data: BlockData, path: readonly string[]): unknown {
  let value: unknown = data;
  for (const step of path) value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  return value;
}
