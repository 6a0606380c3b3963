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
  [
    "/flow_runs/",
    { flow_id: ID, empirical_policy: { pause_keys: ["a", "b", "a"] } },
    { flow_id: ID, empirical_policy: { pause_keys: ["a", "b"] } },
  ],
  ["/v2/concurrency_limits/", { name: "x", limit: 1, active: "no" }, { name: "x", limit: 1, active: false }],
])("%s takes %j", (path, body, read) => {
  expect(check(path, body)).toEqual(read);
});

test.each([
  ["x", "invalid character: found `x` at 0"],
  ["00000000_0000-0000-0000-000000000000", "invalid character: found `_` at 8"],
  ["", "invalid length: found 0"],
  ["0000000000000000000000000000000", "invalid length: found 31"],
  ["00000000-0000-0000-0000", "invalid group count: expected 5, found 4"],
  ["0000000-0000-0000-0000-000000000000", "invalid group length in group 0: expected 8, found 7"],
])("of %j, which is no UUID, the reason is told", (flow_id, error) => {
  expect(faultsOf("/flow_runs/", { flow_id })).toEqual([
    {
      type: "uuid_parsing",
      loc: ["body", "flow_id"],
      msg: `Input should be a valid UUID, ${error}`,
      input: flow_id,
      ctx: { error },
    },
  ]);
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
