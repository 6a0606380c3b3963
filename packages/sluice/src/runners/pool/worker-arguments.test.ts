import { expect, test } from "vitest";
import { inheritedExecArgv } from "./worker-arguments.ts";

test("passes loaders, conditions and limits on", () => {
  const options = ["--import", "tsx", "--conditions=dev", "--max-old-space-size=512", "--enable-source-maps"];
  expect(inheritedExecArgv(options)).toEqual(options);
});

test("keeps back what takes over the entry or a debugger's port, with its value", () => {
  expect(
    inheritedExecArgv([
      "-e",
      "run()",
      "--input-type=module",
      "--inspect-brk=9229",
      "--watch",
      "--test",
      "--no-warnings",
    ]),
  ).toEqual(["--no-warnings"]);
});
