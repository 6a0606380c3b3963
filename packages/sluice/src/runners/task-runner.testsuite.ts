import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localValue } from "../engine/values/remote-value.ts";
import { fromWireError } from "../engine/values/wire-error.ts";
import type { CarryOptions, TaskRunner } from "../engine/task-runner.ts";
import type { RunEnd } from "../wire/run-spec.ts";
import { cancelInWorkers, closeRunners, setHomeLink } from "./index.ts";
import { specOf, valueOf } from "./task-runner.fixture.ts";

/** What a runner under test can do beyond carrying. */
export interface RunnerTraits {
  /** Makes a runner with this many workers; equal arguments give runners of equal descriptions. */
  readonly make: (maxWorkers: number) => TaskRunner;
  /** A worker dies of running out of memory alone. */
  readonly makeSmall: () => TaskRunner;
}

const UNREFUSED: CarryOptions = { signal: new AbortController().signal, graceMs: 300, timeoutMs: null };

/** Carries a run of one of the fixture's functions. */
export function carryOn(
  runner: TaskRunner,
  name: string,
  given: Partial<CarryOptions> & { readonly args?: readonly unknown[] } = {},
): Promise<RunEnd> {
  const { args, ...options } = given;
  return runner.carry(specOf(name, args), { ...UNREFUSED, ...options });
}

/** Gives runners the plain engine, and ends their workers after the tests of this file. */
function usePlainEngine(): void {
  beforeAll(() =>
    setHomeLink({
      connectThread: () => null,
      address: {},
      engineUrl: new URL("./plain-engine.fixture.ts", import.meta.url).href,
      pythonFolder: "",
      environment: {},
    }),
  );
  afterAll(() => closeRunners());
}

