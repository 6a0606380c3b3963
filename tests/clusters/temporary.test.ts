import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { daskPython, hasDask } from "./dask-processes.ts";
import { endOf } from "./program.ts";

const program = fileURLToPath(new URL("./temporary.fixture.ts", import.meta.url));

test.skipIf(!hasDask)(
  "temporary clusters that adapt, that use TLS, that are of another class",
  { timeout: 120_000 },
  async () => {
    const home = mkdtempSync(join(tmpdir(), "sluice-temporary-"));
    try {
      const env = { ...process.env, SLUICE_HOME: home };
      const { code, stdout, stderr } = await endOf(
        spawn(process.execPath, [program, daskPython], { env, stdio: ["ignore", "pipe", "pipe"] }),
      );
      expect(code, stderr).toBe(0);
      const squares = [0, 1, 4, 9];
      expect(JSON.parse(stdout)).toEqual([squares, squares, expect.stringMatching(/nowhere\.NoCluster.*nowhere/)]);
    } finally {
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    }
  },
);
