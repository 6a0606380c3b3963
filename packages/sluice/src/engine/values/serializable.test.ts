import { Socket } from "node:net";
import { serialize } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { isSluiceError } from "../../wire/errors.ts";
import { findUnserializable, notSerializableError, refuseEmptied } from "./serializable.ts";

function handler(): void {}

class Job {
  readonly id = 1;
  readonly run = handler;
}

test("names the part that cannot be cloned by its path", () => {
  const socket = new Socket();
  const cases: [unknown, string, string][] = [
    [[{ socket }], "args[0].socket", "an instance of Socket"],
    [{ handlers: [1, 2, 3, handler] }, "args.handlers[3]", 'a function named "handler"'],
    [new Map([["key", [Symbol("s")]]]), 'args.get("key")[0]', "a symbol (Symbol(s))"],
    [new Map([[handler, 1]]), 'args.keys(a function named "handler")', 'a function named "handler"'],
    [new Set([1, handler]), "args.values()[1]", 'a function named "handler"'],
    [{ "a b": new Job() }, 'args["a b"].run', 'a function named "handler"'],
    [[new Error("x", { cause: handler })], "args[0].cause", 'a function named "handler"'],
    [[Promise.resolve()], "args[0]", "an instance of Promise"],
    [new WeakMap(), "args", "an instance of WeakMap"],
    [handler, "args", 'a function named "handler"'],
    [[{ page: new URL("http://sluice.example") }], "args[0].page", "an instance of URL"],
  ];
  for (const [value, path, what] of cases) expect(findUnserializable(value, "args")).toEqual({ path, what });
  socket.destroy();
});

test("finds nothing in what can be cloned, cycles included", () => {
  const cyclic: { self?: unknown; map?: Map<unknown, unknown> } = {};
  cyclic.self = cyclic;
  cyclic.map = new Map([[cyclic, cyclic]]);
  for (const value of [cyclic, [undefined, NaN, 1n, new Date(), /a/, new Uint8Array(1), new Error("x")]]) {
    expect(() => serialize(value)).not.toThrow();
    expect(findUnserializable(value, "args")).toBeUndefined();
  }
});

test("finds the culprit behind a cycle", () => {
  const a: { b?: unknown; run?: unknown } = {};
  a.b = { a };
  a.run = handler;
  expect(findUnserializable([a], "result")?.path).toBe("result[0].run");
});

test("says what was expected, what was got and what to do", () => {
  const cause = new Error("could not be cloned");
  const error = notSerializableError([1, handler], "args", cause);
  expect(isSluiceError(error, "SLUICE_NOT_SERIALIZABLE")).toBe(true);
  expect(error.message).toMatch(
    /^args\[1\] is a function named "handler", which can .* Expected .* Pass what it is made from/,
  );
  expect(error.cause).toBe(cause);
});

test("an object whose copy would be empty is refused by its place; what a clone copies, and what it refuses, is not", () => {
  class Secret {
    readonly #text = "x";
    show(): string {
      return this.#text;
    }
  }
  class Point {
    x = 1;
  }
  const refusal = (value: unknown): string => {
    try {
      refuseEmptied(value, "args");
      return "";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  expect(refusal([{ at: new URL("http://localhost") }])).toMatch(
    /^args\[0\]\.at is an instance of URL without a field of its own/,
  );
  expect(refusal(new Map([["a", [new Headers({ a: "1" })]]]))).toContain('args.get("a")[0] is an instance of Headers');
  expect(refusal([new AbortController().signal])).toContain("args[0] is an instance of AbortSignal");
  expect(refusal([new Secret()])).toContain("args[0] is an instance of Secret");
  const cycle: unknown[] = [];
  cycle.push(
    cycle,
    {},
    [],
    new Date(),
    /x/u,
    new Map(),
    new Set(),
    new Uint8Array(),
    new ArrayBuffer(1),
    new Error("e"),
  );
  cycle.push(
    Object.create(null),
    new Point(),
    Object(1n),
    Buffer.alloc(1),
    new TypeError("t"),
    null,
    undefined,
    1,
    "text",
  );
  cycle.push(Promise.resolve(), new WeakMap(), () => 1, runInNewContext("({})"));
  expect(refusal(cycle)).toBe("");
  expect(refusal(new Map(Array.from({ length: 5000 }, (_, n) => [n, n === 3 ? new Secret() : n])))).toContain("get(3)");
  expect(refusal(Array.from({ length: 5000 }, (_, n) => (n === 4999 ? new Secret() : n)))).toBe("");
});
