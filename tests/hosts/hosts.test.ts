import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ListedRun } from "../clusters/program.ts";
import { addresses, Hosts, schedulerAddress, whyNoHosts } from "./hosts.ts";

/*
 * Flows on a Dask cluster of several machines, as far as one machine can show it: network namespaces with host names, certificates and files of their own.
 */
const missing = whyNoHosts();
const LIMIT_MS = 120_000;
const MIB = 1024 * 1024;

const SIZE_BYTES = 32 * MIB;
/** What a value of that size does not fit in: messages about runs, the records of them, and on a worker the acknowledgements of what it sends. */
const SMALL_BYTES = { client: 100_000, w1: MIB, w2: MIB };

interface Step {
  readonly value: { readonly host: string; readonly bytes: number; readonly sha256: string };
  /** By how much the bytes that each host has received grew. */
  readonly grown: Readonly<Record<keyof typeof SMALL_BYTES, number>>;
}

/** Says whether a host has received the value in a step; the number of bytes where that is neither. */
function received({ grown }: Step): Readonly<Record<keyof Step["grown"], string | number>> {
  const said = (host: keyof Step["grown"]): string | number => {
    if (grown[host] >= SIZE_BYTES) return "the value";
    return grown[host] < SMALL_BYTES[host] ? "little" : grown[host];
  };
  return { client: said("client"), w1: said("w1"), w2: said("w2") };
}

const isCompleted = ({ state_type }: ListedRun): boolean => state_type === "COMPLETED";

describe.skipIf(missing !== "")(`several hosts${missing === "" ? "" : `: ${missing}`}`, { timeout: LIMIT_MS }, () => {
  let hosts: Hosts;
  let workers: ReadonlySet<string>;

  beforeAll(async () => {
    hosts = new Hosts();
    workers = new Set([`${hosts.prefix}w1`, `${hosts.prefix}w2`]);
    await hosts.start();
    await hosts.serve("scheduler", "--host", addresses.scheduler);
  }, LIMIT_MS);
  afterAll(() => hosts?.remove(), LIMIT_MS);

  test("tasks run on all workers' hosts, and their runs are at the server", async () => {
    const ranOn = (await hosts.valueOf("spread", 40)) as readonly string[];
    expect(ranOn).toHaveLength(40);
    expect(new Set(ranOn)).toEqual(workers);

    const [run] = await hosts.list("flow-run", "--flow", "spread");
    expect(run?.state_type).toBe("COMPLETED");
    const tasks = (await hosts.list("task-run")).filter(({ flow_run_id }) => flow_run_id === run?.id);
    expect(tasks.filter(isCompleted)).toHaveLength(40);
  });

  test("subflows run on all workers' hosts with tasks of their own, and are reported from there with their parents", async () => {
    const ranOn = (await hosts.valueOf("parts", Array(8).fill(3))) as readonly {
      readonly host: string;
      readonly tasks: readonly string[];
    }[];
    expect(new Set(ranOn.map(({ host }) => host))).toEqual(workers);
    expect(new Set(ranOn.flatMap(({ tasks }) => tasks))).toEqual(workers);

    const [root] = await hosts.list("flow-run", "--flow", "parts");
    const subflows = await hosts.list("flow-run", "--flow", "part");
    const tasks = await hosts.list("task-run");
    expect([...(await hosts.list("flow-run")), ...tasks].filter((run) => !isCompleted(run))).toEqual([]);
    expect(subflows).toHaveLength(8);
    expect(subflows.every(({ run_count }) => run_count === 1)).toBe(true);
    const parents = tasks.filter(({ flow_run_id }) => flow_run_id === root?.id);
    expect(parents).toHaveLength(8);
    expect(new Set(subflows.map((run) => run.parent_task_run_id))).toEqual(new Set(parents.map(({ id }) => id)));
    for (const subflow of subflows) {
      const own = tasks.filter(({ flow_run_id }) => flow_run_id === subflow.id);
      expect(own).toHaveLength(3);
    }
  });

  test("a large value stays where it was made, moves from worker to worker, and comes to the client when it is awaited", async () => {
    const { there, elsewhere, here } = (await hosts.valueOf("large", SIZE_BYTES)) as Readonly<
      Record<"there" | "elsewhere" | "here", Step>
    >;
    const { sha256 } = there.value;
    const used = (host: string): unknown => ({ host: `${hosts.prefix}${host}`, bytes: SIZE_BYTES, sha256 });
    expect(there.value).toEqual(used("w1"));
    expect(received(there)).toEqual({ client: "little", w1: "little", w2: "little" });
    expect(elsewhere.value).toEqual(used("w2"));
    expect(received(elsewhere)).toEqual({ client: "little", w1: "little", w2: "the value" });
    expect(here.value).toEqual(used("client"));
    expect(received(here)).toEqual({ client: "the value", w1: "little", w2: "little" });
  });

  test("a flow that keeps its runs on the client alone is refused", async () => {
    const { code, stderr } = await hosts.program("spread", [1], { SLUICE_API_URL: undefined });
    expect(code).toBe(1);
    expect(stderr).toMatch(/this flow keeps its runs in a home of this machine .* set SLUICE_API_URL/);
    expect(stderr).toContain("code: 'SLUICE_CLUSTER_UNFIT'");
  });

  test("a server at a loopback address is refused, unless the runner knows how the nodes reach it", async () => {
    await hosts.serve("client", "--host", "0.0.0.0");
    const env = { SLUICE_API_URL: "http://127.0.0.1:4200/api" };
    const { code, stderr } = await hosts.program("spread", [1], env);
    expect(code).toBe(1);
    expect(stderr).toContain("cannot reach the server at http://127.0.0.1:4200/api: that is each machine itself");
    expect(stderr).toContain("code: 'SLUICE_CLUSTER_UNFIT'");

    // A subflow's node reports it.
    const known = await hosts.program("parts", [[1]], { ...env, TEST_API_URL: `http://${addresses.client}:4200/api` });
    expect(known.code, known.stderr).toBe(0);
  });

  test("a tcp:// address of a scheduler with TLS is told so at once", async () => {
    const { code, stderr } = await hosts.program("spread", [1], {
      SLUICE_API_URL: undefined,
      TEST_DASK: schedulerAddress.replace("tls:", "tcp:"),
      TEST_CERTIFICATES: "",
    });
    expect(code).toBe(1);
    expect(stderr).toContain("is it tls://?");
    // What ends at the time limit of connecting, 30 s, says so.
    expect(stderr).not.toContain("nobody answered in time");
  });
});
