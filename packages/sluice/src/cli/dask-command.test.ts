import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sluice } from "./sluice-process.fixture.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-cli-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A Python that makes an environment as the real one does, and in it a Python whose pip ends with `code`. */
function standIn(code: number): string {
  const file = join(home, `python-${code}`);
  writeFileSync(
    file,
    `#!/bin/sh\nmkdir -p "$3/bin"\nprintf '#!/bin/sh\\necho "$@" >> "${home}/pip"\\nexit ${code}\\n' > "$3/bin/python"\nchmod +x "$3/bin/python"\n`,
    { mode: 0o755 },
  );
  return file;
}

test("dask install makes an environment once, and leaves it alone after", async () => {
  const python = standIn(0);
  const first = await sluice(["dask", "install", "--python", python, "--with", "bokeh==3.7"], { home });
  expect([first.code, first.stderr]).toEqual([0, ""]);
  const made = join(home, "python/dask/bin/python");
  expect(existsSync(made)).toBe(true);
  expect(statSync(join(home, "pip")).size).toBeGreaterThan(0);
  const sizeBefore = statSync(join(home, "pip")).size;
  const second = await sluice(["dask", "install", "--python", python, "--with", "bokeh==3.7"], { home });
  expect(second.code).toBe(0);
  expect(second.stdout).toContain("already");
  expect(statSync(join(home, "pip")).size).toBe(sizeBefore);
});

test("dask install leaves nothing behind when pip fails, and says so", async () => {
  mkdirSync(join(home, "python/dask"), { recursive: true });
  const { code, stderr } = await sluice(["dask", "install", "--python", standIn(1)], { home });
  expect(code).toBe(1);
  expect(stderr).toMatch(/pip install .*distributed==\S+ ended with 1/);
  expect(existsSync(join(home, "python/dask"))).toBe(false);
});

test("dask install says what is missing when there is no such Python", async () => {
  const { code, stderr } = await sluice(["dask", "install", "--python", join(home, "absent")], { home });
  expect(code).toBe(1);
  expect(stderr).toMatch(/absent could not be started/);
  expect(stderr).not.toMatch(/\n {4}at /);
});
