import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser } from "playwright-core";
import { startServer, type RunningServer } from "sluice/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedServer, type Seed } from "./seed-server.ts";

/*
 * Both of Prefect's web UIs, as the wheel brings them, on our server in a real Chromium: every page opens, no request of it fails, no script throws.
 * `npm test` installs the wheel and the browser, or says loudly that it cannot; these tests are then skipped.
 */
const wheel = fileURLToPath(new URL("../../.venv/prefect/lib/", import.meta.url));
const executablePath = process.env["SLUICE_CHROMIUM"] ?? "/usr/bin/chromium";
const uiFolder = findUi();
const TIMEOUT_MS = 180_000;
/** Longest that a page may show nothing after its last request. */
const PAGE_MS = 20_000;
/** Files that the UIs ask for at the root whatever their base; Prefect's own server has none there either. */
const MISSING_ON_THE_REAL_SERVER = /\/(?:completed|failed|crashed|cancelled|pending|running|scheduled|paused)\.svg$/;

let folder: string;
let server: RunningServer;
let browser: Browser;
let seed: Seed;

function findUi(): string | undefined {
  const versions = ["3.11", "3.12", "3.13", "3.10"].map((version) =>
    join(wheel, `python${version}`, "site-packages/prefect/server"),
  );
  return versions.find((place) => existsSync(join(place, "ui/index.html")));
}

const isReady = uiFolder !== undefined && existsSync(executablePath);

beforeAll(async () => {
  if (!isReady) return;
  folder = mkdtempSync(join(tmpdir(), "sluice-ui-"));
  mkdirSync(join(folder, "ui"));
  symlinkSync(join(uiFolder, "ui"), join(folder, "ui/v1"));
  symlinkSync(join(uiFolder, "ui-v2"), join(folder, "ui/v2"));
  server = await startServer({ port: 0, home: folder, uiDirectory: join(folder, "ui") });
  seed = await seedServer(server.apiUrl);
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  browser = await chromium.launch({ executablePath, args });
}, TIMEOUT_MS);

afterAll(async () => {
  if (!isReady) return;
  await browser.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Opens pages one after the other; resolves to what went wrong on them. */
async function openPages(base: string, paths: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  const page = await browser.newPage();
  let current = "";
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (response.status() >= 400 && response.url().startsWith(server.apiUrl.slice(0, -4)))
      if (!MISSING_ON_THE_REAL_SERVER.test(pathname))
        faults.push(`${current}: ${response.request().method()} ${pathname} ${response.status()}`);
  });
  page.on("pageerror", (error) => faults.push(`${current}: ${error.message}`));
  for (const path of paths) {
    current = base + path;
    await page.goto(server.apiUrl.slice(0, -4) + current, { waitUntil: "domcontentloaded" });
    await page.waitForLoadState("networkidle");
    await page
      .waitForFunction("document.body.innerText.trim().length >= 20", undefined, { timeout: PAGE_MS })
      .catch(() => faults.push(`${current}: the page is empty`));
  }
  await page.close();
  return faults;
}

test.skipIf(!isReady)(
  "Prefect's first UI opens every page without a failing request",
  async () => {
    const paths = [
      "/dashboard",
      "/runs",
      `/runs/flow-run/${seed.flowRunId}`,
      `/runs/task-run/${seed.taskRunId}`,
      "/flows",
      `/flows/flow/${seed.flowId}`,
      "/deployments",
      `/deployments/deployment/${seed.deploymentId}`,
      "/work-pools",
      `/work-pools/work-pool/${seed.workPool}`,
      "/work-pools/create",
      "/blocks",
      "/blocks/catalog",
      `/blocks/block/${seed.blockDocumentId}`,
      "/variables",
      "/automations",
      "/automations/create",
      "/concurrency-limits",
      "/artifacts",
      `/artifacts/key/${seed.artifactKey}`,
      `/artifacts/artifact/${seed.artifactId}`,
      "/events",
      "/settings",
    ];
    expect(await openPages("", paths)).toEqual([]);
  },
  TIMEOUT_MS,
);

test.skipIf(!isReady)(
  "Prefect's second UI opens every page without a failing request",
  async () => {
    const paths = [
      "/dashboard",
      "/runs",
      `/runs/flow-run/${seed.flowRunId}`,
      `/runs/task-run/${seed.taskRunId}`,
      "/flows",
      `/flows/flow/${seed.flowId}`,
      "/deployments",
      `/deployments/deployment/${seed.deploymentId}`,
      `/deployments/deployment/${seed.deploymentId}/run`,
      "/work-pools",
      `/work-pools/work-pool/${seed.workPool}`,
      "/work-pools/create",
      "/blocks",
      "/blocks/catalog",
      `/blocks/block/${seed.blockDocumentId}`,
      "/variables",
      "/automations",
      "/automations/create",
      "/concurrency-limits",
      "/artifacts",
      `/artifacts/key/${seed.artifactKey}`,
      "/events",
      "/settings",
    ];
    expect(await openPages("/v2", paths)).toEqual([]);
  },
  TIMEOUT_MS,
);
