import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ProcessPoolTaskRunner } from "./process-pool-task-runner.ts";
import { valueOf } from "./task-runner.fixture.ts";
import { carryOn, eventually, idsIn, lives, testTaskRunner, useFolder } from "./task-runner.testsuite.ts";

testTaskRunner("ProcessPoolTaskRunner", {
  make: (maxWorkers) => new ProcessPoolTaskRunner({ maxWorkers }),
  makeSmall: () => new ProcessPoolTaskRunner({ maxWorkers: 1, execArgv: ["--max-old-space-size=48"] }),
});

const folder = useFolder();

describe("ProcessPoolTaskRunner: processes", () => {
  test("gives workers their environment and their working directory", async () => {
    const runner = new ProcessPoolTaskRunner({ maxWorkers: 1, env: { GREETING: "hello" }, cwd: folder() });
    expect(valueOf(await carryOn(runner, "environment", { args: ["GREETING"] }))).toEqual(["hello", folder()]);
  });

  test("says that its working directory does not exist", async () => {
    const end = await carryOn(new ProcessPoolTaskRunner({ maxWorkers: 1, cwd: join(folder(), "absent") }), "pid");
    expect(end).toMatchObject({ type: "crashed", error: { code: "SLUICE_WORKER_START_FAILED" } });
    expect(JSON.stringify(end)).toMatch(/absent \(option cwd\) does not exist/);
  });

  test("says why a worker did not start, in its own words", async () => {
    const end = await carryOn(
      new ProcessPoolTaskRunner({ maxWorkers: 1, execArgv: ["--import", "./no-such-module.mjs"] }),
      "pid",
    );
    expect(end).toMatchObject({ type: "crashed", error: { code: "SLUICE_WORKER_START_FAILED" } });
    expect(JSON.stringify(end)).toMatch(/no-such-module/);
  });

  test.each(["SIGKILL", "SIGABRT"])("crashes the run of a worker that dies of %s", async (signal) => {
    const end = await carryOn(new ProcessPoolTaskRunner({ maxWorkers: 2 }), "kill", { args: [signal] });
    expect(end).toMatchObject({ type: "crashed", error: { code: "SLUICE_WORKER_CRASHED" } });
    expect(JSON.stringify(end)).toMatch(signal);
  });

  test("kills a body that is deaf to SIGTERM", async () => {
    const end = await carryOn(new ProcessPoolTaskRunner({ maxWorkers: 2 }), "wait deaf to TERM", {
      timeoutMs: 50,
      graceMs: 50,
    });
    expect(end).toMatchObject({ type: "failed", state_name: "TimedOut" });
  });

  test("kills what a terminated body has started", async () => {
    const file = join(folder(), "terminated.json");
    const controller = new AbortController();
    const end = carryOn(new ProcessPoolTaskRunner({ maxWorkers: 2 }), "compute with a child", {
      args: [file],
      signal: controller.signal,
      graceMs: 50,
    });
    const pids = await idsIn(file);
    controller.abort(new Error("stop"));
    expect((await end).type).toBe("cancelled");
    await eventually("the end of the group", () => (pids.some(lives) ? undefined : true), 2_000);
  });

  test.each(["hold a child", "compute beside a child"])(
    "ends the runs that a cancelled run has submitted: %s",
    async (parent) => {
      const file = join(folder(), `${parent}.json`);
      const controller = new AbortController();
      const end = carryOn(new ProcessPoolTaskRunner({ maxWorkers: 2 }), parent, {
        args: [file],
        signal: controller.signal,
        graceMs: 100,
      });
      const pids = await idsIn(file);
      controller.abort(new Error("stop"));
      expect(await end).toMatchObject({ type: "cancelled", message: "stop" });
      await eventually("the end of the submitted run", () => (pids.some(lives) ? undefined : true), 5_000);
    },
  );

  test("keeps one worker warm for runners with equal options", async () => {
    const pid = async () =>
      valueOf(await carryOn(new ProcessPoolTaskRunner({ maxWorkers: 1, env: { WARM: "1" } }), "pid"));
    expect(await pid()).toBe(await pid());
  });

  test("lets a worker go that was idle", async () => {
    const pid = valueOf(await carryOn(new ProcessPoolTaskRunner({ maxWorkers: 1, idleSeconds: 0.05 }), "pid"));
    await eventually("the end of the idle worker", () => (lives(Number(pid)) ? undefined : true));
  });
});

describe("ProcessPoolTaskRunner: orphans", () => {
  test("leaves no process behind when the one in the middle is killed", async () => {
    const file = join(folder(), "orphans.json");
    const root = fork(fileURLToPath(new URL("./orphans.fixture.ts", import.meta.url)), [file], { stdio: "ignore" });
    // A busy grandchild (its child with it), below a process in the middle that is killed without a word.
    const pids = await idsIn(file);
    root.kill("SIGKILL");
    await eventually("the end of all descendants", () => (pids.some(lives) ? undefined : true), 2_000);
  });

  test("lets a program end by itself while its workers are warm", async () => {
    const program = fork(fileURLToPath(new URL("./orphans.fixture.ts", import.meta.url)), ["warm"], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    const output: string[] = [];
    program.stdout?.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    const code = await new Promise((resolve) => program.once("close", resolve));
    expect([code, output.join("").match(/sum \d+/)?.[0], output.join("").match(/printed/g)?.length]).toEqual([
      0,
      "sum 3",
      1,
    ]);
    const pid = Number(output.join("").match(/worker (\d+)/)?.[1]);
    await eventually("the end of the warm worker", () => (lives(pid) ? undefined : true), 5_000);
  });
});
