import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RefusedError } from "./command-error.ts";

const STEP_MS = 50;
const START_MS = 30_000;
const STOP_MS = 15_000;
const ANSWER_MS = 2000;

/** A server that serves a home, as it has noted itself there. */
interface NotedServer {
  readonly pid: number;
  readonly url: string;
}

/** How the server of a home does; `pid` and `url` are null when there is none. */
export interface ServerStatus {
  readonly pid: number | null;
  readonly url: string | null;
  readonly isHealthy: boolean;
  /** What the server says of itself, or why it cannot be asked. */
  readonly detail: string;
}

const noteOf = (home: string): string => join(home, "server.json");

/** Notes in the home that this process serves it. */
export function noteServer(home: string, url: string): void {
  writeFileSync(noteOf(home), JSON.stringify({ pid: process.pid, url }), { mode: 0o600 });
}

/** Removes the note of this process. */
export function forgetServer(home: string): void {
  if (readNote(home)?.pid === process.pid) rmSync(noteOf(home), { force: true });
}

function readNote(home: string): NotedServer | undefined {
  let text: string;
  try {
    text = readFileSync(noteOf(home), "utf8");
  } catch {
    return undefined; // No server has noted itself.
  }
  // Written by noteServer as a whole.
  return JSON.parse(text) as NotedServer;
}

/** The server that runs; one that has died has left its note. */
async function findServer(home: string): Promise<NotedServer | undefined> {
  const noted = readNote(home);
  return noted && isAlive(noted.pid) && (await ask(noted.url, "/api/health")) !== undefined ? noted : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is such a process, of another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function ask(url: string, path: string): Promise<{ readonly status: number; readonly text: string } | undefined> {
  try {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(ANSWER_MS) });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined; // Nobody answers, which is what is asked here.
  }
}

/** Reads how the server of a home does. @param isPatient waits up to 30 s for a healthy one */
export async function readStatus(home: string, isPatient: boolean): Promise<ServerStatus> {
  const end = performance.now() + (isPatient ? START_MS : 0);
  for (;;) {
    const status = await statusNow(home);
    if (status.isHealthy || performance.now() >= end) return status;
    await delay(STEP_MS);
  }
}

async function statusNow(home: string): Promise<ServerStatus> {
  const noted = readNote(home);
  if (!noted || !isAlive(noted.pid)) return { pid: null, url: null, isHealthy: false, detail: "no server" };
  const answer = await ask(noted.url, "/api/ready");
  if (!answer) return { ...noted, isHealthy: false, detail: "does not answer" };
  return { ...noted, isHealthy: answer.status === 200, detail: answer.text };
}

/** Starts a server that outlives this command; its output goes to `server.log` in the home. @throws RefusedError when it does not come up */
export async function startInBackground(home: string, args: readonly string[]): Promise<NotedServer> {
  const running = await findServer(home);
  if (running) throw new RefusedError(`a server serves this home already: ${running.url} (pid ${running.pid}).`);
  const logFile = join(home, "server.log");
  const log = openSync(logFile, "a", 0o600);
  const entry = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js", import.meta.url));
  const child = spawn(process.execPath, [entry, "server", "start", ...args], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  const end = performance.now() + START_MS;
  while (child.exitCode === null && performance.now() < end) {
    const noted = readNote(home);
    if (noted?.pid === child.pid && noted && (await ask(noted.url, "/api/health"))) return noted;
    await delay(STEP_MS);
  }
  const said = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-3).join("\n");
  throw new RefusedError(`the server did not come up; ${logFile} ends with:\n${said}`);
}

/** Stops the server of a home; resolves to a line that says so. @throws RefusedError when there is none, or it does not end */
export async function stopServer(home: string): Promise<string> {
  const noted = await findServer(home);
  if (!noted) {
    rmSync(noteOf(home), { force: true });
    throw new RefusedError(`no server serves ${home}.`);
  }
  process.kill(noted.pid, "SIGTERM");
  const end = performance.now() + STOP_MS;
  while (isAlive(noted.pid)) {
    if (performance.now() > end)
      throw new RefusedError(`the server (pid ${noted.pid}) was told to stop and still runs.`);
    await delay(STEP_MS);
  }
  return `Stopped the server at ${noted.url} (pid ${noted.pid}).`;
}
