import { registerErrorClass } from "./wire-error.ts";

/** An exception that a function of Python raised, called by a {@link pyTask}. Its stack is Python's traceback. */
export class PythonError extends Error {
  /** Class of the exception, such as `builtins.ValueError`. */
  readonly type: string;

  constructor(type: string, message: string, traceback: string) {
    super(message);
    this.name = "PythonError";
    this.type = type;
    this.stack = `PythonError: ${type}: ${message}\n${traceback}`;
  }
}

registerErrorClass(PythonError);
