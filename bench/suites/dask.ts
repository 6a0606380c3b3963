import type { DaskTaskRunner } from "sluice/dask";
import { spread } from "../lines.ts";
import { withDask } from "../peers/dask/dask-cluster.ts";
import { type DaskPython, daskPeerProgram, daskPython } from "../peers/dask/python-environment.ts";
import { type DaskJob, type DaskWay, withPythonPeer } from "../peers/dask/python-peer.ts";
import { withPrefectHome, withPrefectServer } from "../peers/prefect/prefect-server.ts";
import { treeCpuUs } from "../process-tree.ts";
import type { Bench, Sample, Scale } from "../sample.ts";
import { calibrateSpin } from "../spin.ts";

const WORKERS = 2;
/** A cluster, a Prefect server, and some ten thousand tasks; the environment is made on the way at the first time. */
const TIMEOUT_SECONDS = 1800;

/**
 * One real Dask cluster, used in three ways: by Sluice, by Dask's own client, and by Prefect's task runner.
 *
 * The rounds of Sluice and of Dask's client alternate. Prefect comes after them, because its server, and what it starts on the workers, take CPU all the time from then on.
 */
export const dask: Bench = {
  name: "dask",
  about: "tasks and subflows on a Dask cluster of 2 workers: ours, Dask's own client, Prefect's",
  cases: (scale) => [{ id: "cluster", timeoutSeconds: TIMEOUT_SECONDS, measure: () => measure(scale) }],
};

/** Some rounds of a job; what a round gives becomes samples of this name. */
interface Rounds {
  readonly name: string;
  readonly job: DaskJob;
  /** Items of a round. */
  readonly n: number;
  readonly rounds: number;
}

/** How much is measured: of Sluice and Dask's client, and of Prefect, which takes far longer. */
interface Plan {
  readonly spinSeconds: number;
  readonly firstSubmits: number;
  readonly ours: readonly Rounds[];
  readonly prefect: readonly Rounds[];
}

const ROUND_TRIPS = { name: "dask/noop-1", job: "noop-trips" } as const;
const SMALL_MAP = { name: "dask/noop-100", job: "noop-map" } as const;
const LARGE_MAP = { name: "dask/noop-10000", job: "noop-map" } as const;
const ECHO = { name: "dask/echo-1mib", job: "echo-trips" } as const;
const SPIN = { name: "dask/cpu-8", job: "spin-all" } as const;

const FULL: Plan = {
  spinSeconds: 0.3,
  firstSubmits: 5,
  ours: [
    { ...ROUND_TRIPS, n: 10, rounds: 5 },
    { ...SMALL_MAP, n: 100, rounds: 7 },
    { ...ECHO, n: 5, rounds: 4 },
    { ...SPIN, n: 8, rounds: 3 },
    { ...LARGE_MAP, n: 10_000, rounds: 1 },
  ],
  prefect: [
    { ...ROUND_TRIPS, n: 50, rounds: 1 },
    { ...SMALL_MAP, n: 100, rounds: 3 },
    { ...ECHO, n: 20, rounds: 1 },
    { ...SPIN, n: 8, rounds: 1 },
    { ...LARGE_MAP, n: 500, rounds: 1 },
  ],
};

const SMALL: Plan = {
  spinSeconds: 0.05,
  firstSubmits: 1,
  ours: FULL.ours.map((rounds) => ({ ...rounds, n: Math.min(rounds.n, 10), rounds: 1 })),
  prefect: FULL.prefect.map((rounds) => ({ ...rounds, n: Math.min(rounds.n, 3), rounds: 1 })),
};

async function measure(scale: Scale): Promise<readonly Sample[]> {
  const plan = scale === "full" ? FULL : SMALL;
  const environment = daskPython();
  const samples = await withPrefectHome((home) => {
    const cluster = { command: environment.program("dask"), workers: WORKERS, env: environment.environment(home) };
    return withDask(cluster, async (address) => [
      ...(await measureOurs(address, plan, { environment, home })),
      ...(await measurePrefect(address, plan, { environment, home })),
    ]);
  });
  return samples.map((sample) => withRatio(sample, samples));
}

interface Place {
  readonly environment: DaskPython;
  /** Of Prefect. */
  readonly home: string;
}

/** Sluice and Dask's own client, by turns. */
function measureOurs(address: string, plan: Plan, { environment, home }: Place): Promise<readonly Sample[]> {
  const raw = {
    python: environment.python,
    program: daskPeerProgram("measure_dask.py"),
    args: [address, String(WORKERS), String(plan.spinSeconds)],
    env: environment.environment(home),
  };
  return withPythonPeer(raw, async (dasks) => {
    const { DaskTaskRunner } = await import("sluice/dask");
    const { firstSubmitSeconds } = await import("../flows/unseen-modules.ts");
    const taskRunner = new DaskTaskRunner({ address });
    const samples = await measureWays([await sluiceWay(taskRunner, plan.spinSeconds), dasks], plan.ours);
    const firsts = await firstSubmitSeconds(taskRunner, plan.firstSubmits);
    const warm = medianSeconds(samples.filter(({ name, peer }) => name === ROUND_TRIPS.name && peer === undefined));
    const uploads = firsts.map((first) =>
      Object.assign({ name: "dask/bundle-upload", n: 1, seconds: first - warm }, UNKNOWN),
    );
    return [...samples, ...uploads];
  });
}

