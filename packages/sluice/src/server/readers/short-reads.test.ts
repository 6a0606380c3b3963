import { expect, test } from "vitest";
import { isShortRead } from "./short-reads.ts";

test.each([
  [{}, true],
  [{ limit: 200, sort: "START_TIME_DESC", flow_runs: null }, true],
  [{ sort: "NAME_ASC" }, false],
  [{ sort: "ID_DESC", offset: 100_000 }, false],
  [{ flow_runs: { tags: { all_: ["a"] } } }, false],
  [{ deployments: {} }, false],
])("a list of flow runs by %j is short: %s", (body, isShort) => {
  expect(isShortRead("POST /flow_runs/filter", body)).toBe(isShort);
});

test("no other list is short", () => {
  expect(isShortRead("POST /events/filter", {})).toBe(false);
});
