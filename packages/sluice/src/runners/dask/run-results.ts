import type { BridgedEnd } from "../cluster/carried-end.ts";
import type { DaskConnection } from "./dask-connection.ts";
import { bytesOf } from "./protocol/dask-client.ts";
import { isRecord } from "./protocol/rpc.ts";

/** The result of a key: how its run ended, and the value. */
export interface KeyResult {
  readonly key: string;
  readonly end: BridgedEnd;
  /** In V8's clone format, empty for none; null when it stays at its worker. */
  readonly value: Buffer | null;
  /** Of the value. */
  readonly bytes: number;
}

export interface FoundResults {
  readonly results: readonly KeyResult[];
  /** Keys that would have been too much for one answer. */
  readonly later: readonly string[];
}

export interface ResultLimits {
  /** A value of more bytes stays where it is. */
  readonly kept: number;
  /** Bytes of one answer, from which on other keys are for later. */
  readonly together: number;
}

const NOTHING: FoundResults = { results: [], later: [] };

/** Asks a worker for the results that it holds of these keys; those that it does not hold are left out, all of them when it has died. */
export async function fetchResults(
  { client, module }: DaskConnection,
  question: { readonly worker: string | undefined; readonly keys: readonly string[]; readonly limits: ResultLimits },
): Promise<FoundResults> {
  const { worker, keys, limits } = question;
  if (worker === undefined) return NOTHING;
  let answer: unknown;
  try {
    answer = await client.callWorker(worker, `${module}_results`, { keys, ...limits });
  } catch {
    // It has died meanwhile: Dask runs the keys again, or has them elsewhere.
    return NOTHING;
  }
  return isRecord(answer) ? readAnswer(answer) : NOTHING;
}

/** `{ keys, sizes, given, joined, later }` (SluiceWorker.results in dask_worker.py): of the n-th key's result, which has `sizes[n]` bytes, the first `given[n]` stand in `joined`. */
function readAnswer(answer: Readonly<Record<string, unknown>>): FoundResults {
  const joined = bytesOf(answer["joined"]) ?? Buffer.alloc(0);
  const [sizes, given] = [answer["sizes"], answer["given"]].map((list) => listOf(list).map(Number));
  let at = 0;
  const results = listOf(answer["keys"]).map((key, index) => {
    const result = joined.subarray(at, (at += given?.[index] ?? 0));
    return resultOf(String(key), result, sizes?.[index] ?? 0);
  });
  return { results, later: listOf(answer["later"]).map(String) };
}

/** A result is `u32 length of the header | header (JSON) | value` (node_process.py). */
function resultOf(key: string, result: Buffer, size: number): KeyResult {
  const valueAt = 4 + result.readUInt32LE(0);
  const end = JSON.parse(result.toString("utf8", 4, valueAt)) as BridgedEnd; // the far side's, or the bridge's
  return { key, end, value: result.length < size ? null : result.subarray(valueAt), bytes: size - valueAt };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
