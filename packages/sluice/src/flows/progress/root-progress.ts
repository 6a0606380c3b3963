import { progressMode, type ProgressMode } from "../../client/live/progress-mode.ts";
import type { ShownRun } from "../../client/live/show-run.ts";
import type { Transport } from "../../client/transport.ts";

// A run that is over sooner needs no progress display; most are.
const SHOWN_AFTER_MS = 1000;

/** The display of one root flow run in a script. */
export interface RootProgress {
  /** To be called when the run has its id. */
  onCreated(run: { readonly id: string }): void;
  /** To be awaited when the run is over: draws its end, when it was drawn at all. Never rejects. */
  ended(): Promise<void>;
}

/**
 * Prepares the display of a root flow run called by a script, as the setting `progress` asks for: "auto" is a tree on a terminal and
 * nothing elsewhere. Undefined when nothing is to be shown; then it costs nothing.
 *
 * Drawn on standard error, once the run has lasted a second; the code that draws is loaded then.
 */
export function rootProgress(
  setting: "auto" | ProgressMode,
  transport: Pick<Transport, "send">,
): RootProgress | undefined {
  const mode = progressMode(setting, process.stderr, false);
  if (mode === "off") return undefined;
  const calledMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let showing: Promise<ShownRun> | undefined;
  return {
    onCreated({ id }) {
      timer = setTimeout(
        () => {
          showing = show(id, transport, mode);
        },
        calledMs + SHOWN_AFTER_MS - performance.now(),
      );
      timer.unref();
    },
    async ended() {
      clearTimeout(timer);
      const shown = await showing;
      await shown?.stop();
    },
  };
}

async function show(flowRunId: string, transport: Pick<Transport, "send">, mode: ProgressMode): Promise<ShownRun> {
  const [{ showRun }, { treeSource }] = await Promise.all([
    import("../../client/live/show-run.ts"),
    import("../../client/live/read-tree.ts"),
  ]);
  return showRun(flowRunId, treeSource(transport), { mode });
}
