import { writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { nodeProcesses, until } from "./dask-processes.ts";
import { Bench, endOf } from "./program.ts";
import { hasRay, startRayHead, type RayHead } from "./ray-head.ts";

/*
 * Flows as Ray jobs, on the head of a real cluster. The programs have no Python, and know of the cluster nothing but its dashboard.
 */
if (!hasRay) process.stderr.write("Ray jobs are not tested: there is no .venv/ray, which `npm run test:ray` makes.\n");

/** A job as Ray's dashboard lists it. */
interface ListedJob {
  readonly submission_id: string | null;
  readonly status: string;
  readonly start_time: number;
  readonly runtime_env: { readonly working_dir: string };
  readonly metadata: { readonly sluice_flow_run_id?: string };
}

describe.skipIf(!hasRay)("flows as Ray jobs", { timeout: 240_000 }, () => {
  let head: RayHead;
  let bench: Bench;
  beforeAll(async () => {
    head = await startRayHead(2);
  }, 120_000);
  afterAll(() => head.stop());
  beforeEach(() => {
    bench = new Bench(head.url, { name: "ray-jobs", python: "", authorization: head.authorization });
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    bench.remove();
  });

  /** The jobs of this bench's flow runs, the first one first. */
  async function jobs(): Promise<readonly ListedJob[]> {
    const ids = new Set((await bench.list("flow-run")).map(({ id }) => id));
    // Ray's own, and of this form.
    const all = (await head.ask("/api/jobs/")) as readonly ListedJob[];
    return all
      .filter(({ metadata }) => ids.has(metadata.sluice_flow_run_id ?? ""))
      .toSorted((a, b) => a.start_time - b.start_time);
  }

  test("subflows are jobs, and submit their tasks to the cluster", async () => {
    expect(await bench.valueOf("master", [3, 2])).toEqual([
      [0, 1, 4],
      [0, 1],
    ]);
    const runs = await bench.list("flow-run");
    expect(runs.map(({ state_type }) => state_type)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED"]);
    const subflows = new Set(runs.filter(({ parent_task_run_id }) => parent_task_run_id !== null).map(({ id }) => id));
    const heavy = (await bench.list("task-run")).filter(({ name }) => name.startsWith("heavy"));
    expect(heavy.map(({ state_type }) => state_type)).toEqual(Array.from({ length: 5 }, () => "COMPLETED"));
    expect(new Set(heavy.map(({ flow_run_id }) => flow_run_id))).toEqual(subflows);
    const known = await jobs();
    expect(new Set(known.map(({ metadata }) => metadata.sluice_flow_run_id))).toEqual(subflows);
    expect(known.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    // One package has the code of both.
    expect(known[0]?.runtime_env.working_dir).toBe(known[1]?.runtime_env.working_dir);
  });

  test("large arguments, errors and the console come through, a result that is too large does not", async () => {
    expect(await bench.valueOf("value")).toEqual([3_145_728, 7, [3_145_728]]);
    const { stdout, stderr } = await bench.run("error");
    expect(JSON.parse(stdout)).toEqual([
      true,
      "no 1",
      "TypeError: the cause",
      expect.stringMatching(/flows\.fixture\.ts:\d+:\d+/),
    ]);
    expect(stderr).toContain("a line of the job");
    expect(stderr).not.toContain("sluice-end");
    expect(await bench.valueOf("tooLarge")).toEqual(["CRASHED", expect.stringContaining("9.0 MiB")]);
  });

  test("the submission has the options of the runner, and those of the flow", async () => {
    expect(await bench.valueOf("placed")).toEqual(["as given", "as given"]);
    expect((await jobs()).map(({ metadata }) => metadata)).toEqual([expect.objectContaining({ team: "tests" })]);
    const run = bench.run("misplaced");
    expect((await run).stderr).toContain('"ray.max_retries"');
  });

  test("a task beside the flows is refused without an address of the cluster", async () => {
    expect(await bench.valueOf("lonely")).toEqual(["CRASHED", expect.stringContaining('needs the option "address"')]);
  });

  test("a cancelled subflow ends with the task that it waits for", async () => {
    const ended = endOf(bench.start("cancels"));
    await until("the endless task", () => bench.marks().some(({ what }) => what === "endless"));
    writeFileSync(`${bench.marksFile}.stop`, "");
    expect((await ended).stdout).toContain('["CANCELLED","not needed any more"]');
    const cancelled = (await bench.list("task-run")).filter(({ name }) => /endless/.test(name));
    expect(cancelled.map(({ state_type }) => state_type)).toEqual(["CANCELLED", "CANCELLED"]);
    expect((await jobs()).map(({ status }) => status)).toEqual(["STOPPED"]);
    const pids = new Set(bench.marks().map(({ pid }) => pid));
    await until("the end of its processes", () => nodeProcesses().every((pid) => !pids.has(pid)));
  });

  test("a subflow whose process is killed is run again as another job", async () => {
    const ended = endOf(bench.start("killed"));
    await until("the subflow", () => bench.marks().some(({ what }) => what === "survives"));
    process.kill(bench.marks()[0]?.pid ?? 0, "SIGKILL");
    await until("its second try", () => bench.marks().length === 2);
    writeFileSync(`${bench.marksFile}.stop`, "");
    const { stdout, stderr } = await ended;
    expect(stdout.trim()).toBe('"survived"');
    expect(stderr).toContain("signal SIGKILL");
    expect((await jobs()).map(({ status }) => status)).toEqual(["FAILED", "SUCCEEDED"]);
  });

  test("jobs end when the program that submitted them is killed, also one that computes without a pause", async () => {
    vi.stubEnv("SLUICE_LEASE_SECONDS", "5");
    const program = bench.start("spins");
    const both = ["endless", "spinning"];
    await until("both jobs", () => both.every((word) => bench.marks().some(({ what }) => what === word)));
    const pids = new Set(bench.marks().map(({ pid }) => pid));
    program.kill("SIGKILL");
    await until("the end of its runs", async () => {
      const runs = [...(await bench.list("flow-run")), ...(await bench.list("task-run"))];
      return runs.every(({ state_type }) => ["CANCELLED", "CRASHED"].includes(state_type));
    });
    await until("the end of its processes", () => nodeProcesses().every((pid) => !pids.has(pid)));
    await until("the end of its jobs", async () => {
      const known = await jobs();
      return known.length === 2 && known.every(({ status }) => status === "FAILED");
    });
  });

  test("a run inside of a job is cancelled at the server", async () => {
    const ended = endOf(bench.start("nested"));
    await until("the endless task", () => bench.marks().some(({ what }) => what === "endless"));
    const inner = (await bench.list("task-run")).find(({ name }) => name === "endless-0")?.flow_run_id;
    await bench.sluice("flow-run", "cancel", inner ?? "");
    expect((await ended).stdout).toContain('["CANCELLED","The flow run was cancelled by request."]');
    expect((await jobs()).map(({ status }) => status)).toEqual(["SUCCEEDED"]);
  });

  test("runs end as crashed when the cluster is gone for half a minute", async () => {
    const lost = await startRayHead(1);
    const there = new Bench(lost.url, { name: "ray-jobs", python: "", authorization: lost.authorization });
    try {
      const ended = endOf(there.start("waits"));
      await until("the endless task", () => there.marks().some(({ what }) => what === "endless")).finally(() =>
        lost.stop(),
      );
      expect((await ended).stderr).toContain("has not answered for 30 s");
      const runs = [...(await there.list("flow-run")), ...(await there.list("task-run"))];
      expect(runs.map(({ state_type }) => state_type).toSorted()).toEqual(["CRASHED", "CRASHED", "CRASHED", "FAILED"]);
    } finally {
      there.remove();
    }
  });

  test("an address without a job server is refused with what makes one", async () => {
    const page = createServer((_, response) => void response.writeHead(404).end("no such page"));
    await once(page.listen(0, "127.0.0.1"), "listening");
    // It listens on a port.
    const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
    const elsewhere = new Bench(url, { name: "ray-jobs", python: "" });
    try {
      expect((await elsewhere.run("killed")).stderr).toMatch(/got the answer 404 "no such page".*ray\[default\]/);
      page.close();
      expect((await elsewhere.run("killed")).stderr).toMatch(/nobody answers there.*ray\[default\]/);
    } finally {
      elsewhere.remove();
      page.close();
    }
    const stranger = new Bench(head.url, { name: "ray-jobs", python: "", authorization: "Bearer wrong" });
    try {
      expect((await stranger.run("killed")).stderr).toContain("wants credentials (403)");
    } finally {
      stranger.remove();
    }
  });
});
