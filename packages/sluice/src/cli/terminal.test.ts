import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

// A pseudo-terminal comes from util-linux's `script`; without it these tests say that they were left out.
const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ?? false;
const SDK = new URL("../index.ts", import.meta.url).href;
const ENTRY = fileURLToPath(new URL("./main.ts", import.meta.url));
const FLOW = `
import { flow, gather, task } from "${SDK}";
const nap = task("nap", (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
export const part = flow("part", async (n: number) => { await gather(nap.map([300, 600, 900])); console.log("part " + n + " over"); });
export const whole = flow("whole", async () => { await gather(part.map([1, 2, 3])); });
export const exits = flow("exits", async () => { await nap(1200); process.exit(3); });
if (process.argv[2] === "as-script") await whole();
`;

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-tty-"));
  mkdirSync(join(folder, "home"));
  writeFileSync(join(folder, "naps.ts"), FLOW);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command line on a terminal of 60 columns and 12 rows and resolves to everything that the terminal was sent. */
async function onTerminal(
  commandLine: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: unknown; text: string }> {
  const child = spawn(
    "script",
    ["-qec", `stty rows 12 cols 60; exec '${process.execPath}' ${commandLine}`, "/dev/null"],
    {
      cwd: folder,
      env: { PATH: process.env["PATH"], SLUICE_HOME: join(folder, "home"), TERM: "xterm-256color", ...env },
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 60_000,
    },
  );
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
  const [code]: unknown[] = await once(child, "close");
  return { code, text };
}

// Built from a text, since a pattern literal may not hold the escape character.
const ESCAPE = "\u001B";
const UP = new RegExp(`${ESCAPE}\\[\\d+A`, "g");
const COLOUR = new RegExp(`${ESCAPE}\\[[0-9;]*m`);
const HIDES_CURSOR = `${ESCAPE}[?25l`;

test.skipIf(!hasScript)(
  "draws the tree in place on a terminal, prints above it and leaves the end standing",
  async () => {
    const { code, text } = await onTerminal(`'${ENTRY}' run naps.ts:whole`);
    expect(code).toBe(0);
    expect(text).toMatch(UP);
    expect(text).not.toContain(HIDES_CURSOR);
    for (const n of [1, 2, 3]) expect(text).toContain(`part ${String(n)} over`);
    const afterLastFrame = text.split(UP).at(-1);
    expect(afterLastFrame).toMatch(/✓.*whole.*3 of 3 subflows/);
    expect(afterLastFrame).toMatch(/speed-up/);
  },
);

test.skipIf(!hasScript)("draws without colours where NO_COLOR says so", async () => {
  const { text } = await onTerminal(`'${ENTRY}' run naps.ts:whole`, { NO_COLOR: "1" });
  expect(text).toMatch(/✓ whole .*3 of 3 subflows/);
  expect(text).not.toMatch(COLOUR);
});

test.skipIf(!hasScript)("leaves nothing to restore when the flow ends the process", async () => {
  const { code, text } = await onTerminal(`'${ENTRY}' run naps.ts:exits`);
  expect(code).toBe(3);
  expect(text).not.toContain(HIDES_CURSOR);
  expect(text).toMatch(UP);
});

test.skipIf(!hasScript)("shows a script's own root flow on a terminal once it lasts over a second", async () => {
  const { code, text } = await onTerminal("naps.ts as-script");
  expect(code).toBe(0);
  expect(text).toMatch(/whole.*of 3 subflows/);
});

test.skipIf(!hasScript)("shows nothing of a script's own flow when SLUICE_PROGRESS is off", async () => {
  const { text } = await onTerminal("naps.ts as-script", { SLUICE_PROGRESS: "off" });
  expect(text).not.toContain("subflows");
});
