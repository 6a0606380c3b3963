import { RawConnection } from "./raw-connection.ts";

/** One request of a load. */
export interface LoadRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string;
}

/** How a load went. */
export interface LoadOutcome {
  readonly n: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How often each status came. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** What a load is made of. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly n: number;
  /** Makes the request of a number from 0. */
  readonly request: (index: number) => LoadRequest;
  /** Hears of every answer of a success. */
  readonly onAnswer?: (index: number, body: string) => void;
}

/**
 * Sends `n` requests over some connections, each of which sends its next one when it has the answer to the last.
 *
 * Rejects when a connection breaks: a server that does that has failed the load.
 */
export async function runClosedLoop(load: Load): Promise<LoadOutcome> {
  const { port, connections, n, request, onAnswer } = load;
  const open = await Promise.all(Array.from({ length: Math.min(connections, n) }, () => RawConnection.open(port)));
  const latencies = new Float64Array(n);
  const statuses: Record<string, number> = {};
  let next = 0;
  const work = async (connection: RawConnection): Promise<void> => {
    for (let index = next++; index < n; index = next++) {
      const { method, path, body } = request(index);
      const sentMs = performance.now();
      const answer = await connection.send(method, path, body);
      latencies[index] = performance.now() - sentMs;
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status < 300) onAnswer?.(index, answer.body);
    }
  };
  const startMs = performance.now();
  await Promise.all(open.map(work));
  const seconds = (performance.now() - startMs) / 1000;
  for (const connection of open) connection.close();
  latencies.sort();
  return { n, seconds, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99), statuses };
}

/** @param sorted from the smallest on */
function percentile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
