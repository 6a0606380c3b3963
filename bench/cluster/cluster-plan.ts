import type { Scale } from "../sample.ts";
import type { ClusterJob } from "./python-peer.ts";

/** Some rounds of a job; what a round gives becomes samples of this name. */
export interface Rounds {
  /** After the name of the bench. */
  readonly name: string;
  readonly job: ClusterJob;
  /** Items of a round. */
  readonly n: number;
  readonly rounds: number;
}

/** How much is measured: of Sluice and the cluster's own client, and of Prefect, which takes far longer. */
export interface Plan {
  readonly spinSeconds: number;
  readonly firstSubmits: number;
  readonly ours: readonly Rounds[];
  readonly prefect: readonly Rounds[];
}

/** Names that the measuring looks for. */
export const jobName = { roundTrip: "noop-1", spin: "cpu-8" } as const;

const ROUND_TRIPS = { name: jobName.roundTrip, job: "noop-trips" } as const;
const SMALL_MAP = { name: "noop-100", job: "noop-map" } as const;
const LARGE_MAP = { name: "noop-10000", job: "noop-map" } as const;
const ECHO = { name: "echo-1mib", job: "echo-trips" } as const;
const SPIN = { name: jobName.spin, job: "spin-all" } as const;

const FULL: Plan = {
  spinSeconds: 0.3,
  firstSubmits: 5,
  // The long job first: Ray starts a worker only when there is work for it, and short jobs would end before the second is there.
  ours: [
    { ...SPIN, n: 8, rounds: 3 },
    { ...ROUND_TRIPS, n: 10, rounds: 5 },
    { ...SMALL_MAP, n: 100, rounds: 7 },
    { ...ECHO, n: 5, rounds: 4 },
    { ...LARGE_MAP, n: 10_000, rounds: 1 },
  ],
  prefect: [
    { ...SPIN, n: 8, rounds: 1 },
    { ...ROUND_TRIPS, n: 50, rounds: 1 },
    { ...SMALL_MAP, n: 100, rounds: 3 },
    { ...ECHO, n: 20, rounds: 1 },
    { ...LARGE_MAP, n: 500, rounds: 1 },
  ],
};

const SMALL: Plan = {
  spinSeconds: 0.05,
  firstSubmits: 1,
  ours: FULL.ours.map((rounds) => ({ ...rounds, n: Math.min(rounds.n, 10), rounds: 1 })),
  prefect: FULL.prefect.map((rounds) => ({ ...rounds, n: Math.min(rounds.n, 3), rounds: 1 })),
};

/** The same for every cluster. */
export function clusterPlan(scale: Scale): Plan {
  return scale === "full" ? FULL : SMALL;
}
