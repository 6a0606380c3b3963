import { expect, test } from "vitest";
import { ROUTES } from "../../wire/routes.ts";
import { InvalidRequest } from "../api-reply.ts";
import { RequestCheck } from "./check-request.ts";

/* What is taken, and what is said of what is not, was asked of prefect 3.8.8. */

function check(path: string, body: unknown, method = "POST"): unknown {
  const route = ROUTES.find((one) => one.path === path && one.method === method);
  if (!route) throw new Error(`no route ${method} ${path}`);
  return new RequestCheck(route).body({ method, path, body: JSON.stringify(body) });
}

function faultsOf(path: string, body: unknown): unknown {
  try {
    check(path, body);
  } catch (error) {
    if (error instanceof InvalidRequest) return error.faults;
    throw error;
  }
  return [];
}

const ID = "0190b7a4-6f3e-7c2d-8a51-3f9f4e2d1c0b";

test.each([
  ["/flow_runs/filter", { limit: "5", offset: null }, { limit: 5 }],
  [
    "/flow_runs/filter",
    { flow_runs: { id: { any_: [ID.toUpperCase().replaceAll("-", "")] } } },
    { flow_runs: { id: { any_: [ID] } } },
  ],
  [
    "/flow_runs/filter",
    { flow_runs: { start_time: { before_: 5 } } },
    { flow_runs: { start_time: { before_: "1970-01-01T00:00:05.000000Z" } } },
  ],
  ["/flow_runs/", { flow_id: ID, name: null }, { flow_id: ID }],
  ["/v2/concurrency_limits/", { name: "x", limit: 1, active: "no" }, { name: "x", limit: 1, active: false }],
])("%s takes %j", (path, body, read) => {
  expect(check(path, body)).toEqual(read);
});

test("what is wrong is told with its place, its kind and the value", () => {
  expect(faultsOf("/flows/", {})).toEqual([
    { type: "missing", loc: ["body", "name"], msg: "Field required", input: {} },
  ]);
  expect(faultsOf("/flows/", { name: "a/b", zz: 1 })).toEqual([
    { type: "extra_forbidden", loc: ["body", "zz"], msg: "Extra inputs are not permitted", input: 1 },
    {
      type: "string_pattern_mismatch",
      loc: ["body", "name"],
      msg: "String should match pattern '^[^/%&><]+$'",
      input: "a/b",
      ctx: { pattern: "^[^/%&><]+$" },
    },
  ]);
  expect(faultsOf("/flow_runs/filter", { offset: -1 })).toEqual([
    {
      type: "greater_than_equal",
      loc: ["body", "offset"],
      msg: "Input should be greater than or equal to 0",
      input: -1,
      ctx: { ge: 0 },
    },
  ]);
  expect(faultsOf("/flows/filter", { sort: "X" })).toMatchObject([
    {
      type: "enum",
      loc: ["body", "sort"],
      msg: "Input should be 'CREATED_DESC', 'UPDATED_DESC', 'NAME_ASC' or 'NAME_DESC'",
    },
  ]);
});
