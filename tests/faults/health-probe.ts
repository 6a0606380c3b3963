/**
 * A thread that asks a server for its health every {@link EVERY_MS} and reads the memory of its process: `new Worker(file, { workerData: { port, pid } })`.
 *
 * The message "take" is answered with what was seen since the last one, as a {@link Probed}.
 */
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/** What was seen of a server. */
export interface Probed {
  /** Milliseconds that each answer took; Infinity for none or for one that was no 200. */
  readonly latenciesMs: readonly number[];
  /** Resident memory, in MB of 10^6 bytes, oldest first. */
  readonly rssMb: readonly number[];
}

const EVERY_MS = 10;

// `watchServer` starts this file with these.
const { port, pid } = workerData as { readonly port: number; readonly pid: number };
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let latenciesMs: number[] = [];
let rssMb: number[] = [];

function ask(): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path: "/api/health", agent }, (response) => {
      response
        .resume()
        .once("end", () => resolve(response.statusCode === 200 ? performance.now() - startMs : Infinity));
    }).once("error", () => resolve(Infinity));
  });
}

function readRss(): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
}

parentPort?.on("message", () => {
  parentPort?.postMessage({ latenciesMs, rssMb } satisfies Probed);
  latenciesMs = [];
  rssMb = [];
});
for (;;) {
  latenciesMs.push(await ask());
  rssMb.push(readRss());
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
