import type { RunTree } from "../../wire/run-tree.ts";
import { isFinalStateType, type StateType } from "../../wire/state-types.ts";
import { type ProgressMode, progressMode } from "./progress-mode.ts";
import type { TreeSource } from "./read-tree.ts";
import { PaceMeter } from "./pace-meter.ts";
import { PlainLines } from "./plain-lines.ts";
import { type DrawingStream, Screen } from "./screen.ts";
import { styleOf, type Style } from "./style.ts";
import { treeLines } from "./tree-lines.ts";

// Four looks a second read as "live"; plain lines have no use for more than one.
const TREE_EVERY_MS = 250;
const PLAIN_EVERY_MS = 1000;
// Looks may take one twentieth of the time: a tree that is slow to read or draw is looked at less often. What counts is the fastest of the
// last three, since the first look waits for code to load and any may wait for a busy store.
const REST_FACTOR = 20;
const LONGEST_REST_MS = 10_000;

/** Options of {@link showRun}. */
export interface ShowRunOptions {
  /** Where to draw; `process.stderr` by default, so that the output of the flow stays clean. */
  readonly stream?: DrawingStream;
  /** Default: "tree" on a terminal, "plain" elsewhere. */
  readonly mode?: ProgressMode;
  /** Milliseconds before the first look, 0 by default: a run that is over by then is never shown. */
  readonly delayMs?: number;
  /** Default: chosen for the stream and the environment. */
  readonly style?: Style;
}

/** A run being shown. */
export interface ShownRun {
  /**
   * Gives the terminal back; takes and draws a last look before, when something was drawn. Never rejects; stopping twice is the same as once.
   */
  stop(): Promise<void>;
}

/**
 * Shows a flow run while it goes on: looks at its tree a few times a second and draws it.
 *
 * Returns at once. It never slows the run (looks take a twentieth of the time at most), never keeps the process alive (its timer is
 * unref'ed), and never fails: a look that cannot be had is skipped. It ends by itself when the run is final; the caller still stops it.
 */
export function showRun(flowRunId: string, source: TreeSource, options: ShowRunOptions = {}): ShownRun {
  const stream = options.stream ?? process.stderr;
  const mode = options.mode ?? progressMode("auto", stream, true);
  const style = options.style ?? styleOf(stream, process.env);
  const canvas = mode === "off" ? undefined : mode === "tree" ? treeCanvas(stream, style) : plainCanvas(stream, style);
  return new Watch(flowRunId, source, { canvas, everyMs: mode === "tree" ? TREE_EVERY_MS : PLAIN_EVERY_MS }).start(
    options.delayMs ?? 0,
  );
}

interface Canvas {
  draw(tree: RunTree): void;
  close(): void;
}

function treeCanvas(stream: DrawingStream, style: Style): Canvas {
  const meter = new PaceMeter();
  let screen: Screen | undefined;
  return {
    draw(tree) {
      screen ??= new Screen(stream, [process.stdout, process.stderr]);
      meter.observe(tree);
      const pace = (key: string): ReturnType<PaceMeter["pace"]> => meter.pace(key);
      screen.draw(treeLines(tree, { rows: Math.max(1, screen.rows - 2), columns: screen.columns - 1, style, pace }));
    },
    close: () => screen?.close(true),
  };
}

function plainCanvas(stream: DrawingStream, style: Style): Canvas {
  const plain = new PlainLines(style);
  return {
    draw(tree) {
      const lines = plain.next(tree);
      if (lines.length > 0) stream.write(`${lines.join("\n")}\n`);
    },
    close: () => undefined,
  };
}

class Watch implements ShownRun {
  readonly #flowRunId: string;
  readonly #source: TreeSource;
  readonly #canvas: Canvas | undefined;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #hasLooked = false;
  #lookMs: readonly number[] = [0, 0, 0];
  #lastType: StateType | undefined;
  #end: Promise<void> | undefined;

  constructor(flowRunId: string, source: TreeSource, drawing: { canvas: Canvas | undefined; everyMs: number }) {
    this.#flowRunId = flowRunId;
    this.#source = source;
    this.#canvas = drawing.canvas;
    this.#everyMs = drawing.everyMs;
  }

  start(delayMs: number): this {
    if (this.#canvas) this.#lookIn(delayMs);
    return this;
  }

  stop(): Promise<void> {
    this.#end ??= this.#stop();
    return this.#end;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#looking;
    if (this.#hasLooked && !this.#isOver()) await this.#look();
    this.#canvas?.close();
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#lookAndGoOn();
    }, ms);
    this.#timer.unref();
  }

  async #lookAndGoOn(): Promise<void> {
    const startMs = performance.now();
    this.#hasLooked = true;
    await this.#look();
    if (this.#isOver() || this.#end) return;
    this.#lookMs = [...this.#lookMs.slice(1), performance.now() - startMs];
    const restMs = Math.min(LONGEST_REST_MS, Math.min(...this.#lookMs) * REST_FACTOR);
    this.#lookIn(Math.max(this.#everyMs, restMs));
  }

  #isOver(): boolean {
    return this.#lastType !== undefined && isFinalStateType(this.#lastType);
  }

  async #look(): Promise<void> {
    let tree: RunTree | undefined;
    try {
      tree = await this.#source.readTree(this.#flowRunId);
    } catch {
      // The store is away or busy; the run itself reports that. The next look tries again.
      return;
    }
    if (!tree) return;
    this.#lastType = tree.root.state_type;
    this.#canvas?.draw(tree);
  }
}
