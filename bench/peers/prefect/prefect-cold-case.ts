import { fileURLToPath } from "node:url";
import { sampleProgram } from "../../program.ts";
import type { BenchCase, Sample } from "../../sample.ts";
import { PREFECT_PEER } from "./prefect-case.ts";
import { type PrefectServer, prefectProgram, withPrefectHome, withPrefectServer } from "./prefect-server.ts";

const SMALLEST_FLOW = fileURLToPath(new URL("./peer_flows.py", import.meta.url));

/** Cold starts of Prefect: the smallest flow against a running server, the version command, the server on a new and on a used home. */
export const prefectColdCase: BenchCase = { id: "prefect", peer: PREFECT_PEER, timeoutSeconds: 300, measure };

async function measure(): Promise<readonly Sample[]> {
  return withPrefectHome(async (home) => [
    ...(await withPrefectServer(home, measurePrograms)),
    await withPrefectServer(home, (server) => Promise.resolve(peerSample("cold/server", server.secondsUntilHealthy))),
  ]);
}

async function measurePrograms(server: PrefectServer): Promise<readonly Sample[]> {
  const env = server.environment;
  const flow = await sampleProgram("cold/flow", { command: prefectProgram("python"), args: [SMALLEST_FLOW], env });
  const version = await sampleProgram("cold/version", { command: prefectProgram("prefect"), args: ["--version"], env });
  return [
    peerSample("cold/first-server", server.secondsUntilHealthy),
    { ...flow.sample, peer: PREFECT_PEER },
    { ...version.sample, peer: PREFECT_PEER },
  ];
}

function peerSample(name: string, seconds: number): Sample {
  return { name, n: 1, seconds, cpuUs: null, peakRssMb: null, peer: PREFECT_PEER };
}
