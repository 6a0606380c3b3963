import { hash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { flow, gather, task } from "sluice";
import { DaskTaskRunner } from "sluice/dask";

/*
 * A program for `hosts.test.ts`: `node hosts-flows.fixture.ts FLOW [JSON of its arguments]` prints the flow's value as JSON, or what it failed with. Its environment says where the
 * cluster is; the nodes get the same environment, and make the same runner of it. The certificates lie where only this program can read them.
 */
const env = {
  TEST_DASK: process.env["TEST_DASK"] ?? "",
  TEST_CERTIFICATES: process.env["TEST_CERTIFICATES"] ?? "",
  TEST_NODE: process.env["TEST_NODE"] ?? "node",
  TEST_API_URL: process.env["TEST_API_URL"] ?? "",
};
const certificates = env.TEST_CERTIFICATES;
const runner = new DaskTaskRunner({
  address: env.TEST_DASK,
  ...(certificates === ""
    ? {}
    : {
        security: {
          tlsCaFile: `${certificates}/ca.pem`,
          tlsClientCert: `${certificates}/cert.pem`,
          tlsClientKey: `${certificates}/key.pem`,
        },
      }),
  ...(env.TEST_API_URL === "" ? {} : { apiUrl: env.TEST_API_URL }),
  node: env.TEST_NODE,
  env,
});

const where = task("where", async (durationMs: number) => {
  await delay(durationMs);
  return hostname();
});
const pauses = (n: number): readonly number[] => Array<number>(n).fill(50);

/** The host that each of `n` tasks ran on. */
export const spread = flow("spread", { taskRunner: runner }, async (n: number) => gather(where.map(pauses(n))));

const part = flow("part", { taskRunner: runner }, async (n: number) => ({
  host: hostname(),
  tasks: await gather(where.map(pauses(n))),
}));
/** Subflows, each of which maps over a size: the hosts of them and of their tasks. */
export const parts = flow("parts", { taskRunner: runner }, async (sizes: number[]) => gather(part.map(sizes)));

/** Bytes that this host has received over its network. */
function receivedBytes(): number {
  return Number(readFileSync("/sys/class/net/eth0/statistics/rx_bytes", "utf8"));
}
const received = task("received", receivedBytes);
const make = task("make", (bytes: number) => randomBytes(bytes));
const digest = task("digest", (value: Uint8Array) => ({
  host: hostname(),
  bytes: value.length,
  sha256: hash("sha256", value),
}));

/** Makes a large value on w1, uses it there and on w2, and fetches it: what each step gives, and by how much what each host has received grew. */
export const large = flow("large", { taskRunner: runner }, async (bytes: number) => {
  const only = (worker: string) => ({ dask: { workers: [worker] } });
  const sample = async () => {
    const [w1, w2] = await gather([received.with(only("w1")).submit(), received.with(only("w2")).submit()]);
    return { client: receivedBytes(), w1, w2 };
  };
  let before = await sample();
  const step = async <T>(act: () => Promise<T>) => {
    const value = await act();
    const after = await sample();
    const grown = { client: after.client - before.client, w1: after.w1 - before.w1, w2: after.w2 - before.w2 };
    before = after;
    return { value, grown };
  };
  const big = make.with(only("w1")).submit(bytes);
  const there = await step(async () => digest.with(only("w1")).submit(big));
  const elsewhere = await step(async () => digest.with(only("w2")).submit(big));
  const here = await step(async () => {
    const value = await big;
    return { host: hostname(), bytes: value.length, sha256: hash("sha256", value) };
  });
  return { there, elsewhere, here };
});

const flows = { spread, parts, large };
if (import.meta.main) {
  const [, , name = "", args = "[]"] = process.argv;
  const chosen = flows[name as keyof typeof flows] as (...values: unknown[]) => Promise<unknown>;
  console.log(JSON.stringify(await chosen(...(JSON.parse(args) as unknown[]))));
}
