import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endProcess, freePort, untilHealthy } from "../../program.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const ENVIRONMENT = join(ROOT, ".venv", "prefect");
const START_TIMEOUT_SECONDS = 120;

/** A real Prefect server on a free port with an empty home, and the environment that leads Prefect programs to it. */
export interface PrefectServer {
  readonly pid: number;
  readonly port: number;
  readonly environment: NodeJS.ProcessEnv;
  /** Seconds from the start of the process until its health answer. */
  readonly secondsUntilHealthy: number;
  /** Ends it. Resolves when its process has ended. */
  stop(): Promise<void>;
}

/** Whether the pinned Python environment is there. */
export function isPrefectInstalled(): boolean {
  return existsSync(join(ENVIRONMENT, "bin", "prefect"));
}

/** Path of a program of the pinned Python environment; throws with the command that makes the environment when it is not there. */
export function prefectProgram(name: "python" | "prefect"): string {
  const program = join(ENVIRONMENT, "bin", name);
  if (!existsSync(program)) {
    throw new Error(`Expected Prefect in ${ENVIRONMENT}. Make it with: node scripts/python-env.mjs`);
  }
  return program;
}

/**
 * Starts the server and waits until it is healthy.
 *
 * @param home an empty folder, or one that a server has used before: then no migration runs
 * @param command path of the program `prefect`
 */
async function startPrefectServer(home: string, command: string): Promise<PrefectServer> {
  const port = await freePort();
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    PREFECT_HOME: home,
    PREFECT_API_URL: `http://127.0.0.1:${port}/api`,
    PREFECT_SERVER_ANALYTICS_ENABLED: "false",
    PREFECT_LOGGING_LEVEL: "ERROR",
    DO_NOT_TRACK: "1",
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const startMs = performance.now();
  const child = spawn(command, ["server", "start", "--host", "127.0.0.1", "--port", String(port)], {
    env: environment,
    stdio: "ignore",
  });
  if (child.pid === undefined) throw new Error("The Prefect server could not be started.");
  await untilHealthy(`http://127.0.0.1:${port}/api/health`, START_TIMEOUT_SECONDS, () => child.exitCode !== null);
  return {
    pid: child.pid,
    port,
    environment,
    secondsUntilHealthy: (performance.now() - startMs) / 1000,
    stop: () => endProcess(child),
  };
}

/** Runs `use` with a server, which is ended afterwards. The home stays. @param command default: that of the pinned environment */
export async function withPrefectServer<T>(
  home: string,
  use: (server: PrefectServer) => Promise<T>,
  command: string = prefectProgram("prefect"),
): Promise<T> {
  const server = await startPrefectServer(home, command);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Runs `use` with an empty folder for a server's home, which is removed afterwards. */
export async function withPrefectHome<T>(use: (home: string) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), "sluice-bench-prefect-"));
  try {
    return await use(home);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
