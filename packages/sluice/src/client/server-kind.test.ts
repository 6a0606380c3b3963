import { expect, test } from "vitest";
import { askServerKind } from "./server-kind.ts";
import type { ApiRequest, ApiResponse } from "./transport.ts";

const ask = (answers: Readonly<Record<string, ApiResponse>>) =>
  askServerKind({ send: ({ path }: ApiRequest) => Promise.resolve(answers[path] ?? { status: 404, body: "" }) });

test.each([
  ["sluice", { "/api/sluice/protocol": { status: 200, body: '{"server":"sluice"}' } }],
  ["prefect", { "/api/admin/version": { status: 200, body: '"3.8.8"' } }],
  ["prefect", { "/api/flows/filter": { status: 200, body: "[]" } }],
] as const)("a server is %s by what it answers to", async (kind, answers) => {
  expect(await ask(answers)).toBe(kind);
});

test.each([
  ["another major version", "SLUICE_API_REFUSED", { "/api/admin/version": { status: 200, body: '"2.20.1"' } }],
  ["no API at all", "SLUICE_API_REFUSED", {}],
  ["wrong credentials", "SLUICE_API_REFUSED", { "/api/sluice/protocol": { status: 401, body: "Unauthorized" } }],
  ["a fault", "SLUICE_API_UNREACHABLE", { "/api/sluice/protocol": { status: 500, body: "" } }],
] as const)("is told of %s by its error", async (_what, code, answers) => {
  await expect(ask(answers)).rejects.toMatchObject({ code });
});
