import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { isTest, listModules, repoFolder } from "./source-imports.ts";

const mostLines = 500;
const askedLines = 400;
const mostFiles = 14;
/** Folders with a file a noun, which may hold more files than others. */
const nounFolders = [/\/wire$/, /\/cli$/, /\/api$/, /^examples$/];
/** Names that say nothing. */
const emptyNames = /(?:(?:^|[-/])(?:utils?|helpers?|common|managers?|handler2)|\/(?:types|info))(?:\.[a-z-]+)*(?:\/|$)/;

/** Made by a script from the contract: as long as that is. */
const generated = /\/wire\/contract\//;

const modules = ["packages", "tests", "examples", "bench", "scripts"]
  .flatMap((folder) => listModules(folder))
  .filter((file) => !generated.test(file));
const lineCount = (file: string) => readFileSync(join(repoFolder, file), "utf8").split("\n").length - 1;

test(`no file has more than ${mostLines} lines`, ({ annotate }) => {
  const long = modules.map((file) => ({ file, lines: lineCount(file) })).filter(({ lines }) => lines > askedLines);
  for (const { file, lines } of long) void annotate(`${file} has ${lines} lines: does its subject change somewhere?`);
  // One conformance suite an interface is as long as its interface asks.
  expect(long.filter(({ file, lines }) => lines > mostLines && !file.endsWith(".testsuite.ts"))).toEqual([]);
});

test(`no folder has more than ${mostFiles} source files`, () => {
  const folders = Map.groupBy(
    modules.filter((file) => !isTest(file)),
    (file) => dirname(file),
  );
  const full = [...folders].filter(([folder, files]) => {
    return files.length > mostFiles && !nounFolders.some((noun) => noun.test(folder));
  });
  expect(full.map(([folder, files]) => `${folder}: ${files.length} files`)).toEqual([]);
});

test("no file or folder has a name that says nothing", () => {
  expect(modules.filter((file) => emptyNames.test(file))).toEqual([]);
});

test("file names are in kebab-case", () => {
  expect(
    modules.filter((file) => !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(file.slice(file.lastIndexOf("/") + 1))),
  ).toEqual([]);
});
