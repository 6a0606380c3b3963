/**
 * Reads the parameter list of a function from its source, so that positional arguments have names on the wire.
 *
 * The source is what the engine sees: types are stripped or compiled away, comments may be left. It is masked first (comments become
 * spaces, and each character of a string, template or regular expression an `_`), at least up to the end of the list, and then cut at its
 * commas. Masked and original text have the same length, so that quoted keys are read from the original.
 */
import type { AnyFunction } from "./canonical-hash.ts";

/** A parameter as it is declared. */
export interface FunctionParameter {
  /** `arg0`, `arg1`… for one that is destructured. */
  readonly name: string;
  /** False for a parameter without a default value. An optional parameter of TypeScript (`a?: number`) has none once types are stripped. */
  readonly optional: boolean;
  /** Takes all further arguments. */
  readonly rest: boolean;
  /** The keys of a destructured object, null for any other parameter. */
  readonly keys: readonly ParameterKey[] | null;
  /** True for a destructured object that also takes `...others`. */
  readonly open: boolean;
}

/** A key that a destructured object is taken apart by. */
export interface ParameterKey {
  readonly name: string;
  readonly optional: boolean;
}

const lists = new WeakMap<AnyFunction, readonly FunctionParameter[]>();

/**
 * Reads the parameters of a function, in order.
 *
 * For a function without a readable source (bound, native) or with a source that this reader does not understand: `arg0` to
 * `arg<length - 1>`. Read once per function.
 */
export function parametersOf(fn: AnyFunction): readonly FunctionParameter[] {
  const known = lists.get(fn);
  if (known !== undefined) return known;
  const parameters = readParameters(Function.prototype.toString.call(fn)) ?? numbered(fn.length);
  lists.set(fn, parameters);
  return parameters;
}

/** The only parameter of a function when it is a destructured object, whose keys then are the names of the parameters; else undefined. */
export function objectParameterOf(fn: AnyFunction): FunctionParameter | undefined {
  const [only, second] = parametersOf(fn);
  return second === undefined && only?.keys != null && !only.rest ? only : undefined;
}

/**
 * Names the parameters of a function: those of its list, or the keys of a destructured object when it is the only parameter.
 *
 * A parameter destructured beside others is called `arg<position>`.
 */
export function parameterNames(fn: AnyFunction): readonly string[] {
  const object = objectParameterOf(fn);
  return (object?.keys ?? parametersOf(fn)).map((parameter) => parameter.name);
}

function numbered(length: number): FunctionParameter[] {
  return Array.from({ length }, (_, index) => simple(`arg${index}`));
}

function simple(name: string): FunctionParameter {
  return { name, optional: false, rest: false, keys: null, open: false };
}

function readParameters(source: string): FunctionParameter[] | undefined {
  const head = maskHead(source);
  if (head === undefined) return undefined;
  if ("single" in head) return [simple(head.single)];
  const parameters: FunctionParameter[] = [];
  for (const part of split(head.masked, head.start, head.end)) {
    const parameter = readParameter(source, head.masked, part);
    if (parameter === undefined) return undefined;
    const taken = parameter.name === "" || parameters.some(({ name }) => name === parameter.name);
    parameters.push(taken ? { ...parameter, name: `arg${parameters.length}` } : parameter);
  }
  return parameters;
}

interface Part {
  readonly start: number;
  readonly end: number;
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/u;

/** Reads one parameter; its name is empty when it is destructured. Undefined when the text is no parameter. */
function readParameter(source: string, masked: string, part: Part): FunctionParameter | undefined {
  let { start } = part;
  const rest = masked.startsWith("...", start);
  if (rest) start = skipSpace(masked, start + 3);
  const opening = masked[start];
  if (opening === "{" || opening === "[") {
    const close = closingBracket(masked, start);
    const optional = masked
      .slice(close + 1, part.end)
      .trimStart()
      .startsWith("=");
    if (opening === "[") return { name: "", optional, rest, keys: null, open: false };
    return { name: "", optional, rest, ...readKeys(source, masked, { start: start + 1, end: close }) };
  }
  const name = NAME.exec(masked.slice(start, part.end))?.[0];
  if (name === undefined) return undefined;
  const after = masked.slice(start + name.length, part.end).trim();
  if (after !== "" && !after.startsWith("=")) return undefined;
  return { name, optional: after !== "", rest, keys: null, open: false };
}

function readKeys(source: string, masked: string, inside: Part): Pick<FunctionParameter, "keys" | "open"> {
  const keys: ParameterKey[] = [];
  let open = false;
  for (const { start, end } of split(masked, inside.start, inside.end)) {
    if (masked.startsWith("...", start)) open = true;
    // A computed key has no name to be known by; what it takes is accepted like `...others`.
    else if (masked[start] === "[") open = true;
    else keys.push({ name: readKeyName(source, masked, { start, end }), optional: hasDefault(masked, start, end) });
  }
  return { keys, open };
}

function readKeyName(source: string, masked: string, { start, end }: Part): string {
  const quote = source[start];
  if (quote !== '"' && quote !== "'") return /^[^\s:=]*/.exec(masked.slice(start, end))?.[0] ?? "";
  let at = start + 1;
  while (at < end && source[at] !== quote) at += source[at] === "\\" ? 2 : 1;
  return source.slice(start + 1, at).replaceAll(/\\(.)/g, "$1");
}

function hasDefault(masked: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const character = masked[at];
    if (character === "{" || character === "[") at = closingBracket(masked, at);
    else if (character === "=") return true;
  }
  return false;
}

