import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { childrenOf, commandOf, processIds, until } from "./dask-processes.ts";

const bin = fileURLToPath(new URL("../../.venv/ray/bin/", import.meta.url));

/** Whether `npm run test:ray` has made the Python with Ray. */
export const hasRay = existsSync(join(bin, "ray"));

/** The head of a Ray cluster with its dashboard, as a team runs it: the only node. */
export interface RayHead {
  /** Address of its dashboard, where the job server is. */
  readonly url: string;
  /** What it asks of whoever comes: `Bearer …`. */
  readonly authorization: string;
  /** Asks the dashboard. */
  ask(path: string): Promise<unknown>;
  /** Ends all of it, by force. */
  stop(): Promise<void>;
}

/** Starts a head on ports that are free; resolves when its job server answers. */
export async function startRayHead(cpus: number): Promise<RayHead> {
  // Sockets lie below it, and a path to one has room for some hundred letters.
  const folder = mkdtempSync("/tmp/sr-");
  const [port, dashboard, agent, client] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const token = randomBytes(16).toString("hex");
  const options = {
    "node-ip-address": "127.0.0.1",
    port,
    "dashboard-port": dashboard,
    "dashboard-agent-listen-port": agent,
    "ray-client-server-port": client,
    "min-worker-port": 0,
    "max-worker-port": 0,
    "num-cpus": cpus,
    "temp-dir": folder,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const head = spawn(
    join(bin, "ray"),
    ["start", "--head", "--block", "--include-dashboard=true", "--disable-usage-stats", ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      // A job's entrypoint is `python`.
      env: {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`,
        RAY_AUTH_MODE: "token",
        RAY_AUTH_TOKEN: token,
      },
    },
  );
  const url = `http://127.0.0.1:${dashboard}`;
  const authorization = `Bearer ${token}`;
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(url + path, { headers: { authorization } })).json();
  const words: Buffer[] = [];
  for (const stream of [head.stdout, head.stderr]) stream.on("data", (chunk: Buffer) => words.push(chunk));
  const stop = async (): Promise<void> => {
    const diedBefore = head.exitCode !== null || head.signalCode !== null;
    // Those of a head that died are nobody's children, and name its folder.
    const family = new Set([...familyOf(head.pid ?? 0), ...processesWith(folder)]);
    for (const pid of family) kill(pid);
    await until("the end of the Ray head", () => family.values().every((pid) => !isAlive(pid)));
    rmSync(folder, { recursive: true, force: true });
    if (diedBefore) throw new Error(`The Ray head ended by itself: ${Buffer.concat(words).toString().slice(-4000)}`);
  };
  try {
    await until("the job server", () => ask("/api/jobs/").then(Array.isArray, () => false));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, authorization, ask, stop };
}

/** A process with all that it has started, and those. */
function familyOf(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

function processesWith(text: string): readonly number[] {
  return processIds().filter((pid) => commandOf(pid).includes(text));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
