import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sluice, startSluice } from "./sluice-process.fixture.ts";

let home = "";

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-objects-"));
});
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

const run = (...args: string[]): ReturnType<typeof sluice> => sluice(args, { home });

test("a variable is set once, read back, changed on demand and deleted", async () => {
  expect((await run("variable", "set", "limits", '{"rows": 10}', "--tag", "etl")).code).toBe(0);
  expect((await run("variable", "get", "limits")).stdout).toBe('{ "rows": 10 }\n');
  const again = await run("variable", "set", "limits", "20");
  expect([again.code, again.stderr]).toEqual([
    1,
    'error: the variable "limits" is there already; --overwrite changes it.\n',
  ]);
  await run("variable", "set", "limits", "plain text", "--overwrite");
  const [row] = JSON.parse((await run("variable", "ls", "-o", "json")).stdout);
  expect(row).toMatchObject({ name: "limits", value: "plain text", tags: ["etl"] });
  expect((await run("variable", "unset", "limits")).stdout).toBe("Deleted limits.\n");
  expect((await run("variable", "inspect", "limits")).stderr).toMatch(/there is no variable "limits"/);
});

test("a block is made, shown with its secrets hidden, and deleted", async () => {
  const made = await run("block", "create", "secret/api-key", "--data", '{"value": "t0p"}');
  expect(made.stdout).toMatch(/^Made the block secret\/api-key/);
  const shown = await run("block", "inspect", "secret/api-key", "-o", "json");
  expect(JSON.parse(shown.stdout)).toMatchObject({ name: "api-key", data: { value: "********" } });
  expect((await run("block", "ls")).stdout).toContain("api-key");
  expect((await run("block", "type", "inspect", "secret")).stdout).toMatch(/values +value/);
  expect((await run("block", "delete", "secret/api-key")).code).toBe(0);
  expect((await run("block", "inspect", "nonsense")).stderr).toMatch(/named <type slug>\/<name>/);
});

test("an artifact has versions by its key", async () => {
  for (const data of ["# one", "# two"]) await run("artifact", "create", "report", "--data", data);
  expect(JSON.parse((await run("artifact", "ls", "-o", "json")).stdout)).toHaveLength(1);
  expect(JSON.parse((await run("artifact", "ls", "--all", "-o", "json")).stdout)).toHaveLength(2);
  expect((await run("artifact", "inspect", "report")).stdout).toContain("# two");
  expect((await run("artifact", "delete", "report")).stdout).toBe("Deleted report with its 2 versions.\n");
});

test("a database is copied while it is used, and emptied only when nobody uses it and one is sure", async () => {
  const other = join(home, "other");
  mkdirSync(other);
  const at = (...args: string[]): ReturnType<typeof sluice> => sluice(args, { home: other });
  await at("variable", "set", "kept", "1");
  const server = startSluice(["server", "start", "--port", "0"], { home: other });
  await server.printed("Ctrl-C stops it.");
  const copy = join(home, "copy.db");
  expect((await at("database", "backup", copy)).code).toBe(0);
  expect(existsSync(copy)).toBe(true);
  expect((await at("database", "reset", "--yes")).stderr).toMatch(/stop the server and the flows of this home/);
  server.kill("SIGTERM");
  await server.ended;
  expect((await at("database", "reset")).code).toBe(2);
  expect((await at("database", "vacuum")).code).toBe(0);
  expect((await at("database", "upgrade")).code).toBe(0);
  expect((await at("database", "reset", "--yes")).code).toBe(0);
  expect((await at("variable", "ls", "-o", "json")).stdout).toBe("[]\n");
  const restored = await sluice(["variable", "get", "kept"], { home: other, env: { SLUICE_DATABASE_URL: copy } });
  expect(restored.stdout).toBe("1\n");
});
