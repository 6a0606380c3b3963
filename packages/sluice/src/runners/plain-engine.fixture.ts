import { AsyncLocalStorage } from "node:async_hooks";
import type { FarSideEngine, FarSideHost } from "../engine/far-side-port.ts";
import { toWireError } from "../engine/values/wire-error.ts";
import { SluiceError } from "../wire/errors.ts";
import type { RunEnd, RunSpec } from "../wire/run-spec.ts";

/** What a body of the plain engine finds around it. */
export interface PlainContext {
  readonly spec: RunSpec;
  readonly host: FarSideHost;
}

/** How the open runs of this worker are told to stop, by run id. */
const open = new Map<string, (message: string) => void>();
const contexts = new AsyncLocalStorage<PlainContext>();

/** The context of the running body; undefined outside. */
export const plainContext = (): PlainContext | undefined => contexts.getStore();

/** The least engine: calls the function and reports to nobody. For tests of what carries runs. */
export const farSideEngine: FarSideEngine = {
  async execute(spec, host): Promise<RunEnd> {
    // The fixtures define plain functions.
    const fn = host.definition as (...args: readonly unknown[]) => unknown;
    const over = Promise.withResolvers<RunEnd>();
    const timer =
      host.timeoutMs === null
        ? undefined
        : setTimeout(() => {
            const error = toWireError(new SluiceError("SLUICE_TIMED_OUT", "The body exceeded its timeout."));
            over.resolve({ type: "failed", error, state_name: "TimedOut", reported: true });
          }, host.timeoutMs);
    open.set(spec.run_id, (message) => over.resolve({ type: "cancelled", message, reported: true }));
    host.signal.addEventListener("abort", () => {
      const reason: unknown = host.signal.reason;
      over.resolve({ type: "cancelled", message: reason instanceof Error ? reason.message : "", reported: true });
    });
    try {
      const value = contexts.run({ spec, host }, () => fn(...spec.args));
      // A synchronous body has no time to hear of its end.
      const end = Promise.resolve(value).then((result): RunEnd => {
        host.bodyEnded({ value: result });
        return { type: "completed", value: result, state_name: "Completed", reported: true };
      });
      return await Promise.race([end, over.promise]);
    } catch (error) {
      return { type: "failed", error: toWireError(error), state_name: "Failed", reported: true };
    } finally {
      clearTimeout(timer);
      open.delete(spec.run_id);
      host.bodyEnded();
    }
  },
  cancel: (runId) => open.get(runId)?.("asked from elsewhere"),
  close: () => Promise.resolve(),
};
