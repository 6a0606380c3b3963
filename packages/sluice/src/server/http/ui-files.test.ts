import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveUi } from "./ui-files.ts";

let folder: string;
let app: Hono;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-ui-files-"));
  for (const version of ["v1", "v2"]) {
    mkdirSync(join(folder, version, "assets"), { recursive: true });
    writeFileSync(join(folder, version, "index.html"), `<script src="/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER/x">`);
    writeFileSync(join(folder, version, "assets/a.js"), `const v = "${version}"`);
  }
  writeFileSync(join(folder, "secret.txt"), "secret");
  app = new Hono();
  serveUi(app, { uiDirectory: folder });
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a page of a UI is its index, which is told where it is served", async () => {
  expect(await (await app.request("/runs/flow-run/1")).text()).toBe(`<script src="/x">`);
  expect(await (await app.request("/v2/runs")).text()).toBe(`<script src="/v2/x">`);
});

test("a file is served as it is, under a policy that lets only the UI's own code run", async () => {
  const response = await app.request("/v2/assets/a.js");
  expect(await response.text()).toBe(`const v = "v2"`);
  expect(response.headers.get("content-type")).toMatch(/javascript/);
  expect(response.headers.get("content-security-policy")).toMatch(/script-src 'self' 'wasm-unsafe-eval';/);
});

test.each(["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt"])(
  "nothing outside the UI is served at %s",
  async (path) => {
    expect(await (await app.request(path)).text()).not.toContain("secret");
  },
);

test("the UI's settings say where the API is and which UIs there are", async () => {
  expect(await (await app.request("http://box:4200/ui-settings")).json()).toEqual({
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

test("an unknown path of the API stays unknown", async () => {
  expect((await app.request("/api/nothing")).status).toBe(404);
});
