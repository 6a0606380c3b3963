/**
 * Errors as they cross a thread, a process or a host, and back.
 *
 * What comes back is an `Error` of the same class where the class is known here: one of the language's, `DOMException`, `SluiceError`, or a
 * class given to {@link registerErrorClass}. Otherwise it is an `Error` with the name of the class. Message, stack, code, cause, the errors
 * of an AggregateError and own fields that are plain data come with it.
 *
 * Neither direction ever throws, whatever the getters of an error do: the story of a failure must not be lost to a second one.
 */
import * as types from "node:util/types";
import { ERROR_CODES, isSluiceError, SluiceError } from "../../wire/errors.ts";
import type { ErrorCode } from "../../wire/errors.ts";
import type { WireError } from "../../wire/run-spec.ts";
import { isExactJson } from "./exact-json.ts";
import { describeValue } from "./value-path.ts";

/** Class name on the wire of a thrown value that is no error. */
const THROWN_VALUE = "ThrownValue";

/** Longest message, and longest stack, in characters; the rest is cut with a note. An error is read by people. */
const MAX_TEXT_CHARS = 64 * 1024;

/** Characters of all messages and stacks together; once they are spent, each further text is cut to {@link MIN_TEXT_CHARS}. */
const TOTAL_TEXT_CHARS = 256 * 1024;
const MIN_TEXT_CHARS = 200;

/** Errors that one wire error may hold in all, causes and parts of aggregates together; further ones are left out. */
const MAX_ERRORS = 1000;

/** Causes of causes beyond this many are left out. */
const MAX_DEPTH = 50;

/** A value that is no error, thrown in another process, where only an error will do; `value` is undefined when it could not travel. */
export class ThrownValueError extends Error {
  readonly value: unknown;

  constructor(message: string, value: unknown) {
    super(message);
    this.name = "ThrownValueError";
    this.value = value;
  }
}

/** A class of errors; its constructor is not called when an error comes back. */
export interface ErrorClass {
  readonly name: string;
  readonly prototype: Error;
}

interface RegisteredClass {
  readonly prototype: Error;
  readonly revive?: (wire: WireError) => Error;
}

/** One registry for all copies of the package in a process. */
const REGISTRY = Symbol.for("sluice.errors");

/**
 * Makes errors of a class come back as that class from other threads and processes.
 *
 * Call it at module scope beside the class, so that both sides do. The name of the class is its key; a second class of the name takes its place.
 *
 * @param revive makes the error from what has travelled; needed only for classes with private fields. By default an error gets the class's
 *   prototype and its plain fields, and the constructor is not called
 */
export function registerErrorClass(errorClass: ErrorClass, revive?: (wire: WireError) => Error): void {
  const { name, prototype } = errorClass;
  registry().set(name, revive === undefined ? { prototype } : { prototype, revive });
}

/**
 * Writes an error, or whatever was thrown, as plain data that both JSON and structured clone keep.
 *
 * Left out: fields that are not exact JSON, a cause that is its own ancestor, causes deeper than 50, errors beyond 1,000. Messages and stacks
 * are cut at 64 Ki characters each, and beyond 256 Ki in all at 200 each. A cause or thrown value that is no error is kept when it is exact JSON, else described.
 */
export function toWireError(error: unknown): WireError {
  return new WireErrorWriter().write(error, []);
}

/** Makes the error again. A thrown value that was no error comes back in a {@link ThrownValueError}; {@link thrownFromWire} unwraps it. */
export function fromWireError(wire: WireError): Error {
  if (wire.class === THROWN_VALUE) return new ThrownValueError(wire.message, wire.fields?.["value"]);
  const error = construct(wire);
  const define = (key: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  };
  if (error.name !== wire.name) define("name", wire.name, false);
  if (error.message !== wire.message) define("message", wire.message, false);
  if (wire.stack !== undefined) define("stack", wire.stack, false);
  if (wire.code !== undefined && (!("code" in error) || error.code !== wire.code)) define("code", wire.code, true);
  if (wire.cause !== undefined) define("cause", thrownFromWire(wire.cause), false);
  for (const [key, value] of Object.entries(wire.fields ?? {})) define(key, value, true);
  return error;
}

/** Makes again what was thrown: the error, or the value itself when it was no error and could travel. */
export function thrownFromWire(wire: WireError): unknown {
  return wire.class === THROWN_VALUE && wire.fields !== undefined ? wire.fields["value"] : fromWireError(wire);
}

class WireErrorWriter {
  #errors = 0;
  #textChars = 0;

  write(error: unknown, ancestors: readonly unknown[]): WireError {
    this.#errors++;
    if (!isError(error)) return this.#writeThrownValue(error);
    const name = this.#readText(error, "name") ?? "Error";
    const className = isSluiceError(error) ? "SluiceError" : classNameOf(error);
    const stack = this.#readText(error, "stack");
    const code = this.#readText(error, "code");
    const inside = [...ancestors, error];
    const cause = this.#writeCause(error, inside);
    const errors = this.#writeParts(error, inside);
    const fields = plainFields(error);
    return {
      name,
      ...(className !== name && className !== "" && { class: className }),
      message: this.#readText(error, "message") ?? "",
      ...(stack !== undefined && { stack }),
      ...(code !== undefined && { code }),
      ...(cause !== undefined && { cause }),
      ...(errors !== undefined && { errors }),
      ...(fields !== undefined && { fields }),
    };
  }

