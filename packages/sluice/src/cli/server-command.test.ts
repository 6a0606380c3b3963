import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Running, sluice, startSluice } from "./sluice-process.fixture.ts";

const SDK = new URL("../index.ts", import.meta.url).href;
let folder = "";
let home = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-server-"));
  home = join(folder, "home");
  mkdirSync(home);
  writeFileSync(
    join(folder, "one.ts"),
    `import { flow } from "${SDK}";\nexport const only = flow("only", (n: number) => n + 1);\n`,
  );
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function startServer(): Promise<{ server: Running; apiUrl: string }> {
  const server = startSluice(["server", "start", "--port", "0"], { home });
  const apiUrl = /SLUICE_API_URL=(\S+)/.exec(await server.printed("Ctrl-C stops it."))?.[1] ?? "";
  return { server, apiUrl };
}

test("serves the home: its flows, and flows that reach it by its address, are seen by both", async () => {
  const { server, apiUrl } = await startServer();
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  await sluice(["run", "one.ts", "n=1", "-q"], { home, cwd: folder });
  const remote = await sluice(["run", "one.ts", "n=2", "-q"], {
    home: elsewhere,
    cwd: folder,
    env: { SLUICE_API_URL: apiUrl },
  });
  expect(remote).toEqual({ code: 0, stdout: "3\n", stderr: "" });
  const local = await sluice(["flow-run", "ls", "-o", "json"], { home });
  const seen = await sluice(["flow-run", "ls", "-o", "json"], { home: elsewhere, env: { SLUICE_API_URL: apiUrl } });
  expect(JSON.parse(local.stdout)).toHaveLength(2);
  expect(JSON.parse(seen.stdout)).toHaveLength(2);
  server.kill("SIGINT");
  expect((await server.ended).code).toBe(0);
});

test("answers 404 for an unknown route and true for health", async () => {
  const { server, apiUrl } = await startServer();
  expect(await (await fetch(`${apiUrl}/health`)).json()).toBe(true);
  expect((await fetch(`${apiUrl}/nonsense`)).status).toBe(404);
  server.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
});

test("tells a port that is in use in two lines", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? String(address.port) : "";
  const { code, stderr } = await sluice(["server", "start", "--port", port], { home });
  other.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: .*\n {2}\(SLUICE_PORT_IN_USE\)\n$/);
});

test("a server in the background is seen, and stopped by a command", async () => {
  const started = await sluice(["server", "start", "--port", "0", "--background"], { home });
  expect(started).toMatchObject({ code: 0, stderr: "" });
  const url = /Sluice server at (\S+)/.exec(started.stdout)?.[1] ?? "";
  const status = await sluice(["server", "status", "-o", "json"], { home });
  expect([status.code, JSON.parse(status.stdout)]).toMatchObject([0, { url, isHealthy: true }]);
  expect((await sluice(["server", "start", "--background"], { home })).stderr).toMatch(/serves this home already/);
  expect((await sluice(["server", "stop"], { home })).stdout).toContain(`Stopped the server at ${url}`);
  expect((await sluice(["server", "status"], { home })).code).toBe(1);
  expect((await sluice(["server", "stop"], { home })).code).toBe(1);
});
