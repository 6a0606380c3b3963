import { expect, test } from "vitest";
import type { InstalledPackage } from "./find-packages.ts";
import { measureText } from "./measure-file.ts";
import { reduceAudit, reducePackage } from "./reduce.ts";
import { reportLines, type AuditStory } from "./report-lines.ts";

const story: AuditStory = {
  folder: "/project",
  auditSeconds: 1.5,
  uncachedSeconds: 9,
  speedUp: {
    workers: 2,
    slices: 40,
    repeated: 3,
    files: 2000,
    bytes: 40e6,
    sequential: { wallSeconds: 8.2, coresUsed: 0.99 },
    parallel: { wallSeconds: 4.3, coresUsed: 1.94 },
    ratio: 8.2 / 4.3,
  },
  flowRunId: "0199",
  reportFile: "/project/report.json",
};

function audit(fromCache: number) {
  const installed: InstalledPackage = {
    name: "p",
    version: "1.0.0",
    licence: "MIT",
    directory: "/project/node_modules/p",
    fileCount: 4,
    installedBytes: 4_500_000,
    sourceCount: 1,
    sourceBytes: 40,
  };
  const measured = ["a", "b"].map((name) => ({
    path: `/project/node_modules/p/${name}.js`,
    hash: "same",
    measure: measureText("function hard(a) { return a ? 1 : 2; }", "js"),
  }));
  return reduceAudit([
    reducePackage(installed, measured, { skipped: [{ path: "/x.ts", reason: "binary" }], fromCache }),
  ]);
}

test("prints packages, duplicates and licences", () => {
  const text = reportLines(audit(0), story).join("\n");
  expect(text).toContain("1 package, 4.5 MB installed; 2 source files");
  expect(text).toContain("1 file not read: 1 binary.");
  expect(text).toContain("p 1.0.0     4.5 MB");
  expect(text).toContain("hard 2  node_modules/p/a.js:1");
  expect(text).toContain("2 x 38 B  node_modules/p/a.js");
  expect(text).toContain("MIT             1  p");
});

test("prints both walls of the sample and their ratio", () => {
  const text = reportLines(audit(0), story).join("\n");
  expect(text).toContain("in 40 subflows, 3 of them a second time or more");
  expect(text).toMatch(/one after another +8\.20 s/);
  expect(text).toMatch(/2 processes +4\.30 s +1\.94/);
  expect(text).toMatch(/speed-up +1\.91 x/);
});

test("says how much came from the cache and what it spared", () => {
  expect(reportLines(audit(2), story)).toContain(
    "2 of 2 files came from the cache; the audit took 1.50 s (9.00 s when all files were measured).",
  );
  expect(reportLines(audit(0), story)).toContain(
    "No measure came from an earlier run; the audit took 1.50 s. Run it again: unchanged files come from the cache.",
  );
});

test("says where to look next", () => {
  expect(reportLines(audit(0), story)).toContain("npx sluice flow-run inspect 0199");
});