/** A folder of this file's own under the system's, removed after its tests. */
export function useFolder(): () => string {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sluice-runners-"));
    mkdirSync(folder, { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

/** Waits until `look` gives something; fails naming what it waited for. */
export async function eventually<T>(what: string, look: () => T | undefined, limitMs = 15_000): Promise<T> {
  const until = performance.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > until) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The ids that a worker wrote into a file, once it has. */
export function idsIn(file: string): Promise<number[]> {
  return eventually(`process ids in ${file}`, () => {
    try {
      // The fixture writes an array of process ids.
      return JSON.parse(readFileSync(file, "utf8")) as number[];
    } catch {
      return undefined; // not there, or not whole, yet
    }
  });
}

/** Whether a process lives (a zombie does not). */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function codeOf(end: RunEnd): string | undefined {
  return end.type === "failed" || end.type === "crashed" ? end.error.code : undefined;
}

/** What every runner does that carries runs elsewhere. */
export function testTaskRunner(name: string, traits: RunnerTraits): void {
  usePlainEngine();

  describe(`${name}: values and errors`, () => {
    test("gives the value back that the function returned", async () => {
      const value = {
        list: [1, "two", null, undefined, 3n],
        map: new Map([["k", new Date(0)]]),
        bytes: new Uint8Array([1, 2]),
      };
      expect(valueOf(await carryOn(traits.make(2), "identity", { args: [value] }))).toEqual(value);
    });

    test("carries 16 MiB there and back", async () => {
      const bytes = new Uint8Array(16 * 1024 * 1024).fill(7);
      // A runner may leave a large value where it is until it is wanted.
      const back = await localValue(valueOf(await carryOn(traits.make(2), "identity", { args: [bytes] })));
      expect(back instanceof Uint8Array && Buffer.compare(back, bytes)).toBe(0);
    });

    test("gives an error back as its class, with its stack and its cause", async () => {
      const end = await carryOn(traits.make(2), "fail", { args: ["the message"] });
      if (end.type !== "failed") throw new Error(`expected failed, got ${end.type}`);
      const error = fromWireError(end.error);
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe("the message");
      expect(error.stack).toMatch(/task-runner\.fixture/);
      expect(error.cause).toBeInstanceOf(TypeError);
    });

    test("names the part of an argument that cannot travel", async () => {
      const end = await carryOn(traits.make(2), "identity", { args: [{ socket: { on: () => 1 } }] });
      expect(end).toMatchObject({ type: "crashed", retryable: false, error: { code: "SLUICE_NOT_SERIALIZABLE" } });
      expect(JSON.stringify(end)).toMatch(/args\[0\]\.socket\.on/);
    });

    test("names the part of a result that cannot travel", async () => {
      const end = await carryOn(traits.make(2), "give a function");
      expect(codeOf(end)).toBe("SLUICE_NOT_SERIALIZABLE");
      expect(JSON.stringify(end)).toMatch(/result\.handlers\[2\]\.on/);
    });

    test("refuses a function that was made at run time", async () => {
      const spec = specOf("add", [1, 2]);
      const end = await traits.make(2).carry({ ...spec, function: { ...spec.function, home: null } }, UNREFUSED);
      expect(end).toMatchObject({ type: "crashed", retryable: false, error: { code: "SLUICE_NOT_PORTABLE" } });
    });

    test("says which function the worker did not find", async () => {
      const spec = specOf("add", [1, 2]);
      const end = await traits.make(2).carry({ ...spec, function: { ...spec.function, name: "absent" } }, UNREFUSED);
      expect(end).toMatchObject({ type: "crashed", retryable: false, error: { code: "SLUICE_FUNCTION_NOT_FOUND" } });
    });
  });

  describe(`${name}: slots and nesting`, () => {
    test("says once that a body has started", async () => {
      let started = 0;
      await carryOn(traits.make(2), "add", { args: [1, 2], onStart: () => (started += 1) });
      expect(started).toBe(1);
    });

    test("finishes three levels of runs on a pool of two", async () => {
      expect(
        valueOf(await carryOn(traits.make(2), "tree", { args: [[traits.make(2).description.kind], 2, [8, 4, 2]] })),
      ).toBe(64);
    });

    test("finishes runs that submit runs on a pool of one", async () => {
      const runner = traits.make(1);
      const ends = await Promise.all(
        Array.from({ length: 3 }, () => carryOn(runner, "tree", { args: [[runner.description.kind], 1, [2, 2]] })),
      );
      expect(ends.map(valueOf)).toEqual([4, 4, 4]);
    });

    test("finishes levels of different kinds on one ledger", async () => {
      expect(
        valueOf(await carryOn(traits.make(2), "tree", { args: [["thread", "process", "thread"], 1, [2, 2, 2]] })),
      ).toBe(8);
    });
  });

  describe(`${name}: cancelling and time limits`, () => {
    test("takes a run that has not started off the queue", async () => {
      const runner = traits.make(1);
      const first = new AbortController();
      const second = new AbortController();
      const running = Promise.withResolvers<void>();
      const held = carryOn(runner, "wait", { signal: first.signal, onStart: () => running.resolve() });
      await running.promise;
      const queued = carryOn(runner, "add", { args: [1, 2], signal: second.signal });
      second.abort(new Error("not needed"));
      expect(await queued).toEqual({ type: "cancelled", message: "not needed", reported: false });
      first.abort(new Error("enough"));
      expect(await held).toEqual({ type: "cancelled", message: "enough", reported: true });
    });

    test("terminates a body that computes past its grace", async () => {
      const controller = new AbortController();
      const end = carryOn(traits.make(2), "busy", {
        signal: controller.signal,
        onStart: () => controller.abort(new Error("stop")),
      });
      expect(await end).toEqual({ type: "cancelled", message: "stop", reported: false });
    });

    test("terminates a body that computes past its time limit", async () => {
      const end = await carryOn(traits.make(2), "busy", { timeoutMs: 100 });
      expect(end).toMatchObject({
        type: "failed",
        state_name: "TimedOut",
        reported: false,
        error: { code: "SLUICE_TIMED_OUT" },
      });
    });

    test("passes a request to stop on to the run inside its worker", async () => {
      const spec = { ...specOf("wait"), run_id: "11111111-1111-7111-8111-111111111111" };
      const onStart = () => setImmediate(() => cancelInWorkers(spec.run_id));
      const end = await traits.make(2).carry(spec, { ...UNREFUSED, onStart });
      expect(end).toEqual({ type: "cancelled", message: "asked from elsewhere", reported: true });
    });

    test("leaves a body that yields to its far side's time limit", async () => {
      expect(await carryOn(traits.make(2), "wait", { timeoutMs: 50 })).toMatchObject({
        type: "failed",
        state_name: "TimedOut",
        reported: true,
      });
    });
  });

  describe(`${name}: workers that end`, () => {
    test.each([
      ["exit", [3], /exit code 3/],
      ["throw later", [], /Error: thrown later/],
      ["reject later", [], /Error: rejected by nobody's hand/],
    ] as const)("crashes the run of a worker whose code does this: %s", async (fixture, args, story) => {
      const runner = traits.make(2);
      const beside = carryOn(runner, "compute", { args: [300] });
      const end = await carryOn(runner, fixture, { args });
      expect(end).toMatchObject({
        type: "crashed",
        retryable: true,
        reported: false,
        error: { code: "SLUICE_WORKER_CRASHED" },
      });
      expect(JSON.stringify(end)).toMatch(story);
      expect((await beside).type).toBe("completed");
      expect(valueOf(await carryOn(runner, "add", { args: [1, 2] }))).toBe(3);
    });

    test("says that a worker ran out of memory", async () => {
      expect(await carryOn(traits.makeSmall(), "eat memory")).toMatchObject({
        type: "crashed",
        retryable: true,
        error: { code: "SLUICE_WORKER_OUT_OF_MEMORY" },
      });
    });

    test("starts workers again after all were closed", async () => {
      const runner = traits.make(2);
      await carryOn(runner, "add", { args: [1, 2] });
      await closeRunners();
      expect(valueOf(await carryOn(runner, "add", { args: [1, 3] }))).toBe(4);
    });
  });
}
