import { importPlace } from "./code-place.ts";
import { printableText } from "../client/live/text-width.ts";
import { type ErrorCode, isSluiceError } from "../wire/errors.ts";

/** The exit codes of every command. */
export const EXIT = {
  success: 0,
  /** The run failed, crashed or was cancelled, or the operation was refused. */
  failure: 1,
  /** The command line was wrong. */
  usage: 2,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Thrown when the command line itself is wrong: exit code 2. The message says what was expected and what was got. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Thrown when the server, or the state of things, does not allow the operation: exit code 1. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

// Errors that the user of the command line caused by what was typed.
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  "SLUICE_OPTION_INVALID",
  "SLUICE_PARAMETERS_INVALID",
  "SLUICE_FLOW_NOT_FOUND",
  "SLUICE_PROFILE_INVALID",
]);

/** The exit code that stands for `error`. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  return isSluiceError(error) && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failure;
}

/**
 * What is printed for an error: its message, and for an error of Sluice's own its code, before it the place at which a file could not be imported; the stack
 * and the causes only with `debug`.
 *
 * An error that is not ours is a fault of the command itself and says how to see its stack.
 */
export function errorText(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  return debug ? `error: ${stackText(error)}` : `error: ${printableText(briefText(error))}`;
}

function briefText(error: Error): string {
  if (isSluiceError(error)) {
    const place = error.code === "SLUICE_IMPORT_FAILED" ? importPlace(error.cause) : undefined;
    return [error.message, ...(place === undefined ? [] : [place]), `(${error.code})`].join("\n  ");
  }
  if (error instanceof UsageError || error instanceof RefusedError) return error.message;
  return `${error.message || error.name}\n  (${error.name}; --debug shows where it comes from)`;
}

function stackText(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackText(error.cause)}` : own;
}
