import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sluice } from "./sluice-process.fixture.ts";

let home = "";

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-cli-"));
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

test("prints the bare version before anything else is loaded", async () => {
  const { code, stdout } = await sluice(["--version"], { home });
  expect([code, stdout]).toEqual([0, "0.1.0\n"]);
});

test("prints versions and the home as JSON", async () => {
  const { stdout } = await sluice(["version", "--output", "json"], { home });
  expect(JSON.parse(stdout)).toMatchObject({ sluice: "0.1.0", api: "0.8.4", home, server: "embedded" });
});

test("shows help on standard output and lists every noun", async () => {
  const { code, stdout } = await sluice([], { home });
  expect(code).toBe(0);
  for (const noun of ["run", "flow-run", "task-run", "flow", "server", "config", "profile", "version"])
    expect(stdout).toContain(`  ${noun}`);
});

test.each([
  [["nonsense"]],
  [["flow-run", "nonsense"]],
  [["flow-run"]],
  [["run"]],
  [["flow-run", "ls", "--limit", "0"]],
])("ends with code 2 for the wrong command line %j", async (args) => {
  const { code, stderr } = await sluice(args, { home });
  expect(code).toBe(2);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test("takes --debug after any command and then shows the stack", async () => {
  const { code, stderr } = await sluice(["config", "set", "SLUICE_NONSENSE=1", "--debug"], { home });
  expect(code).toBe(2);
  expect(stderr).toMatch(/^\s+at .*config\.ts/m);
});

test("sets a setting in the active profile, shows where it comes from, and unsets it", async () => {
  await sluice(["config", "set", "SLUICE_LEASE_SECONDS=5"], { home });
  const row = async (): Promise<unknown> => {
    const { stdout } = await sluice(["config", "view", "-o", "json"], { home });
    const rows: { name: string; value: unknown; source: string }[] = JSON.parse(stdout);
    const found = rows.find(({ name }) => name === "SLUICE_LEASE_SECONDS");
    return [found?.value, found?.source];
  };
  expect(await row()).toEqual([5, "profile default"]);
  await sluice(["config", "unset", "SLUICE_LEASE_SECONDS"], { home });
  expect(await row()).toEqual([30, "default"]);
});

test("refuses a setting that does not exist, a bad value and one that cannot be in a profile", async () => {
  const results = await Promise.all(
    ["SLUICE_NONSENSE=1", "SLUICE_LEASE_SECONDS=soon", "SLUICE_HOME=/x"].map((text) =>
      sluice(["config", "set", text], { home }),
    ),
  );
  expect(results.map(({ code }) => code)).toEqual([2, 2, 2]);
  expect(results[1]?.stderr).toContain("SLUICE_LEASE_SECONDS");
});

test("never shows a secret unless asked", async () => {
  const env = { SLUICE_API_KEY: "hush-hush" };
  const hidden = await sluice(["config", "view"], { home, env });
  const shown = await sluice(["config", "view", "--show-secrets"], { home, env });
  expect([hidden.stdout.includes("hush-hush"), shown.stdout.includes("hush-hush")]).toEqual([false, true]);
});

test("creates, uses, lists and deletes profiles", async () => {
  await sluice(["profile", "create", "team"], { home });
  await sluice(["profile", "use", "team"], { home });
  const { stdout } = await sluice(["profile", "ls", "-o", "json"], { home });
  expect(JSON.parse(stdout)).toEqual([
    { name: "default", active: false, settings: 0 },
    { name: "team", active: true, settings: 0 },
  ]);
  const again = await sluice(["profile", "create", "team"], { home });
  expect([again.code, again.stderr]).toEqual([1, 'error: there is a profile "team" already.\n']);
  expect((await sluice(["profile", "delete", "team"], { home })).code).toBe(0);
  expect((await sluice(["profile", "use", "team"], { home })).code).toBe(2);
});
