import { readPackageVersion } from "./package-version.ts";

// The entry of the `sluice` command. `--version` answers before anything else is loaded.
const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  process.stdout.write(`${readPackageVersion()}\n`);
} else {
  const { runCommandLine } = await import("./program.ts");
  await runCommandLine(args);
}
