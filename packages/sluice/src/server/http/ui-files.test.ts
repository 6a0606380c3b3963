import type { IncomingHttpHeaders } from "node:http";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UiFiles } from "./ui-files.ts";

let folder: string;
let files: UiFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-ui-files-"));
  for (const version of ["v1", "v2"]) {
    mkdirSync(join(folder, version, "assets"), { recursive: true });
    writeFileSync(join(folder, version, "index.html"), `<script src="/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER/x">`);
    writeFileSync(join(folder, version, "assets/a.js"), `const v = "${version}"`);
  }
  writeFileSync(join(folder, "secret.txt"), "secret");
  files = new UiFiles({ uiDirectory: folder });
});
afterEach(() => rmSync(folder, { recursive: true }));

async function get(
  path: string,
  headers: IncomingHttpHeaders = {},
): Promise<{ text: string; header: Map<string, string> }> {
  const answer = await files.answer(path, headers);
  const flat = answer?.headers ?? [];
  const pairs = flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""] as const] : []));
  return { text: answer?.bytes.toString() ?? "", header: new Map(pairs) };
}

test("a page of a UI is its index, which is told where it is served", async () => {
  expect((await get("/runs/flow-run/1")).text).toBe(`<script src="/x">`);
  expect((await get("/v2/runs")).text).toBe(`<script src="/v2/x">`);
});

test("a file is served as it is, under a policy that lets only the UI's own code run", async () => {
  const { text, header } = await get("/v2/assets/a.js");
  expect(text).toBe(`const v = "v2"`);
  expect(header.get("content-type")).toMatch(/javascript/);
  expect(header.get("content-security-policy")).toMatch(/script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval';/);
  expect(header.get("content-security-policy")).toMatch(/frame-ancestors 'none'/);
});

test.each([
  "/../secret.txt",
  "/%2e%2e/secret.txt",
  "/..%2fsecret.txt",
  "/assets/../../secret.txt",
  "/v2/..%2f..%2fsecret.txt",
])("nothing outside the UI is served at %s", async (path) => {
  expect((await get(path)).text).not.toContain("secret");
});

test("the UI's settings say where the API is and which UIs there are", async () => {
  expect(JSON.parse((await get("/ui-settings", { host: "box:4200" })).text)).toEqual({
    api_url: "http://box:4200/api",
    csrf_enabled: false,
    auth: null,
    flags: [],
    default_ui: "v2",
    available_uis: ["v1", "v2"],
    v1_base_url: "/",
    v2_base_url: "/v2",
  });
});

test("a server without a UI has no pages", async () => {
  files = new UiFiles({});
  expect(await files.answer("/runs", {})).toBeUndefined();
});
