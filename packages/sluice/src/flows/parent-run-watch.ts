import { Worker } from "node:worker_threads";
import type { ApiAddress } from "../client/http-transport.ts";
import { loadSettings } from "../client/settings.ts";
import { cancelledError } from "../engine/context/cancellation.ts";
import type { FarSideHost } from "../engine/far-side-port.ts";
import { siblingModule } from "../runners/pool/executor.ts";
import type { RunSpec } from "../wire/run-spec.ts";

/** What the thread is given. */
export interface ParentRunPlan {
  readonly address: ApiAddress;
  readonly flowRunId: string;
  /** Milliseconds from the news that it is over until this process is ended with all that it has started. */
  readonly graceMs: number;
  readonly retryForMs: number;
}

/** What the thread tells. */
export type ParentRunNews =
  | { readonly role: "over"; readonly reason: string }
  | { readonly role: "cancelling"; readonly ids: readonly string[] };

/** For runs that the body has submitted and that end with it, on top of its grace. */
const CHILDREN_MS = 3000;

/**
 * Looks after the parent's flow run at the server, for a run that its near side cannot reach while it runs: a Ray job.
 *
 * The server finds the runs of a program that was killed Crashed, when its lease has ended: `signal` is aborted then, or when the server is away for longer than requests are tried
 * again. A thread looks, since a body that computes keeps the main loop from it; it ends the process past the grace.
 *
 * @param onCancelling told of flow runs that somebody has asked the server to cancel, whether they run here or not
 */
export function watchParentRun(
  spec: RunSpec,
  { home, graceMs }: FarSideHost,
  onCancelling: (runId: string) => void,
): { readonly signal: AbortSignal; [Symbol.dispose](): void } {
  const gone = new AbortController();
  const plan: ParentRunPlan = {
    // Written by flows/session.ts.
    address: JSON.parse(home.address["home"] ?? "") as ApiAddress,
    flowRunId: spec.flow_run_id ?? spec.run_id,
    graceMs: 2 * graceMs + CHILDREN_MS,
    retryForMs: loadSettings().apiRetrySeconds * 1000,
  };
  const thread = new Worker(siblingModule("./parent-run-thread", import.meta.url), {
    workerData: plan,
    execArgv: [],
    name: "sluice-parent-run",
  });
  thread.unref();
  thread.on("message", (news: ParentRunNews) => {
    if (news.role === "over") gone.abort(cancelledError(news.reason));
    else news.ids.forEach(onCancelling);
  });
  thread.on("error", (error) =>
    process.stderr.write(`sluice: nobody looks after the flow run above this one any more: ${String(error)}\n`),
  );
  return { signal: gone.signal, [Symbol.dispose]: () => void thread.terminate() };
}
