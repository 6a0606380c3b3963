import { expect, test } from "vitest";
import { isSluiceError } from "../../wire/errors.ts";
import { defineFunction, findFunction, functionsOf, onDefined, type FunctionDeclaration } from "./function-registry.ts";

const declare = (kind: "flow" | "task", name: string, fn: (x: number) => unknown) =>
  defineFunction({ fn, name, kind, definition: fn } satisfies FunctionDeclaration);
const plus = (x: number) => x + 1;
const atTop = declare("task", "at-top", plus);
const looped = [1, 2].map((n) => declare("task", "looped", (x) => x + n));
class Holder {
  static run = declare("task", "static", (x) => x * 2);
}
declare("flow", "twice", (x) => x);
let duplicate: unknown;
try {
  declare("flow", "twice", (x) => x + 2);
} catch (error) {
  duplicate = error;
}

test("finds a function of the top level by its reference, with the module as home", () => {
  expect(atTop).toMatchObject({ home: import.meta.url.replace(/\?.*/, ""), kind: "task", name: "at-top", ordinal: 0 });
  expect(atTop.declared_at).toMatch(/function-registry\.test\.ts:\d+:\d+$/);
  expect(findFunction(structuredClone(atTop))?.definition).toBe(plus);
});

test("tells functions of one name apart by their order", () => {
  expect(looped.map((reference) => reference.ordinal)).toEqual([0, 1]);
  expect(new Set(looped.map((reference) => findFunction(reference)?.definition)).size).toBe(2);
});

test("gives a static field the home of its class's module", () => {
  expect(Holder.run.home).toBe(atTop.home);
});

test("gives a function made at run time no home and does not keep it", async () => {
  await Promise.resolve();
  const before = functionsOf(import.meta.url).length;
  const late = declare("task", "late", plus);
  expect(late.home).toBeNull();
  expect(findFunction(late)).toBeUndefined();
  expect(functionsOf(import.meta.url)).toHaveLength(before);
});

test("refuses a second flow of one name made of another source", () => {
  expect(isSluiceError(duplicate, "SLUICE_DUPLICATE_NAME") && duplicate.message).toMatch(
    /"twice".*function-registry\.test\.ts:\d+/s,
  );
});

test("accepts a home given by hand, for loaders that hide the stack", () => {
  const reference = defineFunction({
    fn: plus,
    name: "by-hand",
    kind: "task",
    definition: plus,
    home: "file:///a/b.ts?v=1",
  });
  expect(reference.home).toBe("file:///a/b.ts");
  expect(findFunction(reference)?.definition).toBe(plus);
});

test("tells listeners of each definition until they leave", () => {
  const seen: string[] = [];
  const leave = onDefined((registered) => seen.push(registered.reference.name));
  const home = "file:///a/listened.ts";
  defineFunction({ fn: plus, name: "heard", kind: "task", definition: plus, home });
  leave();
  defineFunction({ fn: plus, name: "unheard", kind: "task", definition: plus, home });
  expect(seen).toEqual(["heard"]);
});
