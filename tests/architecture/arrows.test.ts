import { describe, expect, test } from "vitest";
import { findCircles } from "./find-circles.ts";
import { isTest, listModules, readImports, type SourceImport } from "./source-imports.ts";

/**
 * The law of the house: which room of packages/sluice/src may import which. `lazy` may be imported only when it is
 * needed: by a dynamic import, a URL of a worker's entry, or as a type.
 */
const arrows: Readonly<Record<string, { readonly to: readonly string[]; readonly lazy?: readonly string[] }>> = {
  wire: { to: [] },
  rules: { to: ["wire"] },
  client: { to: ["wire"] },
  engine: { to: ["wire", "rules", "client"] },
  runners: { to: ["wire", "engine"] },
  flows: { to: ["wire", "rules", "client", "engine", "runners"], lazy: ["home"] },
  worker: { to: ["wire", "client", "engine", "runners", "flows"] },
  testing: { to: ["wire", "client", "engine"] },
  cli: { to: ["wire", "client", "flows", "worker"], lazy: ["server", "home"] },
  server: { to: ["wire", "rules"] },
  home: { to: ["wire", "client", "server"] },
};

/** Libraries too heavy for the start of a child process. */
const heavyLibraries = ["typebox", "kysely", "ws"];
/** What the start of a plain script must not load: also what an old Node cannot link. */
const laterOnly = [...heavyLibraries, "commander", "node:sqlite"];

const source = "packages/sluice/src/";
const modules = listModules(source).filter((file) => !isTest(file));
const imports = modules.flatMap((file) => readImports(file));

const roomOf = (path: string) => path.slice(source.length).split("/").slice(0, -1)[0] ?? "";
const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/"));
const isOurs = (path: string) => path.startsWith(source);
const describeImport = ({ from, line, kind, target }: SourceImport) => `${from}:${line} (${kind}) -> ${target}`;
const isOf = (library: string) => (target: string) => target === library || target.startsWith(`${library}/`);

function groupTargets(pairs: Iterable<readonly [string, string]>): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const [from, to] of pairs) groups.set(from, (groups.get(from) ?? new Set()).add(to));
  return groups;
}

/** The chains of static imports that lead from some modules to a library, each as "a -> b -> library". */
function chainsTo(starts: readonly string[], libraries: readonly string[]): string[] {
  const loads = groupTargets(imports.filter(({ kind }) => kind === "static").map(({ from, target }) => [from, target]));
  const cameFrom = new Map<string, string | undefined>(starts.map((start) => [start, undefined]));
  const chains: string[] = [];
  for (const module of cameFrom.keys()) {
    for (const target of loads.get(module) ?? []) {
      if (libraries.some((library) => isOf(library)(target))) {
        let chain = target;
        for (let at: string | undefined = module; at !== undefined; at = cameFrom.get(at)) chain = `${at} -> ${chain}`;
        chains.push(chain);
      } else if (isOurs(target) && !cameFrom.has(target)) cameFrom.set(target, module);
    }
  }
  return chains;
}

describe("the rooms of sluice", () => {
  test("are those of the law", () => {
    expect(new Set(modules.map(roomOf)).difference(new Set(Object.keys(arrows)).add(""))).toEqual(new Set());
  });

  test("import along the arrows only", () => {
    const wrong = imports.filter(({ from, kind, target }) => {
      const room = roomOf(from);
      if (room === "" || (isOurs(target) && roomOf(target) === room)) return false;
      // A URL out of the sources names a file to read, such as package.json; it loads no module.
      if (!isOurs(target)) return kind !== "url" && (target.startsWith("packages/") || isOf("sluice")(target));
      const law = arrows[room];
      const isLazy = kind !== "static" && (law?.lazy ?? []).includes(roomOf(target));
      return !isLazy && !(law?.to ?? []).includes(roomOf(target));
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("form no circle, not even of types", () => {
    const between = imports
      .filter(({ from, target, kind }) => isOurs(target) && kind !== "dynamic" && kind !== "url" && roomOf(from) !== "")
      .map(({ from, target }) => [roomOf(from), roomOf(target)] as const)
      .filter(([from, to]) => from !== to);
    expect(findCircles(groupTargets(between))).toEqual([]);
  });

  test("have sub-folders that form no circle, not even of types", () => {
    const between = imports
      .filter(({ from, target }) => isOurs(target) && roomOf(from) === roomOf(target))
      .map(({ from, target }) => [folderOf(from), folderOf(target)] as const)
      .filter(([from, to]) => !from.startsWith(to) && !to.startsWith(from));
    expect(findCircles(groupTargets(between))).toEqual([]);
  });

  test("have files that form no circle when they load", () => {
    const loads = imports.filter(({ kind, target }) => kind === "static" && isOurs(target));
    expect(findCircles(groupTargets(loads.map(({ from, target }) => [from, target])))).toEqual([]);
  });
});

describe("what loads early", () => {
  test("a child process starts without schema libraries", () => {
    const early = modules.filter((file) => ["client", "engine", "runners"].includes(roomOf(file)));
    expect(chainsTo(early, heavyLibraries)).toEqual([]);
  });

  test("the package's main entry loads no server, no command line and no SQLite", () => {
    const server = modules.filter((file) => ["server", "cli"].includes(roomOf(file)));
    expect(chainsTo([`${source}index.ts`], [...laterOnly, ...server])).toEqual([]);
  });
});

describe("examples, documents and benchmarks", () => {
  test("import what is published and nothing deeper", () => {
    const own = ["examples", "bench", "docs"];
    const outside = own.flatMap((folder) => listModules(folder)).flatMap((file) => readImports(file));
    const wrong = outside.filter(({ target, kind }) => target.startsWith("packages/") && kind !== "url");
    expect(wrong.map(describeImport)).toEqual([]);
  });
});

describe("the reader of imports", () => {
  const read = (text: string) =>
    readImports(`${source}engine/probe.ts`, text).map(({ kind, target }) => `${kind} ${target}`);

  test("tells static, type, dynamic and URL mentions apart", () => {
    expect(read('import { a } from "./a.ts"; export * from "../wire/b.ts";')).toEqual([
      `static ${source}engine/a.ts`,
      `static ${source}wire/b.ts`,
    ]);
    expect(
      read('import type { A } from "typebox"; import { type B } from "./b.ts"; let c: import("./c.ts").C;'),
    ).toEqual(["type typebox", `type ${source}engine/b.ts`, `type ${source}engine/c.ts`]);
    expect(read('await import("../server/index.ts"); new URL("./entry" + ext, import.meta.url);')).toEqual([
      `dynamic ${source}server/index.ts`,
      `url ${source}engine/entry`,
    ]);
  });

  test("sees the circle of three files", () => {
    expect(
      findCircles(
        new Map([
          ["a", ["b"]],
          ["b", ["c"]],
          ["c", ["a"]],
          ["d", ["a"]],
        ]),
      ),
    ).toEqual([["a", "b", "c", "a"]]);
  });
});
