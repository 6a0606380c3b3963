import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repoFolder } from "../architecture/source-imports.ts";
import { installPackage, type InstalledPackage } from "./installed-package.ts";

const mostPackages = 40;
const mostBytes = 40 * 1024 * 1024;
const installLimitMs = 180_000;

/** The first script of a new user: whole subflows, a process each. */
const flowScript = `
import { flow, task, gather, asCompleted, ProcessPoolTaskRunner } from "sluice";

const heavy = task("heavy-computation", { retries: 3, retryDelaySeconds: [1, 10] }, (x: number) => x * x);

export const subflow = flow("subflow", async (n: number) => gather(heavy.map(Array.from({ length: n }, (_, i) => i))));

export const master = flow("master", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 2 }) }, async (sizes: number[]) => {
  const runs = subflow.map(sizes);
  const names: string[] = [];
  for await (const run of asCompleted(runs)) names.push(run.state.name);
  console.log(names.join(" "));
  return gather(runs);
});

const squares: number[][] = await master([1, 2, 3]);
console.log(JSON.stringify(squares));
`;

const wrongScript = `
import { flow } from "sluice";

const double = flow("double", async (n: number) => n * 2);
// @ts-expect-error a flow of a number takes no text
await double("two");
// @ts-expect-error its value is a number
const text: string = await double(2);
console.log(text);
`;

const tsconfig = {
  compilerOptions: {
    target: "es2024",
    module: "nodenext",
    lib: ["es2024", "esnext.disposable", "dom"],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
  },
  include: ["*.ts"],
};

async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("the packed package in an empty folder", () => {
  let installed: InstalledPackage;
  beforeAll(async () => {
    installed = await installPackage({
      "flow.ts": flowScript,
      "wrong.ts": wrongScript,
      "tsconfig.json": JSON.stringify(tsconfig),
    });
  }, installLimitMs);
  afterAll(async () => {
    await installed[Symbol.asyncDispose]();
  });

  test(`brings at most ${mostPackages} packages, none with an install script`, () => {
    expect(installed.entries.length).toBeLessThanOrEqual(mostPackages);
    expect(installed.entries.filter(({ hasInstallScript }) => hasInstallScript)).toEqual([]);
  });

  test(`takes at most ${mostBytes / 1024 / 1024} MB`, async () => {
    expect(await folderBytes(join(installed.folder, "node_modules"))).toBeLessThanOrEqual(mostBytes);
  });

  test("holds the licence, the readme and no test or build record", () => {
    expect(installed.packedFiles).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "bin/sluice.js", "dist/index.js"]),
    );
    expect(installed.packedFiles.filter((file) => /\.test\.|type-test|tsbuildinfo/.test(file))).toEqual([]);
  });

  test("runs whole subflows on processes from a plain script", async () => {
    const { stdout } = await installed.execute(process.execPath, ["flow.ts"]);
    expect(stdout).toContain("Completed Completed Completed\n[[0],[0,1],[0,1,4]]\n");
  }, 120_000);

  test("type-checks, and refuses what does not fit", async () => {
    const compiler = join(repoFolder, "node_modules/typescript/bin/tsc");
    const { stdout } = await installed.execute(process.execPath, [compiler, "-p", "."]);
    expect(stdout).toBe("");
  }, 60_000);

  test("says its version on the command line", async () => {
    const { stdout } = await installed.execute("npx", ["--no-install", "sluice", "--version"]);
    expect(stdout).toMatch(/^(?:sluice )?\d+\.\d+\.\d+/);
  }, 60_000);
});
