import { performance } from "node:perf_hooks";
import type { Clock } from "./ports.ts";
import { Timer } from "./timer.ts";

/** Re-anchoring interval: `performance.now()` does not follow steps of the system clock nor the time a machine was suspended. */
const REANCHOR_MS = 60_000;

let originMs = performance.timeOrigin;
let anchoredAtMs = performance.now();
let lastUs = 0;

function nowUs(): number {
  const now = performance.now();
  if (now - anchoredAtMs > REANCHOR_MS) {
    originMs = Date.now() - now;
    anchoredAtMs = now;
  }
  const us = Math.round((originMs + now) * 1000);
  lastUs = us > lastUs ? us : lastUs;
  return lastUs;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error); // an AbortSignal of ours always carries an Error
      return;
    }
    const onAbort = () => {
      timer.clear();
      reject(signal?.reason as Error); // as above
    };
    const timer = new Timer(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The machine's clock: microseconds since the epoch, never decreasing, following steps of the system clock within a minute. */
export const systemClock: Clock = { nowUs, sleep };
