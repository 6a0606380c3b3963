import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HomePrograms, type Ended, type Program } from "./home-programs.ts";

/*
 * Concurrency limits of tags: real programs on one home, on the event loop and on processes, and one that is killed while it holds a slot.
 */
const TIMEOUT_MS = 60_000;
const WAIT = { timeout: 20_000, interval: 100 };

let programs: HomePrograms;
/** Each body writes "+" when it begins and "-" when it ends, and its name. */
let story: string;

beforeEach(() => {
  programs = new HomePrograms();
  story = join(programs.home, "story");
});
afterEach(() => programs.remove());

const sluice = (...args: string[]): Promise<Ended> => programs.sluice(...args);

/** Starts a program with a task of the tag "db" that takes `ms` milliseconds, and a flow with this body. */
function program(name: string, options: string, body: string): Program {
  return programs.script(
    name,
    `import { appendFileSync, existsSync } from "node:fs";
     import { setTimeout as delay } from "node:timers/promises";
     import { flow, gather, ProcessPoolTaskRunner, runContext, task } from "sluice";
     const write = (line: string): void => appendFileSync(${JSON.stringify(story)}, line + "\\n");
     export const query = task("query", { tags: ["db"] }, async (name: string, ms: number): Promise<string> => {
       write("+" + name);
       await delay(ms, undefined, { signal: runContext()?.signal });
       write("-" + name);
       return name;
     });
     export const free = task("free", (name: string): void => write("=" + name));
     const main = flow("main", ${options}, async (): Promise<unknown> => { ${body} });
     const end = await main.safe();
     console.log(JSON.stringify({ type: end.type, data: end.type === "COMPLETED" ? end.data : end.message }));`,
  );
}

const lines = (): readonly string[] => (existsSync(story) ? readFileSync(story, "utf8").trim().split("\n") : []);

/** The most bodies that were between their begin and their end at once. */
function mostAtOnce(): number {
  let [open, most] = [0, 0];
  for (const line of lines()) {
    if (line.startsWith("+")) open++;
    else if (line.startsWith("-")) open--;
    most = Math.max(most, open);
  }
  return most;
}

async function activeSlots(): Promise<number> {
  const { stdout } = await sluice("global-concurrency-limit", "inspect", "tag:db", "--output", "json");
  return (JSON.parse(stdout) as { active_slots: number }).active_slots;
}

test(
  "task runs of a limited tag are never more at once than its limit, over programs, processes and the event loop",
  async () => {
    await sluice("concurrency-limit", "create", "db", "2");
    const submit = (prefix: string): string =>
      `return gather(Array.from({ length: 6 }, (_, n) => query.submit("${prefix}" + n, 100)));`;
    const here = program("here", "{}", submit("h"));
    const there = program("there", "{ taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 3 }) }", submit("t"));
    const ends = await Promise.all([here.ended, there.ended]);
    expect(ends.map(({ stdout }) => JSON.parse(stdout))).toEqual(
      ["h", "t"].map((prefix) => ({ type: "COMPLETED", data: Array.from({ length: 6 }, (_, n) => `${prefix}${n}`) })),
    );
    expect(lines()).toHaveLength(24);
    expect(mostAtOnce()).toBe(2);
    expect(await activeSlots()).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "who waits for a slot leaves its worker to others, is seen as pending, and can be cancelled",
  async () => {
    await sluice("concurrency-limit", "create", "db", "0");
    const { ended } = program(
      "waits",
      "{ taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }",
      `const waiting = query.submit("never", 1);
       await free.submit("others");
       const seen = waiting.state.type;
       waiting.cancel();
       const { type } = await waiting.wait();
       return [seen, type];`,
    );
    expect(JSON.parse((await ended).stdout)).toEqual({ type: "COMPLETED", data: ["PENDING", "CANCELLED"] });
    expect(lines()).toEqual(["=others"]);
    expect(await activeSlots()).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "a program that is killed gives its slot back, and one that waits for it goes on",
  async () => {
    await sluice("concurrency-limit", "create", "db", "1");
    const holder = program("holder", "{}", `return query("held", 600_000);`);
    await vi.waitFor(() => expect(lines()).toEqual(["+held"]), WAIT);
    const next = program("next", "{}", `return query("next", 1);`);
    await vi.waitFor(async () => {
      const { stdout } = await sluice("task-run", "ls", "--output", "json");
      const runs = JSON.parse(stdout) as { state_type: string }[];
      expect(runs.map(({ state_type }) => state_type).toSorted()).toEqual(["PENDING", "RUNNING"]);
    }, WAIT);
    expect(lines()).toEqual(["+held"]);
    holder.child.kill("SIGKILL");
    expect(JSON.parse((await next.ended).stdout)).toEqual({ type: "COMPLETED", data: "next" });
    expect(lines()).toEqual(["+held", "+next", "-next"]);
    expect(await activeSlots()).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "a limit that is made while a program runs binds it",
  async () => {
    const { ended } = program(
      "runs",
      "{}",
      `const first = await query("first", 1);
       write("=ask");
       for (let n = 0; !existsSync(${JSON.stringify(join(programs.home, "limited"))}); n++) await delay(20);
       await delay(1000); // what a program knows of limits is a second old at most
       const submitted = ["a", "b", "c"].map((name) => query.submit(name, 50));
       return gather(submitted);`,
    );
    await vi.waitFor(() => expect(lines()).toContain("=ask"), WAIT);
    await sluice("concurrency-limit", "create", "db", "1");
    writeFileSync(join(programs.home, "limited"), "");
    expect(JSON.parse((await ended).stdout)).toEqual({ type: "COMPLETED", data: ["a", "b", "c"] });
    expect(mostAtOnce()).toBe(1);
    expect(lines()).toHaveLength(9);
  },
  TIMEOUT_MS,
);
