import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The Python with the real Prefect that `npm test` makes. */
export const python = fileURLToPath(new URL("../../.venv/prefect/bin/python", import.meta.url));
/** The Python with what makes requests up from the contract. */
export const generatorPython = fileURLToPath(new URL("../../.venv/interop/bin/python", import.meta.url));
/** The harness that holds a server against the contract. */
export const contractFolder = fileURLToPath(new URL("../contract/", import.meta.url));

/** How a Python program ended: all that it printed, and its exit code. */
export interface PythonEnd {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a Python program to its end; one that takes longer than `timeoutMs` is killed. */
export async function runPython(
  args: readonly string[],
  options: { readonly cwd: string; readonly timeoutMs: number; readonly interpreter?: string },
): Promise<PythonEnd> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" };
  const child = spawn(options.interpreter ?? python, args, {
    cwd: options.cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const limit = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs);
  await once(child, "close");
  clearTimeout(limit);
  return { code: child.exitCode, output };
}

/** A real Prefect server. */
export interface RealServer {
  /** Ends in `/api`. */
  readonly apiUrl: string;
  close(): Promise<void>;
}

/**
 * Starts a real Prefect server on a free port with a home of its own; resolves when it is healthy.
 *
 * @param settings further variables of its environment
 */
export async function startRealServer(
  home: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<RealServer> {
  const port = await freePort();
  const env = {
    ...process.env,
    PREFECT_HOME: home,
    DO_NOT_TRACK: "1",
    PREFECT_SERVER_ANALYTICS_ENABLED: "false",
    PREFECT_LOGGING_SERVER_LEVEL: "ERROR",
    ...settings,
  };
  const args = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", String(port)];
  const child = spawn(python, args, { cwd: home, env, stdio: "ignore", detached: true });
  const apiUrl = `http://127.0.0.1:${port}/api`;
  while (!(await isHealthy(apiUrl))) {
    if (child.exitCode !== null) throw new Error(`the real server ended with ${child.exitCode}`);
    await delay(100);
  }
  return { apiUrl, close: () => stop(child) };
}

async function isHealthy(apiUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${apiUrl}/health`)).ok;
  } catch {
    return false; // It does not listen yet.
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, "close");
  // The server starts processes of its own: the whole group goes.
  if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port was given");
  return address.port;
}
