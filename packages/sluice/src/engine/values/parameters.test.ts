import { expect, test } from "vitest";
import * as z from "zod";
import { isSluiceError } from "../../wire/errors.ts";
import { fromNamedParameters, parametersJsonSchema, toNamedParameters, validateParameters } from "./parameters.ts";

const audit = (folder: string, depth = 3, ...skip: string[]): unknown => [folder, depth, skip];
const order = ({ id, amount = 1 }: { id: string; amount?: number }): unknown => [id, amount];
const open = ({ id, ...others }: { id: string; [key: string]: unknown }): unknown => [id, others];
const whole = (input: { id: number }): unknown => input;

function message(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isSluiceError(error, "SLUICE_PARAMETERS_INVALID")) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("names positional arguments and takes the names back", () => {
  const cases = [
    { fn: audit, args: ["a"], named: { folder: "a", skip: [] } },
    { fn: audit, args: ["a", 2, "x", "y"], named: { folder: "a", depth: 2, skip: ["x", "y"] } },
    { fn: order, args: [{ id: "1" }], named: { id: "1" } },
    { fn: open, args: [{ id: "1", b: 2 }], named: { id: "1", b: 2 } },
    { fn: (a: unknown) => a, args: [1, 2, 3], named: { a: 1, arg1: 2, arg2: 3 } },
    { fn: () => 1, args: [], named: {} },
  ];
  for (const { fn, args, named } of cases) {
    expect(toNamedParameters(fn, args)).toEqual(named);
    const back = fromNamedParameters(fn, named, { flowName: "f" });
    expect(toNamedParameters(fn, back)).toEqual(named);
  }
});

test("passes undefined for a parameter that has a default", () => {
  expect(fromNamedParameters(audit, { folder: "a", skip: ["x"] }, { flowName: "f" })).toEqual(["a", undefined, "x"]);
});

test("takes the keys of the one object of a flow with a schema", () => {
  const style = { takesObject: true };
  expect(toNamedParameters(whole, [{ id: 1 }], style)).toEqual({ id: 1 });
  expect(fromNamedParameters(whole, { id: 1 }, { flowName: "f", ...style })).toEqual([{ id: 1 }]);
});

test("keeps a destructured argument that is no plain object under its position", () => {
  expect(toNamedParameters(order, [new Map()])).toEqual({ arg0: new Map() });
});

test("names every unknown and missing parameter and what is accepted", () => {
  expect(message(() => fromNamedParameters(audit, { foldr: "a", x: 1 }, { flowName: "audit" }))).toBe(
    'The parameters of flow "audit" are not valid: unknown "foldr"; unknown "x"; missing "folder" (give it a default value if it may be left out); ' +
      "it takes folder, depth (optional), skip (optional).",
  );
  expect(message(() => fromNamedParameters(order, { amount: 1 }, { flowName: "order" }))).toContain('missing "id"');
  expect(message(() => fromNamedParameters(order, { id: "1", x: 1 }, { flowName: "order" }))).toContain('unknown "x"');
  expect(message(() => fromNamedParameters(() => 1, { a: 1 }, { flowName: "none" }))).toContain(
    "it takes no parameters",
  );
  expect(message(() => fromNamedParameters(audit, { folder: "a", skip: "x" }, { flowName: "audit" }))).toContain(
    '"skip" takes a list, got a string',
  );
});

test("does not take names from the prototype of an object", () => {
  const odd = (constructor: unknown): unknown => constructor;
  expect(message(() => fromNamedParameters(odd, {}, { flowName: "odd" }))).toContain('missing "constructor"');
});

test("validates by a schema, at once when it can", () => {
  const schema = z.object({ id: z.coerce.number(), tags: z.array(z.object({ name: z.string() })).default([]) });
  expect(validateParameters(schema, { id: "7" }, "f")).toEqual({ id: 7, tags: [] });
  expect(message(() => validateParameters(schema, { id: "x", tags: [{ name: "a" }, { name: 1 }] }, "f"))).toMatch(
    /^The parameters of flow "f" are not valid: id: .*; tags\[1\]\.name: .*string.*\.$/,
  );
});

test("validates by an asynchronous schema", async () => {
  const schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value: unknown) =>
        Promise.resolve(value === 1 ? { value: "one" } : { issues: [{ message: "not one" }] }),
    },
  } as const;
  expect(await validateParameters(schema, 1, "f")).toBe("one");
  await expect(validateParameters(schema, 2, "f")).rejects.toMatchObject({ code: "SLUICE_PARAMETERS_INVALID" });
});

test("asks the schema for its JSON schema", () => {
  expect(parametersJsonSchema(whole, z.object({ id: z.number(), name: z.string().default("x") }))).toMatchObject({
    title: "Parameters",
    type: "object",
    properties: { id: { type: "number" }, name: { type: "string", default: "x" } },
    required: ["id"],
  });
  const plain = {
    type: "object",
    properties: { a: {} },
    "~standard": { version: 1, vendor: "t", validate: (value: unknown) => ({ value }) },
  } as const;
  expect(parametersJsonSchema(whole, plain)).toEqual({ title: "Parameters", type: "object", properties: { a: {} } });
});

test("makes a JSON schema from the names of the parameters when there is no other", () => {
  expect(parametersJsonSchema(audit)).toEqual({
    title: "Parameters",
    type: "object",
    properties: {
      folder: { title: "folder", position: 0 },
      depth: { title: "depth", position: 1 },
      skip: { title: "skip", position: 2, type: "array" },
    },
    required: ["folder"],
  });
  expect(parametersJsonSchema(order, z.object({ at: z.date() }))).toMatchObject({
    required: ["id"],
    properties: { amount: { position: 1 } },
  });
});
