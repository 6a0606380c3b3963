import { expect, test } from "vitest";
import type { InstalledPackage } from "./find-packages.ts";
import { measureText } from "./measure-file.ts";
import { reduceAudit, reducePackage, type MeasuredFile } from "./reduce.ts";

function installed(name: string, licence = "MIT"): InstalledPackage {
  return {
    name,
    licence,
    version: "1.0.0",
    directory: `/modules/${name}`,
    fileCount: 3,
    installedBytes: 300,
    sourceCount: 2,
    sourceBytes: 200,
  };
}

function file(path: string, text: string): MeasuredFile {
  return { path, hash: `hash of ${text}`, measure: measureText(text, "js") };
}

const none = { skipped: [], fromCache: 0 };

test("adds up the files of a package and names its most complex function", () => {
  const files = [file("/a.js", "function simple() {}"), file("/b.js", "1;\nfunction hard(a) { return a ? 1 : 2; }")];
  const report = reducePackage(installed("p"), files, none);
  expect(report.sums).toMatchObject({ files: 2, lines: 3, functions: 2, complexity: 5 });
  expect(report.worst).toEqual({ name: "hard", at: "/b.js:2", complexity: 2 });
});

test("lists files that were skipped beside those that the parser could not read", () => {
  const report = reducePackage(installed("p"), [file("/bad.js", "const = ;")], {
    skipped: [{ path: "/big.js", reason: "over 2 MB" }],
    fromCache: 1,
  });
  expect(report.unread.map((each) => each.path)).toEqual(["/big.js", "/bad.js"]);
  expect(report.fromCache).toBe(1);
});

test("finds duplicates over packages, the most wasteful first, and no empty ones", () => {
  const large = "export const large = 'a text that is longer';";
  const audit = reduceAudit([
    reducePackage(installed("a"), [file("/a/s.js", "1"), file("/a/l.js", large), file("/a/empty.js", "")], none),
    reducePackage(installed("b"), [file("/b/s.js", "1"), file("/b/l.js", large), file("/b/empty.js", "")], none),
  ]);
  expect(audit.duplicates).toEqual([
    { bytes: 45, paths: ["/a/l.js", "/b/l.js"], wastedBytes: 45 },
    { bytes: 1, paths: ["/a/s.js", "/b/s.js"], wastedBytes: 1 },
  ]);
});

test("counts packages by licence, the most frequent first", () => {
  const packages = [installed("c", "ISC"), installed("b"), installed("a")].map((each) => reducePackage(each, [], none));
  const audit = reduceAudit(packages);
  expect(audit.licences).toEqual([
    { licence: "MIT", packages: ["a", "b"] },
    { licence: "ISC", packages: ["c"] },
  ]);
  expect(audit.totals).toMatchObject({ packages: 3, installedBytes: 900, files: 0 });
});
