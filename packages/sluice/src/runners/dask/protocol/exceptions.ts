import { valueOfPart } from "./messages.ts";
import { PythonGlobal, readPickle, type Unmade } from "./pickle.ts";

/** A Python exception as it came: never made, only read. */
export interface PythonException {
  /** Its class, as `module.name`. */
  readonly of: string;
  readonly args: readonly unknown[];
}

/** Dask pickles an exception, and then the bytes of that. */
const LAYERS = 3;

/** Reads the exception that a message of Dask carries; undefined when it is in a form that is not known. */
export function readException(part: unknown): PythonException | undefined {
  try {
    let value = valueOfPart(part);
    for (let layer = 0; layer < LAYERS && value instanceof Uint8Array; layer++) value = readPickle(Buffer.from(value));
    return isUnmade(value) ? exceptionOf(value) : undefined;
  } catch {
    // A pickle of another protocol: the text that comes beside it has to do.
    return undefined;
  }
}

function exceptionOf(made: Unmade): PythonException {
  const [first, second] = made.args;
  // The two forms that the library tblib, which Dask uses for tracebacks, gives to exceptions.
  if (made.of.endsWith(".unpickle_exception_with_attrs") && second instanceof Map) {
    return { of: nameOf(first), args: listOf(second.get("args")) };
  }
  if (made.of.endsWith(".unpickle_exception")) return { of: nameOf(first), args: listOf(second) };
  return made;
}

function nameOf(value: unknown): string {
  return value instanceof PythonGlobal ? `${value.module}.${value.name}` : "Exception";
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isUnmade(value: unknown): value is Unmade {
  return typeof value === "object" && value !== null && "of" in value && "args" in value;
}
