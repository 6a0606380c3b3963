import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findPackages, listFiles } from "./find-packages.ts";

let project = "";
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "sluice-audit-"));
});
afterEach(() => {
  rmSync(project, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
}

test("finds plain, scoped and nested packages, largest source first", () => {
  write("node_modules/small/package.json", `{"name":"small","version":"1.0.0","license":"MIT"}`);
  write("node_modules/small/index.js", "1;");
  write("node_modules/@scope/large/package.json", `{"name":"@scope/large","version":"2.0.0","license":"ISC"}`);
  write("node_modules/@scope/large/lib/index.mjs", "export const large = true;");
  write("node_modules/small/node_modules/nested/package.json", `{"name":"nested","version":"3.0.0"}`);
  const packages = findPackages(project);
  expect(packages.map((each) => `${each.name}@${each.version}`)).toEqual([
    "@scope/large@2.0.0",
    "small@1.0.0",
    "nested@3.0.0",
  ]);
  expect(packages[1]).toMatchObject({ fileCount: 2, sourceCount: 1, sourceBytes: 2 });
});

test("does not follow symbolic links and skips hidden folders", () => {
  write("workspace/package.json", `{"name":"workspace"}`);
  write("node_modules/.bin/tool.js", "1;");
  symlinkSync(join(project, "workspace"), join(project, "node_modules/workspace"));
  expect(findPackages(project)).toEqual([]);
});

test("reads every form in which a licence is declared", () => {
  write("node_modules/a/package.json", `{"license":{"type":"MIT"}}`);
  write("node_modules/b/package.json", `{"licenses":[{"type":"MIT"},{"type":"GPL-2.0"}]}`);
  write("node_modules/c/LICENSE.md", "Apache License\n  Version 2.0, January 2004");
  write("node_modules/d/package.json", "{ this is no JSON");
  const packages = findPackages(project);
  expect(packages.map((each) => [each.name, each.licence])).toEqual([
    ["a", "MIT"],
    ["b", "MIT OR GPL-2.0"],
    ["c", "Apache-2.0 (file)"],
    ["d", "unknown"],
  ]);
});

test("lists files in a stable order with their sizes", () => {
  write("p/b.js", "22");
  write("p/a/c.txt", "333");
  write("p/node_modules/x/y.js", "4444");
  expect(listFiles(join(project, "p"))).toEqual([
    { path: "a/c.txt", bytes: 3 },
    { path: "b.js", bytes: 2 },
  ]);
});

test("says what to do in a folder without dependencies", () => {
  expect(() => findPackages(project)).toThrow("run npm install there");
});
