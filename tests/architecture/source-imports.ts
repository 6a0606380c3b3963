import { parse } from "@babel/parser";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the repository's top folder. */
export const repoFolder = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/**
 * How one module names another: `static` and `dynamic` load it, `type` is erased by the compiler, `url` names a file
 * beside `import.meta.url` (a worker's entry).
 */
export type ImportKind = "static" | "type" | "dynamic" | "url";

/** One mention of a module. `target` is a repository path for a relative specifier, else the specifier as written. */
export interface SourceImport {
  readonly from: string;
  readonly line: number;
  readonly kind: ImportKind;
  readonly target: string;
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function* descendants(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* descendants(child);
  }
}

function stringValue(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "StringLiteral") return typeof node["value"] === "string" ? node["value"] : undefined;
  if (node.type === "BinaryExpression") return stringValue(node["left"]);
  if (node.type !== "TemplateLiteral" || !Array.isArray(node["quasis"])) return undefined;
  const first: unknown = node["quasis"][0];
  const value: unknown = isNode(first) ? first["value"] : undefined;
  return typeof value === "object" && value !== null && "cooked" in value && typeof value.cooked === "string"
    ? value.cooked
    : undefined;
}

function isErased(node: Node): boolean {
  if (node["importKind"] === "type" || node["exportKind"] === "type") return true;
  const names = node["specifiers"];
  if (!Array.isArray(names) || names.length === 0) return false;
  return names.every((name) => isNode(name) && (name["importKind"] === "type" || name["exportKind"] === "type"));
}

function isImportMetaUrl(node: unknown): boolean {
  return (
    isNode(node) && node.type === "MemberExpression" && isNode(node["object"]) && node["object"].type === "MetaProperty"
  );
}

function mention(node: Node): { kind: ImportKind; specifier: string } | undefined {
  const from = (kind: ImportKind, source: unknown) => {
    const specifier = stringValue(source);
    return specifier === undefined ? undefined : { kind, specifier };
  };
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return from(isErased(node) ? "type" : "static", node["source"]);
    case "ImportExpression":
      return from("dynamic", node["source"]);
    case "TSImportType":
      return from("type", node["source"] ?? node["argument"]);
    case "NewExpression": {
      const [first, second]: unknown[] = Array.isArray(node["arguments"]) ? node["arguments"] : [];
      const isUrl = isNode(node["callee"]) && node["callee"]["name"] === "URL" && isImportMetaUrl(second);
      return isUrl ? from("url", first) : undefined;
    }
    default:
      return undefined;
  }
}

function lineOf(node: Node): number {
  const place = node["loc"];
  if (typeof place !== "object" || place === null || !("start" in place)) return 0;
  const { start } = place;
  return typeof start === "object" && start !== null && "line" in start ? Number(start.line) : 0;
}

/** Makes a path of the repository: relative to its top folder, with forward slashes. */
export function repoPath(path: string): string {
  return relative(repoFolder, path).split(sep).join("/");
}

/** Reads what a module imports, in the order of the text. `text` stands in for the file's own when given. */
export function readImports(file: string, text = readFileSync(join(repoFolder, file), "utf8")): SourceImport[] {
  const tree = parse(text, {
    sourceType: "module",
    createImportExpressions: true,
    plugins: ["typescript", "explicitResourceManagement"],
  });
  const found: SourceImport[] = [];
  // The parser's own node types are a closed union; the walk needs only "an object with a type".
  for (const node of descendants(tree.program as unknown as Node)) {
    const said = mention(node);
    if (said === undefined) continue;
    const isRelative = said.specifier.startsWith(".");
    const target = isRelative ? repoPath(join(repoFolder, dirname(file), said.specifier)) : said.specifier;
    found.push({ from: file, line: lineOf(node), kind: said.kind, target });
  }
  return found;
}

const skippedFolders = new Set(["node_modules", "dist", ".venv", "fixtures", ".git"]);

/** Lists the TypeScript modules below a folder of the repository, sorted; none when the folder is not there. */
export function listModules(folder: string): string[] {
  const walk = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : walk(join(path, entry.name));
      return /\.[mc]?tsx?$/.test(entry.name) ? [repoPath(join(path, entry.name))] : [];
    });
  return walk(join(repoFolder, folder)).toSorted();
}

/** Tells whether a module serves tests only, by its name; such a module may reach where the product may not. */
export function isTest(file: string): boolean {
  return /\.(?:test|testsuite|type-test|fixture)\.[mc]?ts$/.test(file);
}
