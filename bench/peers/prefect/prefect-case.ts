import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchCase, Sample, Scale } from "../../sample.ts";
import { prefectProgram, withPrefectHome, withPrefectServer } from "./prefect-server.ts";

/** The version that `scripts/python-env.mjs` installs; the samples carry the version that really ran. */
export const PREFECT_PEER = "prefect 3.8.8";

const MEASURE = fileURLToPath(new URL("./measure.py", import.meta.url));

/** The case that runs the same bench on a real Prefect with a server of its own, by `measure.py`. */
export function prefectCase(bench: "tasks" | "subflows" | "cpu" | "runner", scale: Scale): BenchCase {
  return {
    id: "prefect",
    peer: PREFECT_PEER,
    timeoutSeconds: 600,
    measure: () =>
      withPrefectHome((home) => withPrefectServer(home, (server) => measureInPython(bench, scale, server))),
  };
}

async function measureInPython(
  bench: string,
  scale: Scale,
  server: { readonly pid: number; readonly environment: NodeJS.ProcessEnv },
): Promise<readonly Sample[]> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-python-"));
  try {
    const resultFile = join(folder, "samples.json");
    const child = spawn(prefectProgram("python"), [MEASURE, bench, scale, String(server.pid), resultFile], {
      env: server.environment,
      stdio: "inherit",
    });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`measure.py ${bench} ended with ${code}.`);
    // Proof of the cast: measure.py writes its samples in this shape.
    return JSON.parse(await readFile(resultFile, "utf8")) as Sample[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