  #writeCause(error: Error, ancestors: readonly unknown[]): WireError | undefined {
    const cause = read(error, "cause");
    if (cause === undefined || !this.#hasRoomFor(cause, ancestors)) return undefined;
    return this.write(cause, ancestors);
  }

  /** The errors of an AggregateError, or the two of a SuppressedError. */
  #writeParts(error: Error, ancestors: readonly unknown[]): WireError[] | undefined {
    const parts =
      error instanceof SuppressedError ? [read(error, "error"), read(error, "suppressed")] : read(error, "errors");
    if (
      !Array.isArray(parts) ||
      !(error instanceof AggregateError || error instanceof SuppressedError || parts.some(isError))
    )
      return undefined;
    const written: WireError[] = [];
    for (const part of parts) if (this.#hasRoomFor(part, ancestors)) written.push(this.write(part, ancestors));
    return written;
  }

  #hasRoomFor(error: unknown, ancestors: readonly unknown[]): boolean {
    return this.#errors < MAX_ERRORS && ancestors.length < MAX_DEPTH && !ancestors.includes(error);
  }

  #writeThrownValue(value: unknown): WireError {
    const described =
      typeof value === "string" || typeof value === "number" ? JSON.stringify(value) : describeValue(value);
    const travels = value === undefined || isExactJson(value);
    return {
      name: "Error",
      class: THROWN_VALUE,
      message: this.#cut(`a value that is no Error was thrown: ${described}`),
      ...(travels && { fields: { value } }),
    };
  }

  #readText(error: Error, key: string): string | undefined {
    const value = read(error, key);
    return typeof value === "string" ? this.#cut(value) : undefined;
  }

  #cut(text: string): string {
    const room = Math.min(MAX_TEXT_CHARS, Math.max(MIN_TEXT_CHARS, TOTAL_TEXT_CHARS - this.#textChars));
    this.#textChars += Math.min(text.length, room);
    return text.length <= room ? text : `${text.slice(0, room)}… (${text.length - room} characters more)`;
  }
}

/** Written by itself, so not among the fields. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([
  "name",
  "message",
  "stack",
  "cause",
  "errors",
  "error",
  "suppressed",
]);

function plainFields(error: Error): Record<string, unknown> | undefined {
  const fields: [string, unknown][] = [];
  for (const key of Object.keys(error)) {
    const value = read(error, key);
    const written = OWN_MEMBERS.has(key) || (key === "code" && typeof value === "string");
    if (!written && value !== undefined && isExactJson(value)) fields.push([key, value]);
  }
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

const BUILT_IN: ReadonlyMap<string, (message: string) => Error> = new Map<string, (message: string) => Error>([
  ["Error", (message) => new Error(message)],
  ["TypeError", (message) => new TypeError(message)],
  ["RangeError", (message) => new RangeError(message)],
  ["SyntaxError", (message) => new SyntaxError(message)],
  ["ReferenceError", (message) => new ReferenceError(message)],
  ["EvalError", (message) => new EvalError(message)],
  ["URIError", (message) => new URIError(message)],
]);

function construct(wire: WireError): Error {
  const className = wire.class ?? wire.name;
  const registered = registry().get(className);
  if (registered?.revive !== undefined) {
    try {
      return registered.revive(wire);
    } catch (failure) {
      return new Error(wire.message, { cause: failure });
    }
  }
  if (registered !== undefined) return Object.setPrototypeOf(new Error(wire.message), registered.prototype) as Error; // a native error stays one with any prototype
  if (className === "SluiceError" && isErrorCode(wire.code)) return new SluiceError(wire.code, wire.message);
  if (className === "DOMException") return new DOMException(wire.message, wire.name);
  const parts = wire.errors?.map(thrownFromWire);
  if (parts !== undefined && className === "SuppressedError")
    return new SuppressedError(parts[0], parts[1], wire.message);
  if (parts !== undefined) return new AggregateError(parts, wire.message);
  return (BUILT_IN.get(className) ?? plainError)(wire.message);

  function plainError(message: string): Error {
    const error = new Error(message);
    error.name = className;
    Object.defineProperty(error, "name", { enumerable: false });
    return error;
  }
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERROR_CODES, code);
}

function registry(): Map<string, RegisteredClass> {
  const found: unknown = Reflect.get(globalThis, REGISTRY);
  if (found instanceof Map) return found as Map<string, RegisteredClass>; // only this file sets it
  const made = new Map<string, RegisteredClass>();
  Reflect.set(globalThis, REGISTRY, made);
  return made;
}

function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

function classNameOf(error: Error): string {
  const constructor = read(error, "constructor");
  return typeof constructor === "function" ? constructor.name : "";
}

/** Reads a member; a getter that throws counts as absent (see the head of this file). */
function read(error: object, key: string): unknown {
  try {
    return Reflect.get(error, key) as unknown;
  } catch {
    return undefined;
  }
}
