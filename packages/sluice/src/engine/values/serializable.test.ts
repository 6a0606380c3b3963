import { Socket } from "node:net";
import { serialize } from "node:v8";
import { expect, test } from "vitest";
import { isSluiceError } from "../../wire/errors.ts";
import { findUnserializable, notSerializableError } from "./serializable.ts";

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