/** Cuts masked text at its commas outside brackets, spaces and a trailing comma aside. */
function split(masked: string, start: number, end: number): Part[] {
  const parts: Part[] = [];
  let from = skipSpace(masked, start);
  for (let at = from; at <= end; at++) {
    const character = masked[at];
    if (at === end || character === ",") {
      if (from < at) parts.push({ start: from, end: at });
      from = skipSpace(masked, at + 1);
    } else if (character === "(" || character === "[" || character === "{") at = closingBracket(masked, at);
  }
  return parts;
}

function closingBracket(masked: string, open: number): number {
  let depth = 0;
  for (let at = open; at < masked.length; at++) {
    const character = masked[at];
    if (character === "(" || character === "[" || character === "{") depth++;
    else if ((character === ")" || character === "]" || character === "}") && --depth === 0) return at;
  }
  return masked.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text.charAt(at))) at++;
  return at;
}

type Head = { readonly single: string } | { readonly masked: string; readonly start: number; readonly end: number };

/** Masks the source as far as the end of its parameter list; `single` is the name in `x => …`. Undefined without a list. */
function maskHead(source: string): Head | undefined {
  let masked = "";
  let depth = 0;
  let start = -1;
  while (masked.length < source.length) {
    const at = masked.length;
    const end = tokenEnd(source, at, masked);
    if (end > at + 1) {
      masked += (source[at] === "/" && (source[at + 1] === "/" || source[at + 1] === "*") ? " " : "_").repeat(end - at);
      continue;
    }
    const character = source.charAt(at);
    masked += character;
    if (depth === 0 && start === -1 && character === "(") start = at + 1;
    if (depth === 0 && character === ">" && masked.endsWith("=>")) {
      const single = /([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>$/u.exec(masked)?.[1];
      return single === undefined ? undefined : { single };
    }
    // A class cannot be called and native code shows no list: their first bracket outside a list is that of a body.
    if (depth === 0 && start === -1 && character === "{") return undefined;
    if (character === "(" || character === "[" || character === "{") depth++;
    else if ((character === ")" || character === "]" || character === "}") && --depth === 0 && start !== -1) {
      return /^\s*\{\s*\[native code\]/.test(source.slice(at + 1)) ? undefined : { masked, start, end: at };
    }
  }
  return undefined;
}

/** A slash after one of these begins a regular expression; after anything else that is not a word it divides. */
const BEFORE_EXPRESSION =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|instanceof|in|of|new|delete|void|throw|case|do|else|await|yield))\s*$/;

/** Where the comment, string, template or regular expression at `at` ends; `at + 1` for any other character. */
function tokenEnd(source: string, at: number, before: string): number {
  const character = source[at];
  const next = source[at + 1];
  if (character === "/" && next === "/") return endOr(source.indexOf("\n", at), source.length);
  if (character === "/" && next === "*") return endOr(source.indexOf("*/", at + 2) + 2, source.length);
  if (character === '"' || character === "'") return stringEnd(source, at);
  if (character === "`") return templateEnd(source, at);
  if (character === "/" && BEFORE_EXPRESSION.test(before.slice(-LOOK_BACK_CHARS))) return regexEnd(source, at);
  return at + 1;
}

/** Enough for the longest keyword of {@link BEFORE_EXPRESSION} and the space or short comment after it. */
const LOOK_BACK_CHARS = 200;

function endOr(found: number, otherwise: number): number {
  return found < 2 ? otherwise : found;
}

function stringEnd(source: string, open: number): number {
  let at = open + 1;
  while (at < source.length && source[at] !== source[open]) at += source[at] === "\\" ? 2 : 1;
  return at + 1;
}

function regexEnd(source: string, open: number): number {
  let inClass = false;
  let at = open + 1;
  for (; at < source.length && (inClass || source[at] !== "/"); at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "[") inClass = true;
    else if (source[at] === "]") inClass = false;
  }
  return at + 1;
}

function templateEnd(source: string, open: number): number {
  let at = open + 1;
  while (at < source.length && source[at] !== "`") {
    if (source[at] === "\\") at += 2;
    else if (source[at] === "$" && source[at + 1] === "{") at = substitutionEnd(source, at + 2);
    else at++;
  }
  return at + 1;
}

/** Where the `${…}` whose inside begins at `start` ends. */
function substitutionEnd(source: string, start: number): number {
  let depth = 1;
  let at = start;
  while (at < source.length && depth > 0) {
    const end = tokenEnd(source, at, source.slice(start - 1, at));
    if (end === at + 1 && source[at] === "{") depth++;
    else if (end === at + 1 && source[at] === "}") depth--;
    at = end;
  }
  return at;
}
