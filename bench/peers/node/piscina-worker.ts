import { spin } from "../../spin.ts";

/** The whole job of a piscina worker: spin, nothing tracked. */
export function spinJob(job: { readonly seed: number; readonly portions: number }): number {
  return spin(job.seed, job.portions);
}