/** Prefect with a server of its own. */
function measurePrefect(address: string, plan: Plan, { environment, home }: Place): Promise<readonly Sample[]> {
  const measureWith = (serverEnvironment: NodeJS.ProcessEnv): Promise<readonly Sample[]> => {
    const program = daskPeerProgram("measure_prefect_dask.py");
    const args = [address, String(WORKERS), String(plan.spinSeconds)];
    const env = { ...serverEnvironment, ...environment.environment(home) };
    return withPythonPeer({ python: environment.python, program, args, env }, (way) =>
      measureWays([way], plan.prefect),
    );
  };
  return withPrefectServer(home, (server) => measureWith(server.environment), environment.program("prefect"));
}

async function sluiceWay(taskRunner: DaskTaskRunner, spinSeconds: number): Promise<DaskWay> {
  const { echoTrips, noopMap, noopTrips, spinAll } = await import("../flows/on-dask.ts");
  const portions = calibrateSpin(spinSeconds);
  const jobs: Record<DaskJob, (n: number) => PromiseLike<readonly number[]>> = {
    "noop-trips": noopTrips.with({ taskRunner }),
    "noop-map": noopMap.with({ taskRunner }),
    "echo-trips": echoTrips.with({ taskRunner }),
    "spin-all": (n) => spinAll.with({ taskRunner })(n, portions),
  };
  return { run: async (job, n) => jobs[job](n) };
}

/** Warms every way up by a round of each job, then measures the rounds of each, one way after the other within a round. */
async function measureWays(ways: readonly DaskWay[], all: readonly Rounds[]): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const rounds of all) {
    for (const way of ways) await way.run(rounds.job, Math.min(rounds.n, WARM_UP_ITEMS));
    for (let round = 0; round < rounds.rounds; round++) {
      for (const way of ways) samples.push(...(await measureRound(way, rounds)));
    }
  }
  return samples;
}

/** Enough for both workers to have what the job needs, and for code to be compiled. */
const WARM_UP_ITEMS = 100;

async function measureRound(way: DaskWay, { name, job, n }: Rounds): Promise<readonly Sample[]> {
  const cpuAtStart = treeCpuUs();
  const seconds = await way.run(job, n);
  const cpuNow = treeCpuUs();
  const head = way.peer === undefined ? UNKNOWN : { ...UNKNOWN, peer: way.peer };
  if (job === "spin-all") return spinSamples({ ...head, name, n, seconds: 0 }, seconds);
  if (job !== "noop-map") return seconds.map((each) => Object.assign({ name, n: 1, seconds: each }, head));
  const cpuUs = cpuNow === null || cpuAtStart === null ? null : cpuNow - cpuAtStart;
  return [{ ...head, name, n, seconds: seconds[0] ?? Number.NaN, cpuUs }];
}

/** Of what is too short to be counted in ticks, on a cluster that has been up before. */
const UNKNOWN = { cpuUs: null, peakRssMb: null };

/** Names of what `spin-all` gives, in this order; the last one is of Prefect only. */
const SPIN_PARTS = ["-sequential", "", "-in-tasks"];

function spinSamples(sample: Sample, seconds: readonly number[]): readonly Sample[] {
  const sequential = seconds[0] ?? Number.NaN;
  return seconds.map((each, part) => {
    const speedup = part === 0 ? {} : { speedup: sequential / each };
    return Object.assign({}, sample, speedup, { name: `${sample.name}${SPIN_PARTS[part]}`, seconds: each });
  });
}

function withRatio(sample: Sample, all: readonly Sample[]): Sample {
  // Each language's job is calibrated to the same time of its own, so the ratio of their times says nothing.
  if (sample.peer === undefined || sample.name.startsWith(SPIN.name)) return sample;
  const named = all.filter(({ name }) => name === sample.name);
  const ours = medianSeconds(named.filter(({ peer }) => peer === undefined));
  const theirs = medianSeconds(named.filter(({ peer }) => peer === sample.peer));
  return { ...sample, ratio: ours / theirs };
}

/** Median seconds of an item. */
function medianSeconds(samples: readonly Sample[]): number {
  const found = spread(samples.map(({ seconds, n }) => seconds / n));
  if (found === null) throw new Error("Expected samples to compare with.");
  return found.median;
}
