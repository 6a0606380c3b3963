/**
 * Measures one source file: pure, no I/O. The text is parsed by a real parser and its tree is walked once, without recursion, so that
 * a generated file cannot exhaust the stack after the parser has read it.
 */
import { parse, type ParserOptions } from "@babel/parser";

/** What is counted in one file. Complexity is McCabe's: 1 for each function and for the module, 1 for each decision in it. */
export interface FileMeasure {
  readonly bytes: number;
  readonly lines: number;
  readonly functions: number;
  /** Sum over the module and all functions. */
  readonly complexity: number;
  /** The most complex function of the file; undefined in a file without functions. */
  readonly worst: { readonly name: string; readonly line: number; readonly complexity: number } | undefined;
  /** Deepest nesting of if, loops, switch and try within one function; an `else if` does not deepen. */
  readonly maxNesting: number;
  /** Calls of `require(x)` and `import(x)` where `x` is not a plain string: what a bundler cannot follow. */
  readonly dynamicLoads: number;
  /** Calls of `eval` and of the `Function` constructor. */
  readonly evals: number;
  /** What the parser said if it could not read the file; then all counts above but bytes and lines are 0. */
  readonly problem: string | undefined;
}

/** How a file is to be read, by the end of its name. */
export type Dialect = "js" | "ts" | "dts";

/**
 * Tells how a source file is to be read.
 *
 * @returns undefined when the name is not that of a JavaScript or TypeScript source
 */
export function dialectOf(fileName: string): Dialect | undefined {
  if (/\.d\.[cm]?ts$/.test(fileName)) return "dts";
  if (/\.[cm]?ts$/.test(fileName)) return "ts";
  return /\.(?:[cm]?js|jsx)$/.test(fileName) ? "js" : undefined;
}

const PARSER_OPTIONS: Readonly<Record<Dialect, ParserOptions>> = {
  js: { plugins: ["jsx", "decorators", "deferredImportEvaluation"] },
  ts: { plugins: ["typescript", "decorators"] },
  dts: { plugins: [["typescript", { dts: true }], "decorators"] },
};

interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** One function, or the module: decisions are counted where they stand, not in the function around. */
interface Scope {
  readonly name: string;
  readonly line: number;
  complexity: number;
}

interface Visit {
  readonly node: SyntaxNode;
  readonly parent: SyntaxNode | undefined;
  readonly scope: Scope;
  readonly nesting: number;
}

const FUNCTIONS = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ObjectMethod",
  "ClassMethod",
  "ClassPrivateMethod",
]);
const LOOPS = new Set(["ForStatement", "ForInStatement", "ForOfStatement", "WhileStatement", "DoWhileStatement"]);
const DECISIONS = new Set([...LOOPS, "IfStatement", "ConditionalExpression", "LogicalExpression", "CatchClause"]);
const DEEPENING = new Set([...LOOPS, "IfStatement", "SwitchStatement", "TryStatement"]);
const LOGICAL_ASSIGNMENTS = new Set(["&&=", "||=", "??="]);
/** Parts of a node that hold no code. */
const NOT_CODE = new Set(["loc", "extra", "errors", "comments", "tokens"]);

/**
 * Parses and measures one file.
 *
 * Never throws because of the text: a file that the parser cannot read has a `problem`.
 *
 * @param text the whole file
 */
export function measureText(text: string, dialect: Dialect): FileMeasure {
  const size = { bytes: Buffer.byteLength(text), lines: countLines(text) };
  try {
    const file = parse(text, {
      ...PARSER_OPTIONS[dialect],
      sourceType: "unambiguous",
      errorRecovery: true,
      attachComment: false,
      allowReturnOutsideFunction: true,
      allowUndeclaredExports: true,
    });
    if (!isNode(file.program)) throw new TypeError("the parser gave no program");
    return { ...size, ...measureProgram(file.program), problem: undefined };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return {
      ...size,
      functions: 0,
      complexity: 0,
      worst: undefined,
      maxNesting: 0,
      dynamicLoads: 0,
      evals: 0,
      problem,
    };
  }
}

