import type { TaskOptions } from "../engine/definition.ts";
import { SluiceError } from "../wire/errors.ts";
import { makeCallable } from "./callable.ts";
import type { Task } from "./task.ts";

/** `module:function`, the function perhaps inside a class. */
const PATH = /^[\p{ID_Start}_][\p{ID_Continue}.]*:[\p{ID_Start}_][\p{ID_Continue}.]*$/u;

/**
 * Makes a task of a Python function, which a worker of a Dask or Ray cluster calls in its own Python: only the workers need the module.
 *
 * Arguments are what JSON holds, and `Uint8Array`s, which come as `memoryview` (for numpy.frombuffer, pyarrow.ipc and the like). The result is what JSON holds, what has a
 * `tolist()`, or bytes, which come as a `Buffer`. An exception comes back as a {@link PythonError} with its traceback.
 *
 * @param path `module:function`, such as `"zlib:crc32"`
 * @throws SluiceError SLUICE_OPTION_INVALID for a path of another form
 */
export function pyTask<P extends readonly unknown[], R>(path: string, options: TaskOptions = {}): Task<P, R> {
  if (!PATH.test(path)) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `pyTask() expected the path of a Python function as "module:function", got ${JSON.stringify(path)}.`,
    );
  }
  const name = path.replace(/^.*:/, "");
  const fn = () => {
    throw new SluiceError(
      "SLUICE_RUN_REFUSED",
      `The Python function "${path}" runs on the workers of a cluster: submit it in a flow whose taskRunner is a DaskTaskRunner or a RayTaskRunner.`,
    );
  };
  // The callable is typed by what the caller says of the function; nothing here can know it.
  return makeCallable({ kind: "task", name, options, fn, python: path }) as unknown as Task<P, R>;
}
