import { hashOfSources, pythonSource } from "../../cluster/python-sources.ts";
import { PythonCall, PythonGlobal, writePickle } from "./pickle.ts";

/**
 * The plugins that a Dask cluster gets from here.
 *
 * Each is a pickle of one call, `eval` of source text, so client and cluster may have any versions of Python. Names carry the hash of their content:
 * two versions of the package share a cluster without touching each other's plugins.
 */
export interface Plugin {
  readonly name: string;
  readonly pickle: Buffer;
}

/** What keeps Node processes in a worker: one module there. */
const BRIDGE = ["node_process.py", "node_bridge.py", "node_loop.py"] as const;

/** Name of the Python module that a scheduler and its workers know the tasks by. */
export function moduleName(): string {
  return `sluice_${hashOfSources([...BRIDGE, "dask_tasks.py", "dask_worker.py", "dask_scheduler.py", "python_call.py"])}`;
}

export function schedulerPlugin(module: string): Plugin {
  const globals = { __name__: `${module}_scheduler`, MODULE: module, TASKS: pythonSource("dask_tasks.py") };
  return { name: module, pickle: evaluated(pythonSource("dask_scheduler.py"), "plugin", globals) };
}

export function workerPlugin(module: string): Plugin {
  return { name: module, pickle: onWorker(module, "SluiceWorkerPlugin()", {}) };
}

/** Puts files on every worker, present and to come, below `folder`, which names their content. */
export function filesPlugin(module: string, target: string, files: ReadonlyMap<string, Uint8Array>): Plugin {
  return {
    name: `${module}-${target}`,
    pickle: onWorker(module, "SluiceFiles(FOLDER, FILES)", { FOLDER: target, FILES: files }),
  };
}

/** Bounds the flows of a worker. @param count 0 for as many as the worker has threads */
export function flowsPlugin(module: string, count: number): Plugin {
  const prefix = flowResource(count);
  return {
    name: `${module}-${prefix}`,
    pickle: onWorker(module, "SluiceFlows(COUNT, PREFIX)", { COUNT: count, PREFIX: prefix }),
  };
}

/** The resource of a worker that flows of one depth take; its depth is added as `-0`, `-1`, … */
export function flowResource(count: number): string {
  return count === 0 ? "sluice-flows" : `sluice-flows-${count}`;
}

/** Depths that have a resource of their own (dask_worker.py); deeper flows are not bounded. */
export const BOUNDED_DEPTHS = 8;

function onWorker(module: string, expression: string, globals: Readonly<Record<string, unknown>>): Buffer {
  return evaluated(pythonSource("dask_worker.py"), expression, {
    __name__: `${module}_worker`,
    MODULE: module,
    TASKS: pythonSource("dask_tasks.py"),
    BRIDGE: BRIDGE.map(pythonSource).join("\n"),
    PYTHON: pythonSource("python_call.py"),
    ...globals,
  });
}

function evaluated(source: string, expression: string, globals: Readonly<Record<string, unknown>>): Buffer {
  const code = `(exec(compile(SOURCE, __name__ + '.py', 'exec'), globals()), ${expression})[1]`;
  return writePickle(new PythonCall(new PythonGlobal("builtins", "eval"), [code, { ...globals, SOURCE: source }]));
}