function measureProgram(program: SyntaxNode): Omit<FileMeasure, "bytes" | "lines" | "problem"> {
  const moduleScope: Scope = { name: "(module)", line: 1, complexity: 1 };
  const functions: Scope[] = [];
  let maxNesting = 0;
  let dynamicLoads = 0;
  let evals = 0;
  const open: Visit[] = [{ node: program, parent: undefined, scope: moduleScope, nesting: 0 }];
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const { node, parent } = visit;
    let { scope, nesting } = visit;
    if (FUNCTIONS.has(node.type)) {
      scope = { name: functionName(node, parent), line: lineOf(node), complexity: 1 };
      functions.push(scope);
      nesting = 0;
    } else {
      if (isDecision(node)) scope.complexity += 1;
      if (DEEPENING.has(node.type) && !isElseIf(node, parent)) nesting += 1;
      if (nesting > maxNesting) maxNesting = nesting;
      if (isDynamicLoad(node)) dynamicLoads += 1;
      if (isEval(node)) evals += 1;
    }
    pushChildren(open, { node, parent, scope, nesting });
  }
  const complexity = functions.reduce((sum, each) => sum + each.complexity, moduleScope.complexity);
  const worst = functions.reduce<Scope | undefined>((a, b) => (a && a.complexity >= b.complexity ? a : b), undefined);
  return { functions: functions.length, complexity, worst, maxNesting, dynamicLoads, evals };
}

function pushChildren(open: Visit[], { node, scope, nesting }: Visit): void {
  for (const key in node) {
    if (NOT_CODE.has(key)) continue;
    const child = node[key];
    if (Array.isArray(child)) {
      for (const item of child) if (isNode(item)) open.push({ node: item, parent: node, scope, nesting });
    } else if (isNode(child)) {
      open.push({ node: child, parent: node, scope, nesting });
    }
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function isDecision(node: SyntaxNode): boolean {
  if (DECISIONS.has(node.type)) return true;
  if (node.type === "SwitchCase") return node["test"] !== null;
  return node.type === "AssignmentExpression" && LOGICAL_ASSIGNMENTS.has(String(node["operator"]));
}

function isElseIf(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  return node.type === "IfStatement" && parent?.type === "IfStatement" && parent["alternate"] === node;
}

function isDynamicLoad(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression" || !isNode(node["callee"])) return false;
  const callee = node["callee"];
  if (callee.type !== "Import" && identifier(callee) !== "require") return false;
  const [wanted] = argumentsOf(node);
  return wanted !== undefined && wanted.type !== "StringLiteral" && !isPlainTemplate(wanted);
}

function isPlainTemplate(node: SyntaxNode): boolean {
  return node.type === "TemplateLiteral" && Array.isArray(node["expressions"]) && node["expressions"].length === 0;
}

function isEval(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression" && node.type !== "NewExpression") return false;
  const name = isNode(node["callee"]) ? identifier(node["callee"]) : undefined;
  return name === "Function" || (name === "eval" && node.type === "CallExpression");
}

function argumentsOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Array.isArray(node["arguments"]) ? node["arguments"].filter(isNode) : [];
}

function identifier(node: SyntaxNode): string | undefined {
  return node.type === "Identifier" ? String(node["name"]) : undefined;
}

/** The name a reader would look for: the function's own, or that of what it is assigned to. */
function functionName(node: SyntaxNode, parent: SyntaxNode | undefined): string {
  const candidates = [node["id"], node["key"], parent?.["id"], parent?.["key"], parent?.["left"]];
  for (const candidate of candidates) {
    if (!isNode(candidate)) continue;
    if (candidate.type === "Identifier") return String(candidate["name"]);
    if (candidate.type === "PrivateName" && isNode(candidate["id"])) return `#${String(candidate["id"]["name"])}`;
    if (candidate.type === "MemberExpression" && isNode(candidate["property"])) {
      return identifier(candidate["property"]) ?? "(anonymous)";
    }
  }
  return "(anonymous)";
}

function lineOf(node: SyntaxNode): number {
  const location = node["loc"];
  if (typeof location !== "object" || location === null || !("start" in location)) return 0;
  const start = location.start;
  return typeof start === "object" && start !== null && "line" in start ? Number(start.line) : 0;
}

function countLines(text: string): number {
  if (text === "") return 0;
  let lines = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < text.length - 1; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}
