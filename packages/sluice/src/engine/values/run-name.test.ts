import { expect, test } from "vitest";
import { flowRunName, randomRunName, renderRunName, taskRunName } from "./run-name.ts";

test("fills a template with parameters and their fields", () => {
  const values = { table: "users", order: { id: 7, items: ["a", { sku: "b" }] }, none: null };
  expect(renderRunName("load-{table}-{order.id}-{ order.items.1.sku }-{none}", values)).toBe("load-users-7-b-null");
  expect(renderRunName("{order}", values)).toBe('{"id":7,"items":["a",{"sku":"b"}]}');
  expect(taskRunName("{task_name}-{table}", "load", values)).toBe("load-users");
  expect(flowRunName("{flow_name}!", "etl", values)).toBe("etl!");
});

test("takes doubled braces for braces and leaves a placeholder without a value", () => {
  expect(renderRunName("{{x}} {x} {y} {x.y} {} {a", { x: 1 })).toBe("{x} 1 {y} {x.y} {} {a");
});

test("does not fill a value in twice", () => {
  expect(renderRunName("{a}", { a: "{b} $& {{", b: "no" })).toBe("{b} $& {{");
});

test("bounds the length of a name", () => {
  expect(renderRunName("{a}", { a: "x".repeat(1000) })).toHaveLength(100);
  expect(taskRunName("{a}".repeat(10), "t", { a: "x".repeat(1000) })).toHaveLength(300);
});

test("takes a name from a function of the parameters", () => {
  expect(flowRunName(({ folder }) => `audit of ${String(folder)}`, "audit", { folder: "src" })).toBe("audit of src");
});

test("refuses a function that gives no name", () => {
  for (const bad of ["", undefined, 1]) {
    // What a caller without types may do.
    const option = (() => bad) as () => string;
    expect(() => taskRunName(option, "t", {})).toThrow(expect.objectContaining({ code: "SLUICE_OPTION_INVALID" }));
  }
});

test("shows a value that has no JSON", () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  expect(renderRunName("{a} {b}", { a: cyclic, b: 2n })).toBe("[object Object] 2");
});

test("names a flow run by two words when it has no name of its own", () => {
  expect(flowRunName(undefined, "etl", {})).toMatch(/^[a-z]+-[a-z]+$/);
  const names = new Set(Array.from({ length: 1000 }, () => randomRunName()));
  expect(names.size).toBeGreaterThan(900);
  expect([randomRunName(() => 0), randomRunName(() => 1 - 2 ** -53)]).toEqual(["agile-alpaca", "zesty-zebra"]);
});
