/** Longest string that is recorded whole, in characters. */
const MAX_STRING_CHARS = 32 * 1024;

/** Size of the whole record as JSON, in bytes of UTF-8: Prefect refuses parameters of more than 512 kB. */
const MAX_TOTAL_BYTES = 512_000;

/** Kept back so that the notes about what was left out fit as well. */
const RESERVE_BYTES = 16_000;

/** Nesting beyond this is described, not recorded. */
const MAX_DEPTH = 32;

/** What `JSON.parse` can return. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * Makes the JSON that is recorded of any value: a run's parameters, for people to read and, where the value was JSON, to run again with.
 *
 * What JSON cannot hold gets a stand-in text, such as `"<function onData>"`, `"<Uint8Array of 1048576 bytes>"`, `"<circular>"`. Dates become
 * ISO strings, Maps with string keys objects, other Maps lists of pairs, Sets lists, safe bigints numbers; fields that are undefined go.
 * Strings are cut at 32 Ki characters, nesting at 32 levels, and the whole at 512,000 bytes of JSON; each cut leaves a note. Never throws.
 */
export function jsonSafe(value: unknown): JsonValue {
  return new JsonRecorder().record(value, []);
}

/** As {@link jsonSafe}, for the named parameters of a run: all names stay, the values share the 512,000 bytes. */
export function jsonSafeParameters(parameters: Readonly<Record<string, unknown>>): Readonly<Record<string, JsonValue>> {
  const recorder = new JsonRecorder();
  const entries = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]): [string, JsonValue] => [key, recorder.record(value, [])]));
}

class JsonRecorder {
  #roomBytes = MAX_TOTAL_BYTES - RESERVE_BYTES;

  record(value: unknown, ancestors: readonly object[]): JsonValue {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return Number.isFinite(value) ? this.#spend(value, NUMBER_BYTES) : this.#text(String(value));
      case "boolean":
        return this.#spend(value, BOOLEAN_BYTES);
      case "bigint":
        return Number.isSafeInteger(Number(value))
          ? this.#spend(Number(value), NUMBER_BYTES)
          : this.#text(String(value));
      case "function":
        return this.#text(value.name === "" ? "<function>" : `<function ${value.name}>`);
      case "symbol":
        return this.#text(`<${String(value)}>`);
      default:
        return typeof value === "object" && value !== null
          ? this.#object(value, ancestors)
          : this.#spend(null, BOOLEAN_BYTES);
    }
  }

  #object(value: object, ancestors: readonly object[]): JsonValue {
    if (ancestors.includes(value)) return this.#text("<circular>");
    if (ancestors.length >= MAX_DEPTH) return this.#text(`<nested deeper than ${MAX_DEPTH} levels>`);
    if (this.#roomBytes <= 0) return "<left out: too large>";
    const inside = [...ancestors, value];
    try {
      return this.#parts(value, inside);
    } catch (failure) {
      return this.#text(`<unreadable: ${failure instanceof Error ? failure.message : String(failure)}>`);
    }
  }

  #parts(value: object, inside: readonly object[]): JsonValue {
    if (Array.isArray(value)) return this.#list(value, value.length, inside);
    if (value instanceof Map) {
      const textual = value.keys().every((key) => typeof key === "string");
      return textual ? this.#fields(value, inside) : this.#list(value, value.size, inside);
    }
    if (value instanceof Set) return this.#list(value, value.size, inside);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
      return this.#text(`<${className(value)} of ${value.byteLength} bytes>`);
    if (value instanceof RegExp) return this.#text(String(value));
    if (value instanceof Error) return this.#text(`${value.name}: ${value.message}`);
    if ("toJSON" in value && typeof value.toJSON === "function") return this.record(value.toJSON() as unknown, inside);
    const entries = Object.entries(value);
    const name = className(value);
    return entries.length === 0 && name !== "Object" && name !== ""
      ? this.#text(`<${name}>`)
      : this.#fields(entries, inside);
  }

  #list(items: Iterable<unknown>, count: number, inside: readonly object[]): JsonValue[] {
    const list: JsonValue[] = [];
    for (const item of items) {
      if (this.#roomBytes <= 0) {
        list.push(`<${count - list.length} more left out: too large>`);
        break;
      }
      this.#roomBytes -= SEPARATOR_BYTES;
      list.push(this.record(item, inside));
    }
    return list;
  }

  #fields(entries: Iterable<readonly [unknown, unknown]>, inside: readonly object[]): JsonValue {
    const fields: [string, JsonValue][] = [];
    for (const [key, field] of entries) {
      if (field === undefined) continue;
      if (this.#roomBytes <= 0) {
        fields.push(["<more left out>", "too large"]);
        break;
      }
      this.#roomBytes -= SEPARATOR_BYTES;
      fields.push([this.#text(String(key)), this.record(field, inside)]);
    }
    return Object.fromEntries(fields);
  }

  #text(text: string): string {
    const room = Math.max(0, this.#roomBytes);
    let keptChars = Math.min(text.length, MAX_STRING_CHARS);
    if (Buffer.byteLength(JSON.stringify(text.slice(0, keptChars))) > room) {
      keptChars = Math.min(keptChars, Math.floor(room / MAX_ESCAPED_BYTES));
    }
    const kept =
      keptChars === text.length
        ? text
        : `${text.slice(0, keptChars).toWellFormed()}… (${text.length - keptChars} characters more)`;
    this.#roomBytes -= Buffer.byteLength(JSON.stringify(kept));
    return kept;
  }

  #spend<Plain extends JsonValue>(value: Plain, sizeBytes: number): Plain {
    this.#roomBytes -= sizeBytes;
    return value;
  }
}

/** The longest one character of a string is written: `\\u0000`. */
const MAX_ESCAPED_BYTES = 6;
/** The longest a number of JavaScript is written. */
const NUMBER_BYTES = 24;
const BOOLEAN_BYTES = 5;
/** A comma or colon, and the brackets of what it separates. */
const SEPARATOR_BYTES = 4;

function className(value: object): string {
  const { constructor } = value;
  return typeof constructor === "function" ? constructor.name : "";
}
