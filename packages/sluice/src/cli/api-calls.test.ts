import { expect, test } from "vitest";
import { ApiCalls } from "./api-calls.ts";

test.each([
  [{ detail: "No space is left.", code: "SLUICE_DISK_FULL" }, "SLUICE_DISK_FULL", /: No space is left\.$/],
  [{ detail: "No such thing", code: "toString" }, "SLUICE_API_REFUSED", /: No such thing\.$/],
  [{ detail: "Not now" }, "SLUICE_API_REFUSED", /: Not now\.$/],
])("an answer %j is told with the server's own code, as one sentence", async (body, code, told) => {
  const calls = new ApiCalls({ send: () => Promise.resolve({ status: 503, body: JSON.stringify(body) }) });
  await expect(calls.readTree("x")).rejects.toMatchObject({ code, message: expect.stringMatching(told) });
});
