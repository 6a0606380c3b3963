import type { Scale } from "./sample.ts";

/** How many CPU-bound jobs, how long each, on how many workers. */
export interface SpinScale {
  readonly jobs: number;
  /** CPU seconds of one job on this machine. */
  readonly seconds: number;
  readonly workers: number;
}

/** The same jobs for us and for all peers: 8 of half a second on 2 workers. */
export function spinScale(scale: Scale): SpinScale {
  return scale === "full" ? { jobs: 8, seconds: 0.5, workers: 2 } : { jobs: 2, seconds: 0.05, workers: 2 };
}
