import { expect, test } from "vitest";
import { quoteName } from "./quote-name.ts";

test.each([
  ["plain name", "'plain name'"],
  ["it's", `"it's"`],
  [`it's "so"`, String.raw`'it\'s "so"'`],
  ["a\\b\n\t", String.raw`'a\\b\n\t'`],
  ["\u000eÈ\u009d\u2028\u{A3A5D}é☃", String.raw`'\x0eÈ\x9d\u2028\U000a3a5dé☃'`],
])("quotes %j as Python shows it", (name, shown) => {
  expect(quoteName(name)).toBe(shown);
});
