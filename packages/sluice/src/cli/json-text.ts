// What fits on a line of this many columns stays on one line.
const LINE_COLUMNS = 100;

/**
 * Writes any value as JSON for people and programs: short parts on one line, longer ones indented.
 *
 * What JSON lacks gets a stand-in (`bigint` its digits as a text, `Map` and `Set` arrays, `Error` its name and message, functions and
 * symbols null, a cycle the text "[circular]"), so that printing never fails.
 */
export function jsonText(value: unknown): string {
  return layOut(plain(value, []), "");
}

function layOut(value: unknown, indent: string): string {
  const isObject = typeof value === "object" && value !== null;
  const isArray = Array.isArray(value);
  const entries: [string, unknown][] = isObject ? Object.entries(value) : [];
  if (!isObject || entries.length === 0) return JSON.stringify(value) ?? "null";
  const deeper = `${indent}  `;
  const parts = entries.map(([key, entry]) => {
    const text = layOut(entry, deeper);
    return isArray ? text : `${JSON.stringify(key)}: ${text}`;
  });
  const [open, close] = isArray ? ["[", "]"] : ["{", "}"];
  const length = parts.reduce((sum, part) => sum + part.length + 2, indent.length + 2);
  const isShort = length <= LINE_COLUMNS && !parts.some((part) => part.includes("\n"));
  const pad = isArray ? "" : " ";
  if (isShort) return `${open}${pad}${parts.join(", ")}${pad}${close}`;
  return `${open}\n${parts.map((part) => `${deeper}${part}`).join(",\n")}\n${indent}${close}`;
}

function plain(value: unknown, above: readonly object[]): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return null;
  if (typeof value !== "object" || value === null) return value;
  if (above.includes(value)) return "[circular]";
  const inside = [...above, value];
  if (Array.isArray(value)) return value.map((entry) => plain(entry ?? null, inside));
  if (value instanceof Map) return Array.from(value, ([key, entry]) => [plain(key, inside), plain(entry, inside)]);
  if (value instanceof Set) return Array.from(value, (entry) => plain(entry, inside));
  if (value instanceof Error) return { name: value.name, message: value.message, ...plainFields(value, inside) };
  if (ArrayBuffer.isView(value)) return Array.from(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if ("toJSON" in value && typeof value.toJSON === "function") return plain(value.toJSON(), inside);
  return plainFields(value, inside);
}

function plainFields(value: object, inside: readonly object[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) if (entry !== undefined) fields[key] = plain(entry, inside);
  return fields;
}
