import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonSafe, jsonSafeParameters } from "./json-safe.ts";

const MAX_BYTES = 512_000;

test("keeps JSON as it is", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(JSON.stringify(jsonSafe(value))).toBe(JSON.stringify(value));
    }),
  );
});

test("gives what JSON cannot hold a stand-in", () => {
  class Empty {}
  class Account {
    readonly id = 7;
    readonly close = (): void => {};
  }
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  expect(
    jsonSafe([
      undefined,
      NaN,
      -Infinity,
      5n,
      2n ** 80n,
      Symbol("s"),
      () => 1,
      new Date(0),
      new Date(NaN),
      new Map([["a", 1]]),
      new Map([[1, 2]]),
      new Set([1]),
      new Uint8Array(3),
      Buffer.alloc(2),
      new ArrayBuffer(1),
      /a/g,
      new TypeError("bad"),
      new URL("http://a/"),
      new Empty(),
      new Account(),
      cyclic,
      { a: undefined },
    ]),
  ).toEqual([
    null,
    "NaN",
    "-Infinity",
    5,
    "1208925819614629174706176",
    "<Symbol(s)>",
    "<function>",
    "1970-01-01T00:00:00.000Z",
    null,
    { a: 1 },
    [[1, 2]],
    [1],
    "<Uint8Array of 3 bytes>",
    "<Buffer of 2 bytes>",
    "<ArrayBuffer of 1 bytes>",
    "/a/g",
    "TypeError: bad",
    "http://a/",
    "<Empty>",
    { id: 7, close: "<function close>" },
    { self: "<circular>" },
    {},
  ]);
});

test("notes a value that cannot be read", () => {
  const hostile = {
    get field(): never {
      throw new Error("no");
    },
  };
  expect(jsonSafe({ hostile, after: 1 })).toEqual({ hostile: "<unreadable: no>", after: 1 });
});

test("never records more than the bound", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level++) deep = { deep };
  const huge: unknown[] = [
    "\u0000".repeat(10_000_000),
    Array.from({ length: 200_000 }, (_, index) => `é${index}`),
    Array.from({ length: 100_000 }, () => []),
    Array.from({ length: 100_000 }, () => ({})),
    Array.from({ length: 100 }, () => "\u0001".repeat(100_000)),
    Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key ${index}`, 1e300 / 7])),
    new Map(Array.from({ length: 100_000 }, (_, index) => [{ index }, "x".repeat(100)])),
    deep,
  ];
  for (const value of huge) expect(Buffer.byteLength(JSON.stringify(jsonSafe(value)))).toBeLessThan(MAX_BYTES);
  expect(jsonSafe("x".repeat(40_000))).toMatch(/^x{32768}… \(7232 characters more\)$/);
  const parameters = jsonSafeParameters({ a: huge, b: Array.from({ length: 10 }, () => 1), c: undefined });
  expect(Object.keys(parameters)).toEqual(["a", "b"]);
  expect(Buffer.byteLength(JSON.stringify(parameters))).toBeLessThan(MAX_BYTES);
});
