/** Nesting beyond this is not written as JSON: readers in other languages refuse it, Python's at about 1,000. */
const MAX_DEPTH = 500;

/** Values with more parts than this are not checked to the end: structured clone is the faster form for them, and keeps shared parts shared. */
const MAX_PARTS = 1_000_000;

/**
 * Tells whether `JSON.parse(JSON.stringify(value))` gives an equal value.
 *
 * So: null, booleans, strings, finite numbers other than -0, arrays without holes or named properties, and plain objects without undefined,
 * getters, symbols or `toJSON`. A part that occurs twice is allowed (it comes back as two equal ones), a cycle is not. False also for a value
 * nested deeper than 500 levels or of more than 1,000,000 parts. Runs no code of the value except a proxy's traps.
 */
export function isExactJson(value: unknown): boolean {
  return new ExactJsonCheck().accepts(value, 0);
}

class ExactJsonCheck {
  #parts = 0;

  accepts(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case "string":
      case "boolean":
        return true;
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0);
      case "object":
        if (value === null) return true;
        if (depth >= MAX_DEPTH || ++this.#parts > MAX_PARTS) return false;
        return Array.isArray(value) ? this.#acceptsArray(value, depth) : this.#acceptsObject(value, depth);
      default:
        return false;
    }
  }

  #acceptsArray(items: readonly unknown[], depth: number): boolean {
    if (Object.getPrototypeOf(items) !== Array.prototype || "toJSON" in items) return false;
    this.#parts += items.length;
    // `every` skips holes and a hole lowers the number of keys, as a named property raises it.
    return (
      this.#parts <= MAX_PARTS &&
      Object.keys(items).length === items.length &&
      items.every((item) => this.accepts(item, depth + 1))
    );
  }

  #acceptsObject(value: object, depth: number): boolean {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    if ("toJSON" in value || Object.getOwnPropertySymbols(value).length > 0) return false;
    const names = Object.getOwnPropertyNames(value);
    this.#parts += names.length;
    if (this.#parts > MAX_PARTS) return false;
    return names.every((name) => {
      const field = Object.getOwnPropertyDescriptor(value, name);
      return (
        field !== undefined && field.enumerable === true && "value" in field && this.accepts(field.value, depth + 1)
      );
    });
  }
}
