/**
 * JSON exactly as Python writes it with sorted keys: a comma and a colon are followed by a space, everything beyond ASCII is escaped, and a number stays
 * as its sender wrote it (`60.0`, where JavaScript knows only 60). Checksums of block schemas are made over this text.
 */

/** A number as it stood in a text. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Reads JSON keeping the numbers as they are written; for {@link writePythonJson} only. */
export function readKeepingNumbers(text: string): unknown {
  const reviver = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined ? new NumberText(context.source) : value;
  return JSON.parse(text, reviver);
}

/** Writes a JSON value as Python's `json.dumps(value, sort_keys=True)` does. */
export function writePythonJson(value: unknown): string {
  if (value instanceof NumberText) return value.text;
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(writePythonJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([one], [other]) => byCodePoint(one, other));
  return `{${entries.map(([name, one]) => `${quote(name)}: ${writePythonJson(one)}`).join(", ")}}`;
}

function quote(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Python compares texts by code points, JavaScript by UTF-16 units: they differ for what lies beyond the first 65,536. */
function byCodePoint(one: string, other: string): number {
  const [mine, theirs] = [Array.from(one), Array.from(other)];
  for (const [index, character] of mine.entries()) {
    const difference = (character.codePointAt(0) ?? 0) - (theirs[index]?.codePointAt(0) ?? -1);
    if (difference !== 0) return difference;
  }
  return mine.length - theirs.length;
}
