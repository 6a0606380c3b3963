import { expect, test } from "vitest";
import { redact } from "./redact.ts";

test.each([
  ["fetch of https://ann:pa55@host/x failed", "fetch of https://ann:***@host/x failed"],
  ["Authorization: Basic YW5uOnNlY3JldA==, next", "Authorization: ***, next"],
  ['{"authorization":"Bearer abcdefgh12"}', '{"authorization":"***"}'],
  ["key slk_aef41bc48885c4d6d9eb901a2025bafb11993d9683ebe2 is gone", "key slk_*** is gone"],
  ["the secret is ann:secret", "the secret is ***"],
  ["nothing to hide: http://host:4200/api", "nothing to hide: http://host:4200/api"],
])("%s", (text, shown) => {
  expect(redact(text, ["ann:secret", null])).toBe(shown);
});
