import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { functionsOf } from "../../../engine/functions/function-registry.ts";
import { BUNDLE_FILE } from "../carried-order.ts";
import { bundleModule } from "./code-bundle.ts";
import { sdkFiles, type SdkFiles } from "./sdk-files.ts";

let folder = "";
let sdk: SdkFiles;
const sluice = new URL("../../../index.ts", import.meta.url).href;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-bundle-"));
  sdk = await sdkFiles(new URL("../../../flows/far-side-engine.ts", import.meta.url).href);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
  return pathToFileURL(file).href;
}
const textOf = (files: ReadonlyMap<string, Uint8Array>): string => Buffer.from(files.get(BUNDLE_FILE) ?? []).toString();

describe("the files of the package that go to a cluster", () => {
  test("are what a far side loads, its libraries, and no server", () => {
    const paths = [...sdk.files.keys()];
    for (const wanted of [
      "package.json",
      "src/runners/far-side/entry.ts",
      "src/flows/far-side-engine.ts",
      "src/index.ts",
    ])
      expect(paths).toContain(wanted);
    expect(paths.some((path) => path.startsWith("node_modules/@msgpack/msgpack/"))).toBe(true);
    expect(paths.filter((path) => /^src\/(?:server|home|cli)\//.test(path))).toEqual([]);
    expect(paths.filter((path) => path.startsWith("node_modules/esbuild/"))).toEqual([]);
  });
});

describe("a bundle", () => {
  test("has the module and what it imports, and names each function as it is named here", async () => {
    write(
      "parts/tasks.ts",
      `import { task } from "${sluice}"; export const double = task("double", (n: number) => n * 2);`,
    );
    const home = write(
      "flows.ts",
      `import { flow } from "${sluice}"; import { double } from "./parts/tasks.ts";
       export const twice = flow("twice", async (n: number): Promise<number> => double(await double(n)));
       await Promise.resolve();`,
    );
    await import(home);
    const { files, hash } = await bundleModule(home, sdk, []);
    const text = textOf(files);
    expect(text).toContain(`../../sdk/${sdk.hash}/src/index.ts`);
    expect(text).toContain("n * 2");
    for (const { reference } of [...functionsOf(home), ...functionsOf(new URL("parts/tasks.ts", home).href)])
      expect(text).toContain(reference.source_hash);
    expect((await bundleModule(home, sdk, [])).hash).toBe(hash);
  });

  test("keeps import.meta.url, and tells of files that stay behind", async () => {
    const home = write("assets.ts", `export const data = new URL("./table.csv", import.meta.url);`);
    const { files, assets } = await bundleModule(home, sdk, []);
    expect(textOf(files)).toContain(JSON.stringify(home));
    expect(assets).toEqual([expect.stringMatching(/^\.\/table\.csv \(in .*assets\.ts\)$/)]);
  });

  test("leaves out what the nodes have themselves", async () => {
    const home = write("external.ts", `import sharp from "sharp"; export const s = sharp;`);
    expect(textOf((await bundleModule(home, sdk, ["sharp"])).files)).toMatch(/from "sharp"/);
  });

  test.each([
    [
      "addon.ts",
      `import addon from "./addon.node"; export const a = addon;`,
      "SLUICE_NOT_PORTABLE",
      /native addons.*external/,
    ],
    [
      "server.ts",
      `import "${new URL("../../../server/index.ts", import.meta.url).href}";`,
      "SLUICE_NOT_PORTABLE",
      /does not go to clusters/,
    ],
    ["missing.ts", `import "./nowhere.ts";`, "SLUICE_IMPORT_FAILED", /nowhere/],
    ["broken.ts", `export const = 1;`, "SLUICE_IMPORT_FAILED", /broken\.ts:1/],
  ])("%s is refused", async (...[name, text, code, message]) => {
    write("addon.node", "");
    const home = write(name, text);
    await expect(bundleModule(home, sdk, [])).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test("of a file that was edited since it was loaded is refused", async () => {
    const home = write("edited.ts", `import { task } from "${sluice}"; export const t = task("edited", () => 1);`);
    await import(home);
    const later = new Date(Date.now() + 10_000);
    utimesSync(new URL(home), later, later);
    await expect(bundleModule(home, sdk, [])).rejects.toMatchObject({ code: "SLUICE_FUNCTION_CHANGED" });
  });
});
