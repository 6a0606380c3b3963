import { expect, test } from "vitest";
import { UsageError } from "./command-error.ts";
import { runParameters, splitEntrypoint } from "./run-parameters.ts";

test("takes a value as JSON where it parses, else as text", () => {
  const assignments = ["n=3", "list=[1,2]", "city=Oslo", 'quoted="3"', "empty=", "formula=a=b", "flag=true"];
  expect(runParameters({ assignments })).toEqual({
    n: 3,
    list: [1, 2],
    city: "Oslo",
    quoted: "3",
    empty: "",
    formula: "a=b",
    flag: true,
  });
});

test("lets an assignment override the JSON object", () => {
  expect(runParameters({ assignments: ["a=2"], json: '{"a": 1, "b": 1}' })).toEqual({ a: 2, b: 1 });
});

test.each(["novalue", "=3"])("refuses %s as an assignment", (assignment) => {
  expect(() => runParameters({ assignments: [assignment] })).toThrow(
    new UsageError(`--param takes name=value, got "${assignment}".`),
  );
});

test.each(["[1]", "{", "null"])("refuses %s as the JSON object", (json) => {
  expect(() => runParameters({ assignments: [], json })).toThrow(UsageError);
});

test.each([
  ["flows/etl.ts:nightly", { file: "flows/etl.ts", exportName: "nightly" }],
  ["etl.ts:my-flow", { file: "etl.ts", exportName: "my-flow" }],
  ["etl.ts", { file: "etl.ts" }],
  ["/a:b/etl.ts", { file: "/a:b/etl.ts" }],
  ["/a:b/etl.ts:x", { file: "/a:b/etl.ts", exportName: "x" }],
  ["etl.ts:a:b", { file: "etl.ts", exportName: "a:b" }],
  ["etl.mjs:हिन्दी (1) ⭐", { file: "etl.mjs", exportName: "हिन्दी (1) ⭐" }],
  ["a:b/etl.ts:c", { file: "a:b/etl.ts", exportName: "c" }],
])("splits %s", (text, parts) => {
  expect(splitEntrypoint(text)).toEqual(parts);
});
