import { expect, test } from "vitest";
import { InvalidRequest } from "./api-reply.ts";
import { readBody, type BodyReading } from "./read-body.ts";

function faultOf(text: string, reading?: BodyReading): string {
  try {
    readBody(text, reading);
  } catch (error) {
    if (error instanceof InvalidRequest) return error.faults[0]?.type ?? "";
    throw error;
  }
  return "";
}

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const list = (length: number): string => JSON.stringify(Array.from({ length }, () => 1));
const named = (length: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, 1])));

test.each([
  [nested(64), ""],
  [nested(65), "json_too_deep"],
  [nested(500_000), "json_too_deep"],
  [`{"a":${nested(64)}}`, "json_too_deep"],
  [list(10_000), ""],
  [list(10_001), "json_too_many_items"],
  [`[${list(10_000)},${list(10_000)}]`, ""],
  [named(10_000), ""],
  [named(10_001), "json_too_many_items"],
  [`{"a":"${"[".repeat(100)}"}`, ""],
  [`{"a":"${"\\\\".repeat(3)}\\"${",".repeat(20_000)}"}`, ""],
  ['{"a":', "json_invalid"],
  ["NaN", "json_invalid"],
])("a body is looked at before it is parsed (%#)", (text, fault) => {
  expect(faultOf(text)).toBe(fault);
});

test.each([
  ["1e308", ""],
  ["1e400", "finite_number"],
  ["[-1E400]", "finite_number"],
  ["1".repeat(308), ""],
  ["1".repeat(5000), "finite_number"],
  ['"1e400"', ""],
  [String.raw`"\u0000"`, "string_unicode"],
  [String.raw`{"a\u0000":1}`, "string_unicode"],
  [String.raw`{"a":["\ud800"]}`, "string_unicode"],
  [String.raw`"\udc00\ud800"`, "string_unicode"],
  [String.raw`"\ud83d\ude00 \u001b \\u0000"`, ""],
  ['{"a":{"__proto__":{"isAdmin":true}}}', "json_invalid"],
  [String.raw`{"\u005f_proto__":1}`, "json_invalid"],
  ['{"constructor":{"prototype":{"isAdmin":true}}}', "json_invalid"],
  ['{"constructor":"Ferrari","text":"__proto__"}', ""],
])("%s is refused for %j", (text, fault) => {
  expect(faultOf(text)).toBe(fault);
});

test("what cannot be stored is replaced where a refusal would cost more than the character", () => {
  expect(readBody(String.raw`[{"message":"a\u0000b\ud800c\ud83d\ude00"}]`, { isRepaired: true })).toEqual([
    { message: "a\uFFFDb\uFFFDc\u{1F600}" },
  ]);
  expect(faultOf('[{"__proto__":{}}]', { isRepaired: true })).toBe("json_invalid");
});

test("a route may take more items", () => {
  expect(readBody(list(20_000), { limits: { maxDepth: 2, maxItems: 50_000 } })).toHaveLength(20_000);
});
