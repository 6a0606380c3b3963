import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeResult, encodeResult, isExpired } from "./result-codec.ts";

const key = "k";

test("brings every value back that can be cloned", () => {
  fc.assert(
    fc.property(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withSparseArray: true,
      }),
      (value) => {
        expect(decodeResult(encodeResult(value, { key }))).toStrictEqual(structuredClone(value));
      },
    ),
    { numRuns: 1000 },
  );
});

test("uses JSON exactly where it loses nothing", () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const cases: [unknown, "json" | "v8"][] = [
    [{ a: [1, "é", null, true, { b: "\ud800" }] }, "json"],
    [null, "json"],
    ["", "json"],
    [undefined, "v8"],
    [{ a: undefined }, "v8"],
    [[undefined], "v8"],
    [Array(1), "v8"],
    [-0, "v8"],
    [NaN, "v8"],
    [1n, "v8"],
    [new Date(0), "v8"],
    [{ toJSON: 1 }, "v8"],
    [
      new (class A {
        a = 1;
      })(),
      "v8",
    ],
    [cyclic, "v8"],
    [Buffer.from("a"), "v8"],
  ];
  for (const [value, type] of cases) expect(encodeResult(value, { key }).reference.serializer.type).toBe(type);
});

test("refers to the result by key and expiration", () => {
  const { reference } = encodeResult(1, { key, expiresAtMs: 1000 });
  expect(reference).toEqual({
    type: "reference",
    storage_key: "k",
    storage_block_id: null,
    expiration: "1970-01-01T00:00:01.000Z",
    serializer: { type: "json" },
  });
  expect([isExpired(reference, 999), isExpired(reference, 1000)]).toEqual([false, true]);
  for (const expiresAtMs of [undefined, Infinity, 1e17])
    expect(isExpired(encodeResult(1, { key, expiresAtMs }).reference, Infinity)).toBe(false);
});

test("refuses what cannot be stored by its path", () => {
  expect(() => encodeResult({ handlers: [() => 1] }, { key })).toThrow(
    expect.objectContaining({
      code: "SLUICE_NOT_SERIALIZABLE",
      message: expect.stringMatching(/^result\.handlers\[0\] is a function/),
    }),
  );
});

test("says that damaged bytes are no result", () => {
  for (const value of [{ a: 1 }, 1n]) {
    const { reference } = encodeResult(value, { key });
    expect(() => decodeResult({ reference, body: Buffer.from("{") })).toThrow(
      expect.objectContaining({ code: "SLUICE_RESULT_MISSING" }),
    );
  }
});

test("does not copy a large buffer more than the clone itself", () => {
  const large = Buffer.alloc(8 * 1024 * 1024, 7);
  const { body } = encodeResult(large, { key });
  expect(body.byteLength).toBeLessThan(large.byteLength + 64);
  expect((decodeResult({ reference: encodeResult(1n, { key }).reference, body }) as Buffer).equals(large)).toBe(true);
});
