import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SluiceError } from "../../wire/errors.ts";
import { passLines } from "../pool/output-lines.ts";
import { pythonFile } from "../cluster/python-sources.ts";
import type { DaskOptions } from "./dask-options.ts";

/** What a temporary cluster says of itself. */
export interface ClusterFacts {
  readonly address: string;
  readonly dashboard: string | null;
  readonly versions: { readonly distributed: string };
  /** Texts or paths, null without TLS. */
  readonly security: { readonly ca: string; readonly cert: string; readonly key: string } | null;
}

/** A cluster that lives as long as this process wants it, and ends with this process, however that ends. */
export interface TemporaryCluster {
  readonly facts: ClusterFacts;
  /** Ends it in good order; resolves when its process is gone. */
  close(): Promise<void>;
}

/**
 * Starts Python, which makes the cluster that the options name.
 *
 * @throws SluiceError SLUICE_CLUSTER_UNFIT with Python's own error
 */
export async function startCluster(python: string, options: DaskOptions): Promise<TemporaryCluster> {
  const settings = {
    cluster_class: options.clusterClass,
    cluster_kwargs: options.clusterKwargs,
    adapt_kwargs: options.adaptKwargs,
    performance_report: options.performanceReportPath,
  };
  // In a group of its own: an interrupt at the terminal is for the flow, which then ends the cluster in good order.
  const child = spawn(python, [fileURLToPath(pythonFile("dask_cluster.py")), JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const tail = passLines(child.stderr, process.stderr);
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const answer = await Promise.race([
    firstLine(child.stdout),
    exited.then((how) => JSON.stringify({ error: `Python ended before the cluster was there (${how}). ${tail()}` })),
  ]);
  const facts = JSON.parse(answer) as ClusterFacts | { readonly error: string }; // dask_cluster.py
  if ("error" in facts) {
    child.stdin.destroy();
    throw new SluiceError(
      "SLUICE_CLUSTER_UNFIT",
      `Expected ${python} to make a ${options.clusterClass}, got: ${facts.error}`,
    );
  }
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr])
    if ("unref" in stream) (stream as NodeJS.Process["stdin"]).unref();
  return {
    facts,
    close: async () => {
      child.ref();
      child.stdin.destroy();
      await exited;
    },
  };
}

function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  const line = Promise.withResolvers<string>();
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    const end = text.indexOf("\n");
    if (end >= 0) line.resolve(text.slice(0, end));
  });
  return line.promise;
}
