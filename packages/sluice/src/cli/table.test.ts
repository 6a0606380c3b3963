import { expect, test } from "vitest";
import { PLAIN_STYLE } from "../client/live/style.ts";
import { EXIT, errorText, exitCodeOf, RefusedError, UsageError } from "./command-error.ts";
import { SluiceError } from "../wire/errors.ts";
import { jsonText } from "./json-text.ts";
import { type Column, tableLines } from "./table.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly took: string;
}

const columns: readonly Column<Row>[] = [
  { title: "ID", cell: (row) => row.id },
  { title: "NAME", cell: (row) => row.name, flexible: true },
  { title: "TOOK", cell: (row) => row.took, align: "right" },
];
const rows: readonly Row[] = [
  { id: "1", name: "名前", took: "7ms" },
  { id: "22", name: "a-rather-long-name", took: "12.3s" },
];

test("a table sets cells under their titles, wide characters included", () => {
  expect(tableLines(columns, rows, { style: PLAIN_STYLE })).toEqual([
    "ID  NAME                 TOOK",
    "1   名前                  7ms",
    "22  a-rather-long-name  12.3s",
  ]);
});

test("a table cuts flexible columns only, to the width of the terminal", () => {
  expect(tableLines(columns, rows, { style: { colour: false, unicode: true }, columns: 22 })).toEqual([
    "ID  NAME          TOOK",
    "1   名前           7ms",
    "22  a-rather-l…  12.3s",
  ]);
});

test("JSON holds a stand-in for what JSON lacks", () => {
  const loop: Record<string, unknown> = {
    n: 1n,
    map: new Map([["a", new Set([1])]]),
    at: new Date(0),
    f: () => 1,
    gone: undefined,
  };
  loop["self"] = loop;
  expect(JSON.parse(jsonText(loop))).toEqual({
    n: "1",
    map: [["a", [1]]],
    at: "1970-01-01T00:00:00.000Z",
    f: null,
    self: "[circular]",
  });
  expect(jsonText(undefined)).toBe("null");
});

test("JSON stays on one line where it is short and is indented where it is long", () => {
  const long = "x".repeat(60);
  expect(jsonText({ sum: 8, list: [1, 2] })).toBe('{ "sum": 8, "list": [1, 2] }');
  expect(jsonText({ a: [long, 1], b: {}, c: long })).toBe(`{\n  "a": ["${long}", 1],\n  "b": {},\n  "c": "${long}"\n}`);
});

test("an error of Sluice's is told in two lines and has a stack only with debug", () => {
  const error = new SluiceError("SLUICE_PORT_IN_USE", "port 4200 is taken");
  expect(errorText(error, false)).toBe("error: port 4200 is taken\n  (SLUICE_PORT_IN_USE)");
  expect(errorText(error, true)).toContain("table.test.ts");
});

test("the exit code tells wrong usage from refusal", () => {
  const codes = [
    new UsageError("x"),
    new SluiceError("SLUICE_PARAMETERS_INVALID", "x"),
    new RefusedError("x"),
    new Error("x"),
  ];
  expect(codes.map((error) => exitCodeOf(error))).toEqual([EXIT.usage, EXIT.usage, EXIT.failure, EXIT.failure]);
});
