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
  /** How often each status came; "broken" for a connection that broke instead. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** What a load is made of. */
export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Most requests that are sent. */
  readonly n: number;
  /** No request is sent later than this after the first. Default: no end but `n`. */
  readonly seconds?: number;
  /** Makes the request of a number from 0. */
  readonly request: (index: number) => LoadRequest;
  /** Hears of every answer of a success. */
  readonly onAnswer?: (index: number, body: string) => void;
}

/**
 * Sends up to `n` requests over some connections, each of which sends its next one when it has the answer to the last.
 *
 * A connection that breaks counts as an answer of the status "broken" and is opened again; rejects when that fails.
 */
export async function runClosedLoop(load: Load): Promise<LoadOutcome> {
  const { port, connections, n, seconds: limitSeconds = Infinity, request, onAnswer } = load;
  const open = await Promise.all(Array.from({ length: Math.min(connections, n) }, () => RawConnection.open(port)));
  const latencies = new Float64Array(n);
  const statuses: Record<string, number> = {};
  let next = 0;
  const work = async (first: RawConnection): Promise<void> => {
    let connection = first;
    while (next < n && performance.now() < endMs) {
      const index = next++;
      const { method, path, body } = request(index);
      const sentMs = performance.now();
      const answer = await connection.send(method, path, body).catch(() => undefined);
      latencies[index] = performance.now() - sentMs;
      const status = answer?.status ?? "broken";
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (answer === undefined) connection = await reopen(connection);
      else if (answer.status < 300) onAnswer?.(index, answer.body);
    }
    connection.close();
  };
  const reopen = async (connection: RawConnection): Promise<RawConnection> => {
    connection.close();
    return RawConnection.open(port);
  };
  const startMs = performance.now();
  const endMs = startMs + limitSeconds * 1000;
  await Promise.all(open.map(work));
  const seconds = (performance.now() - startMs) / 1000;
  const sorted = latencies.subarray(0, next).toSorted();
  return { n: next, seconds, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99), statuses };
}

/** @param sorted from the smallest on */
function percentile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
