import { afterEach, beforeEach, expect, test } from "vitest";
import { flow } from "../flows/flow.ts";
import { task } from "../flows/task.ts";
import { useRecordingHost } from "../testing/recording-host.ts";

let host: ReturnType<typeof useRecordingHost>;
beforeEach(() => {
  host = useRecordingHost();
});
afterEach(() => {
  host[Symbol.dispose]();
});

/** Runs `body` as a flow and counts the turns of the event loop that timers get meanwhile. */
async function turnsDuring(body: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await flow("busy", body)();
  clearInterval(timer);
  return turns;
}

const short = task("short", (n: number) => n);

test("a loop over short tasks leaves timers their turns", async () => {
  const turns = await turnsDuring(async () => {
    for (let i = 0; i < 20_000; i++) await short(i);
  });
  expect(turns).toBeGreaterThan(5);
});

test("ten thousand runs submitted at once leave timers their turns", async () => {
  const turns = await turnsDuring(async () => {
    const values = await Promise.all(short.map(Array.from({ length: 10_000 }, (_, i) => i)));
    expect(values.at(-1)).toBe(9999);
  });
  expect(turns).toBeGreaterThan(5);
});
