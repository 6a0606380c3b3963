import { isThenable } from "../context/call-arguments.ts";
import { timedOutError } from "../context/cancellation.ts";
import type { RunFunction, TaskDefinition } from "../definition.ts";
import { Frame, frames, type FlowScope } from "../context/frame.ts";
import { logLine, LOG_LEVELS } from "../context/run-logger.ts";
import type { TaskRun } from "../run.ts";
import { Timer } from "../timer.ts";

/** How one attempt of a body ended. */
export type BodyEnd =
  | { readonly type: "value"; readonly value: unknown }
  | { readonly type: "error"; readonly error: unknown }
  | { readonly type: "timed-out"; readonly error: Error };

/** Body time in one piece after which the event loop counts as blocked, see `onBlocked`. */
const BLOCKED_MS = 1000;

export interface BodyOptions {
  readonly timeoutMs: number | null;
  /** Called when the body kept the event loop for over a second without a pause; the argument is how long, in milliseconds. */
  readonly onBlocked?: (blockedMs: number) => void;
}

/**
 * Runs one attempt of a body inside its frame. Never rejects.
 *
 * A body that yields is left behind when `timeoutMs` has passed: its signal is aborted and its later calls of the SDK throw. A body that does
 * not yield cannot be stopped here; it is timed out when it comes back too late.
 */
export async function runBody(
  frame: Frame,
  call: { readonly fn: RunFunction; readonly args: readonly unknown[] },
  options: BodyOptions,
): Promise<BodyEnd> {
  const { fn, args } = call;
  const { timeoutMs, onBlocked } = options;
  const startedMs = timeoutMs === null && onBlocked === undefined ? 0 : performance.now();
  try {
    // RunFunction hides the parameter types of the user's function, which its callable has already checked.
    let value = frames.run(frame, fn as (...args: readonly unknown[]) => unknown, ...args);
    if (startedMs > 0) {
      const passedMs = performance.now() - startedMs;
      if (passedMs > BLOCKED_MS) onBlocked?.(passedMs);
    }
    if (isThenable(value)) value = timeoutMs === null ? await value : await beforeDeadline(frame, value, timeoutMs);
    if (timeoutMs !== null && performance.now() - startedMs > timeoutMs) throw timedOutError(frame.run.kind, timeoutMs);
    return { type: "value", value };
  } catch (error) {
    if (timeoutMs !== null && performance.now() - startedMs > timeoutMs) {
      const reason = timedOutError(frame.run.kind, timeoutMs);
      frame.cancel(reason);
      return { type: "timed-out", error: reason };
    }
    return { type: "error", error };
  }
}

function beforeDeadline(frame: Frame, value: PromiseLike<unknown>, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = new Timer(timeoutMs + 1, () => reject(timedOutError(frame.run.kind, timeoutMs)));
    value.then(
      (settled) => {
        timer.clear();
        resolve(settled);
      },
      (error: unknown) => {
        timer.clear();
        reject(error); // passed on as thrown by the user's code
      },
    );
  });
}

const warnedScopes = new WeakSet<FlowScope>();

/** Says once a flow run that a body kept the event loop from the other runs that were submitted to it. */
export function warnBlocked(
  { scope, definition, run }: { readonly scope: FlowScope; readonly definition: TaskDefinition; readonly run: TaskRun },
  blockedMs: number,
): void {
  if (scope.open.size < 2 || warnedScopes.has(scope)) return;
  warnedScopes.add(scope);
  logLine(
    new Frame(run, scope),
    LOG_LEVELS.warning,
    `Task "${definition.name}" kept the event loop busy for ${(blockedMs / 1000).toFixed(1)} s while other submitted runs waited: ` +
      `CPU-bound bodies run one after another here. Submit them to a ProcessPoolTaskRunner or ThreadPoolTaskRunner (option "taskRunner" of the flow).`,
  );
}
