import { asError } from "../context/call-arguments.ts";
import type { FinalStateType } from "../../wire/state-types.ts";
import { hooksOf, type Hook, type RunOptions, type RunView } from "../definition.ts";
import { frames, type Frame } from "../context/frame.ts";
import { logLine, LOG_LEVELS } from "../context/run-logger.ts";
import type { State } from "../state.ts";

/**
 * Runs the hooks of a state change one after another, in the run's frame so that they may log.
 *
 * An error in a hook is logged with the hook's name and changes nothing.
 */
export async function runHooks(
  option: Hook | readonly Hook[],
  execution: { readonly view: () => RunView; currentState(): State<unknown> },
  frame: Frame,
): Promise<void> {
  for (const hook of hooksOf(option)) {
    try {
      await frames.run(frame, hook, execution.view(), execution.currentState());
    } catch (error) {
      logLine(frame, LOG_LEVELS.error, `Hook "${hook.name || "anonymous"}" threw: ${asError(error).message}`);
    }
  }
}

/** The hooks of a run that has ended so; undefined when there are none. */
export function finalHooks(options: RunOptions, type: FinalStateType): Hook | readonly Hook[] | undefined {
  return {
    COMPLETED: options.onCompletion,
    FAILED: options.onFailure,
    CANCELLED: options.onCancellation,
    CRASHED: options.onCrashed,
  }[type];
}
