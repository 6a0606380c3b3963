import { expect, test } from "vitest";
import type { AnyFunction } from "./canonical-hash.ts";
import { objectParameterOf, parameterNames, parametersOf } from "./parameter-list.ts";

/** Functions from their text, since type stripping and formatting would change what is tested. */
function make(source: string): AnyFunction {
  // oxlint-disable-next-line typescript/no-implied-eval -- the text is the test's own
  const made: unknown = new Function(`return (${source});`)();
  if (typeof made !== "function") throw new Error(`no function: ${source}`);
  return made as AnyFunction; // checked above; nothing calls it
}

test.each([
  ["() => 1", []],
  ["x => x", ["x"]],
  ["async x => x", ["x"]],
  ["async => async", ["async"]],
  ["x /* the (number) */ => x", ["x"]],
  ["(a, b) => a", ["a", "b"]],
  ["(a, b,) => a", ["a", "b"]],
  ["async (a, b) => a", ["a", "b"]],
  ["function (a, b) {}", ["a", "b"]],
  ["function named(a, b) {}", ["a", "b"]],
  ["async function named(a) {}", ["a"]],
  ["function* g(a) {}", ["a"]],
  ["async function* g(a, ...more) {}", ["a", "more"]],
  ["{ m(a, b) {} }.m", ["a", "b"]],
  ["{ async m(a) {} }.m", ["a"]],
  ["{ async *[(() => 'x)')()](a) {} }['x)']", ["a"]],
  ["{ 'quoted (x)'(a) {} }['quoted (x)']", ["a"]],
  ["{ 1(a) {} }[1]", ["a"]],
  ["(class { static m(a) {} }).m", ["a"]],
  ["(a = 1, b = 'x, y', c = \"),\", d = `,${[1, '}', `${1},`]},)`) => a", ["a", "b", "c", "d"]],
  ["(a = (x, y) => { return x / y; }, b) => a", ["a", "b"]],
  ["(a = f(1, [2, { x: 3 }]), b = { y: [4, 5] }) => a", ["a", "b"]],
  ["(a = /[/,)]\\/\\(/g, b) => a", ["a", "b"]],
  ["(a = 4 / 2 / 1, b = a / 2) => a", ["a", "b"]],
  ["(a /* , x */, // , y)\n b) => a", ["a", "b"]],
  ["(a = '\\'', b = '\\\\', c) => a", ["a", "b", "c"]],
  ["($, _, ünïcode) => $", ["$", "_", "ünïcode"]],
  ["({ a, b = 2, c: renamed, 'd e': f, g: { h } = {}, i: [j] }) => a", ["a", "b", "c", "d e", "g", "i"]],
  ["({ a, ...others } = {}) => a", ["a"]],
  ["({}) => 1", []],
  ["(a, { b, c }, [d]) => a", ["a", "arg1", "arg2"]],
  ["([a]) => a", ["arg0"]],
  ["(...items) => items", ["items"]],
  ["(...[a, b]) => a", ["arg0"]],
  ["((a, b) => a).bind(null)", ["arg0", "arg1"]],
  ["Math.max", ["arg0", "arg1"]],
])("names the parameters of %s", (source, names) => {
  expect(parameterNames(make(source))).toEqual(names);
});

test("tells which parameters have defaults", () => {
  const optional = parametersOf(make("(a, b = 1, ...c) => a")).map((parameter) => [parameter.optional, parameter.rest]);
  expect(optional).toEqual([
    [false, false],
    [true, false],
    [false, true],
  ]);
  const object = objectParameterOf(make("({ a, b = {}, c: { d } = { d: 1 }, e: { f = 1 }, ...rest } = {}) => a"));
  expect(object?.keys?.map((key) => key.optional)).toEqual([false, true, true, false]);
  expect([object?.optional, object?.open]).toEqual([true, true]);
});

test("numbers the parameters of a bound function", () => {
  const odd = (a: number, b: number): number => a + b;
  expect(parameterNames(odd)).toEqual(["a", "b"]);
  expect(parameterNames(Function.prototype.call.bind(odd))).toEqual(["arg0"]);
});
