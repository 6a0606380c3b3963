import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TaskRunner } from "sluice";
import { spread } from "../lines.ts";
import { withPrefectHome, withPrefectServer } from "../peers/prefect/prefect-server.ts";
import { treeCpuUs } from "../process-tree.ts";
import type { Bench, Sample, Scale } from "../sample.ts";
import { calibrateSpin } from "../spin.ts";
import { clusterPlan, jobName, type Plan, type Rounds } from "./cluster-plan.ts";
import type { ClusterPython } from "./python-environment.ts";
import { type ClusterJob, type ClusterWay, withPythonPeer } from "./python-peer.ts";

const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));
const WORKERS = 2;
/** A cluster, a Prefect server, and some ten thousand tasks; the environment is made on the way at the first time. */
const TIMEOUT_SECONDS = 1800;

/** A kind of cluster. Its Python programs are `bench/peers/<name>/measure_<name>.py` and `measure_prefect_<name>.py`. */
export interface ClusterKind {
  readonly name: "dask" | "ray";
  /** What is measured, in one line. */
  readonly about: string;
  /** Makes the environment that the cluster and all its Python clients are of. */
  python(): ClusterPython;
  /** Runs `use` with the address of a new cluster, which is ended afterwards. */
  withCluster<T>(plan: ClusterStart, use: (address: string) => Promise<T>): Promise<T>;
  /** Makes ours. Loads its module, which no other process of this bench needs. */
  taskRunner(address: string, environment: ClusterPython): Promise<TaskRunner>;
}

/** What a cluster is made of. */
export interface ClusterStart {
  readonly environment: ClusterPython;
  /** CPUs, or workers of one thread each. */
  readonly workers: number;
  /** Environment variables of the cluster and its workers. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * One real cluster, used in three ways: by Sluice, by the cluster's own client, and by Prefect's task runner.
 *
 * The rounds of Sluice and of the cluster's client alternate. Prefect comes after them, because its server, and what it starts on the workers, take CPU all the time from then on.
 */
export function clusterBench(kind: ClusterKind): Bench {
  return {
    name: kind.name,
    about: kind.about,
    cases: (scale) => [{ id: "cluster", timeoutSeconds: TIMEOUT_SECONDS, measure: () => measure(kind, scale) }],
  };
}

async function measure(kind: ClusterKind, scale: Scale): Promise<readonly Sample[]> {
  const plan = clusterPlan(scale);
  const environment = kind.python();
  const samples = await withPrefectHome((home) => {
    const start = { environment, workers: WORKERS, env: environment.environment(home) };
    return kind.withCluster(start, async (address) => {
      const place = { kind, address, environment, home };
      return [...(await measureOurs(place, plan)), ...(await measurePrefect(place, plan))];
    });
  });
  return samples.map((sample) => named(kind, withRatio(sample, samples)));
}

function named({ name }: ClusterKind, sample: Sample): Sample {
  return { ...sample, name: `${name}/${sample.name}` };
}

interface Place {
  readonly kind: ClusterKind;
  readonly address: string;
  readonly environment: ClusterPython;
  /** Of Prefect. */
  readonly home: string;
}

/** Sluice and the cluster's own client, by turns. */
function measureOurs({ kind, address, environment, home }: Place, plan: Plan): Promise<readonly Sample[]> {
  const raw = {
    python: environment.python,
    program: join(PEERS, kind.name, `measure_${kind.name}.py`),
    args: [address, String(WORKERS), String(plan.spinSeconds)],
    env: environment.environment(home),
  };
  return withPythonPeer(raw, async (client) => {
    const { firstSubmitSeconds } = await import("../flows/unseen-modules.ts");
    const taskRunner = await kind.taskRunner(address, environment);
    const samples = await measureWays([await sluiceWay(taskRunner, plan.spinSeconds), client], plan.ours);
    const firsts = await firstSubmitSeconds(taskRunner, plan.firstSubmits);
    const warm = medianSeconds(samples.filter(({ name, peer }) => name === jobName.roundTrip && peer === undefined));
    const uploads = firsts.map((first) =>
      Object.assign({ name: "bundle-upload", n: 1, seconds: first - warm }, UNKNOWN),
    );
    return [...samples, ...uploads];
  });
}

/** Prefect with a server of its own. */
function measurePrefect({ kind, address, environment, home }: Place, plan: Plan): Promise<readonly Sample[]> {
  const measureWith = (serverEnvironment: NodeJS.ProcessEnv): Promise<readonly Sample[]> => {
    const program = join(PEERS, kind.name, `measure_prefect_${kind.name}.py`);
    const args = [address, String(WORKERS), String(plan.spinSeconds)];
    const env = { ...serverEnvironment, ...environment.environment(home) };
    return withPythonPeer({ python: environment.python, program, args, env }, (way) =>
      measureWays([way], plan.prefect),
    );
  };
  return withPrefectServer(home, (server) => measureWith(server.environment), environment.program("prefect"));
}

async function sluiceWay(taskRunner: TaskRunner, spinSeconds: number): Promise<ClusterWay> {
  const { echoTrips, noopMap, noopTrips, spinAll } = await import("../flows/on-cluster.ts");
  const portions = calibrateSpin(spinSeconds);
  const jobs: Record<ClusterJob, (n: number) => PromiseLike<readonly number[]>> = {
    "noop-trips": noopTrips.with({ taskRunner }),
    "noop-map": noopMap.with({ taskRunner }),
    "echo-trips": echoTrips.with({ taskRunner }),
    "spin-all": (n) => spinAll.with({ taskRunner })(n, portions),
  };
  return { run: async (job, n) => jobs[job](n) };
}

/** Warms every way up by a round of each job, then measures the rounds of each, one way after the other within a round. */
async function measureWays(ways: readonly ClusterWay[], all: readonly Rounds[]): Promise<readonly Sample[]> {
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

async function measureRound(way: ClusterWay, { name, job, n }: Rounds): Promise<readonly Sample[]> {
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
  if (sample.peer === undefined || sample.name.startsWith(jobName.spin)) return sample;
  const same = all.filter(({ name }) => name === sample.name);
  const ours = medianSeconds(same.filter(({ peer }) => peer === undefined));
  const theirs = medianSeconds(same.filter(({ peer }) => peer === sample.peer));
  return { ...sample, ratio: ours / theirs };
}

/** Median seconds of an item. */
function medianSeconds(samples: readonly Sample[]): number {
  const found = spread(samples.map(({ seconds, n }) => seconds / n));
  if (found === null) throw new Error("Expected samples to compare with.");
  return found.median;
}
