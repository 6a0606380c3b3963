import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Prefect's command line in the environment that `npm test` makes (`scripts/python-env.mjs`). */
const command = fileURLToPath(new URL("../../.venv/prefect/bin/prefect", import.meta.url));

/** Whether Prefect is there at all. */
export const hasPrefect = existsSync(command);

/** A real Prefect server on a free port. */
export interface PrefectServer {
  readonly apiUrl: string;
  stop(): Promise<void>;
}

/** Starts it with a database in `home`, and waits until it answers (about ten seconds). @param settings further variables of its environment */
export async function startPrefectServer(
  home: string,
  settings: Readonly<Record<string, string>>,
): Promise<PrefectServer> {
  const port = await freePort();
  // Python loads this module first. Without its collector the server does not stand still: see `PREFECT_ANSWER_MS` in home/remote-store.ts.
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "sitecustomize.py"), "import gc\n\ngc.disable()\n");
  const env = {
    ...process.env,
    PREFECT_HOME: home,
    PYTHONPATH: home,
    DO_NOT_TRACK: "1",
    PREFECT_SERVER_ANALYTICS_ENABLED: "false",
    ...settings,
  };
  const child = spawn(command, ["server", "start", "--port", String(port)], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const apiUrl = `http://127.0.0.1:${port}/api`;
  await Promise.race([
    untilHealthy(apiUrl),
    ended.then(() => {
      throw new Error(`The Prefect server ended before it answered:\n${output}`);
    }),
  ]);
  return {
    apiUrl,
    stop: async () => {
      child.kill("SIGINT");
      await ended;
    },
  };
}

async function untilHealthy(apiUrl: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${apiUrl}/health`).catch(() => undefined);
    if (response?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (typeof address === "object" && address !== null) return address.port;
  throw new Error("the system gave no port");
}
