import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { promisedOutput } from "./example-output.ts";

const repo = fileURLToPath(new URL("..", import.meta.url));
const pages = [
  "README.md",
  "packages/sluice/README.md",
  "examples/README.md",
  ...globSync("docs/**/*.md", { cwd: repo }),
];

/** A fenced block, with the comment that names its source: `<!-- from FILE -->` or `<!-- output of FILE -->`. */
const block = /(?:<!-- (?<kind>from|output of) (?<file>\S+) -->\n+)?^```(?<language>[a-z]*)\n(?<text>[\s\S]*?)^```$/gm;

for (const page of pages) {
  const markdown = readFileSync(join(repo, page), "utf8");

  test(`${page} quotes code and output of examples that run`, () => {
    for (const { groups } of markdown.matchAll(block)) {
      if (groups?.["language"] === "ts")
        expect(groups["file"], `a loose block of code:\n${groups["text"]}`).toBeDefined();
      if (groups?.["file"] === undefined) continue;
      const source = readFileSync(join(repo, groups["file"]), "utf8");
      const text = (groups["text"] ?? "").trimEnd();
      if (groups["kind"] === "from") expect(source).toContain(text);
      else expect(text).toBe(promisedOutput(source));
    }
  });

  test(`${page} links to what is there`, () => {
    for (const [, target = ""] of markdown.matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(join(repo, dirname(page), target)), `${page} links to ${target}`).toBe(true);
    }
  });
}

test("the list of examples is complete", () => {
  const list = readFileSync(join(repo, "examples/README.md"), "utf8");
  const listed = [...list.matchAll(/^\| \[.*\]\(([^)]*)\)/gm)].map(([, name]) => name);
  const there = globSync("*.ts", { cwd: join(repo, "examples") }).filter(
    (name) => !/\.test\.ts$|^example-output/.test(name),
  );
  expect(new Set(listed)).toEqual(new Set(there));
});

test("the page of errors has a section for each code", async () => {
  const headings = [...readFileSync(join(repo, "docs/guides/errors.md"), "utf8").matchAll(/^### (SLUICE_\w+)$/gm)].map(
    ([, code]) => code,
  );
  const table = readFileSync(join(repo, "packages/sluice/src/wire/errors.ts"), "utf8");
  const codes = [...table.matchAll(/^ {2}(SLUICE_\w+): \{/gm)].map(([, code]) => code);
  expect(new Set(headings)).toEqual(new Set(codes));
});
