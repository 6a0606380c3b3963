import { expect, test } from "vitest";
import { dialectOf, measureText } from "./measure-file.ts";

test("counts one for a function and one for each decision in it", () => {
  const measure = measureText(
    `function decide(a, b) {
       if (a && b) return 1;
       for (const x of a) { while (x) { x.next(); } }
       switch (b) { case 1: return 2; case 2: return 3; default: }
       try { b(); } catch {}
       b ??= a ? 1 : 2;
     }`,
    "js",
  );
  expect(measure.worst).toEqual({ name: "decide", line: 1, complexity: 10 });
  expect(measure.complexity).toBe(11);
  expect(measure.functions).toBe(1);
});

test("counts a decision in the innermost function only", () => {
  const measure = measureText("const outer = () => { const inner = () => (x ? 1 : 2); };", "js");
  expect(measure.functions).toBe(2);
  expect(measure.worst).toEqual({ name: "inner", line: 1, complexity: 2 });
});

test("does not take an else if for deeper nesting", () => {
  expect(measureText("if (a) {} else if (b) {} else if (c) {}", "js").maxNesting).toBe(1);
  expect(measureText("if (a) { for (;;) { try { b() } finally {} } }", "js").maxNesting).toBe(3);
});

test("starts nesting anew in each function", () => {
  expect(measureText("if (a) { if (b) { f(() => { if (c) {} }); } }", "js").maxNesting).toBe(2);
});

test("finds what a bundler cannot follow", () => {
  const text = "require('a'); require(name); import('b'); import(`c`); import(`c${d}`); import(where);";
  expect(measureText(text, "js").dynamicLoads).toBe(3);
});

test("finds eval and the Function constructor", () => {
  expect(
    measureText("eval('1'); new Function('a', 'return a'); Function('b'); x.eval(); evaluate();", "js").evals,
  ).toBe(3);
});

test("names methods, private methods and assigned functions", () => {
  expect(measureText("class A { #hidden() { if (a) b(); } }", "js").worst?.name).toBe("#hidden");
  expect(measureText("exports.assigned = function () { if (a) b(); };", "js").worst?.name).toBe("assigned");
  expect(measureText("export default () => a ? b : c;", "js").worst?.name).toBe("(anonymous)");
});

test("reads TypeScript, declarations, JSX and both kinds of module", () => {
  expect(measureText("export const f = <T,>(x: T): T => x satisfies T;", "ts")).toMatchObject({
    functions: 1,
    problem: undefined,
  });
  expect(measureText("export declare function f(x: number): string;", "dts")).toMatchObject({
    functions: 0,
    problem: undefined,
  });
  expect(measureText("const a = <b onClick={() => c}/>;", "js")).toMatchObject({ functions: 1, problem: undefined });
  expect(measureText("with (a) { b } return 1;", "js").problem).toBeUndefined();
});

test("tells what the parser said of a file that it cannot read", () => {
  const measure = measureText("const = = ;\n", "js");
  expect(measure.problem).toContain("Unexpected token");
  expect(measure).toMatchObject({ bytes: 12, lines: 1, functions: 0, complexity: 0 });
});

test("counts lines whether or not the last one ends", () => {
  expect(measureText("", "js").lines).toBe(0);
  expect(measureText("a\nb", "js").lines).toBe(2);
  expect(measureText("a\nb\n", "js").lines).toBe(2);
});

test("reports a text that is nested too deeply for the parser as a problem of that file", () => {
  expect(measureText("[".repeat(200_000), "js")).toMatchObject({ functions: 0, problem: expect.any(String) });
});

test("tells sources from other files by their name", () => {
  expect(["a.js", "a.mjs", "a.cjs", "a.jsx"].map(dialectOf)).toEqual(["js", "js", "js", "js"]);
  expect(["a.ts", "a.mts", "a.cts", "a.d.ts", "a.d.mts"].map(dialectOf)).toEqual(["ts", "ts", "ts", "dts", "dts"]);
  expect(["a.json", "a.tsx", "ts", "a.node", "js.map"].map(dialectOf)).toEqual(Array(5).fill(undefined));
});
