import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { daskPython, hasDask, until } from "./dask-processes.ts";
import { endOf } from "./program.ts";

const program = fileURLToPath(new URL("./temporary.fixture.ts", import.meta.url));
/** An environment of Dask without bokeh. */
const barePython = fileURLToPath(new URL("../../.venv/dask-2025.12/bin/python", import.meta.url));

test.skipIf(!hasDask || !existsSync(barePython))(
  "temporary clusters that adapt, that use TLS, that are of another class",
  { timeout: 120_000 },
  async () => {
    const home = mkdtempSync(join(tmpdir(), "sluice-temporary-"));
    const report = join(home, "report.html");
    try {
      const env = { ...process.env, SLUICE_HOME: home };
      const { code, stdout, stderr } = await endOf(
        spawn(process.execPath, [program, daskPython, report, barePython], { env, stdio: ["ignore", "pipe", "pipe"] }),
      );
      expect(code, stderr).toBe(0);
      const squares = [0, 1, 4, 9];
      const noCluster = expect.stringMatching(/nowhere\.NoCluster.*nowhere/);
      const noBokeh = expect.stringMatching(/performanceReportPath needs bokeh: npx sluice dask install --with bokeh/);
      expect(JSON.parse(stdout)).toEqual([squares, squares, noCluster, noBokeh]);
      // Written by the cluster's own process, when the program is gone.
      await until("the report", () => existsSync(report) && readFileSync(report, "utf8").includes("</html>"));
      expect(readFileSync(report, "utf8")).toContain("square");
    } finally {
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    }
  },
);
