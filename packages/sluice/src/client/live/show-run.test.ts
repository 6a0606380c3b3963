import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import type { RunTree } from "../../wire/run-tree.ts";
import { progressMode } from "./progress-mode.ts";
import type { TreeSource } from "./read-tree.ts";
import { flowNode, runTree } from "./run-tree.fixture.ts";
import { Screen } from "./screen.ts";
import { showRun } from "./show-run.ts";
import { PLAIN_STYLE } from "./style.ts";

/** A stream that keeps what is written to it, as far as drawing needs one. */
class Paper extends EventEmitter {
  readonly isTTY: boolean;
  readonly columns = 80;
  readonly rows = 24;
  text = "";

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  write(chunk: string): boolean {
    this.text += chunk;
    this.emit("written");
    return true;
  }
}

function source(...trees: RunTree[]): TreeSource & { looks: number } {
  return {
    looks: 0,
    async readTree() {
      const tree = trees[Math.min(this.looks, trees.length - 1)];
      this.looks += 1;
      return tree;
    },
  };
}

const over = runTree(3, flowNode({ end: 2 }));

test("never shows a run that is over before the delay", async () => {
  const paper = new Paper(true);
  const trees = source(over);
  const shown = showRun("run-1", trees, {
    stream: paper,
    mode: "tree",
    delayMs: 60_000,
    style: PLAIN_STYLE,
  });
  await shown.stop();
  expect([paper.text, trees.looks]).toEqual(["", 0]);
});

test("writes plain lines as the run goes on, and stops looking when it is over", async () => {
  const paper = new Paper(false);
  const trees = source(runTree(1, flowNode()), over);
  const shown = showRun("run-1", trees, { stream: paper, style: PLAIN_STYLE });
  while (!paper.text.includes("Completed"))
    await EventEmitter.once(paper, "written", { signal: AbortSignal.timeout(10_000) });
  await shown.stop();
  expect(paper.text).toBe(
    "   1.0s  > subflow brave-otter started\n   3.0s  + subflow brave-otter Completed after 2.0s\n",
  );
  expect(trees.looks).toBe(2);
});

test("goes on when a look fails", async () => {
  const paper = new Paper(false);
  let looks = 0;
  const failing: TreeSource = {
    async readTree() {
      looks += 1;
      if (looks === 1) throw new Error("away");
      return over;
    },
  };
  const shown = showRun("run-1", failing, { stream: paper, style: PLAIN_STYLE });
  while (paper.text === "") await EventEmitter.once(paper, "written", { signal: AbortSignal.timeout(10_000) });
  await shown.stop();
  expect(paper.text).toContain("Completed");
});

test("draws a last look when it is stopped while the run still goes on, once", async () => {
  const paper = new Paper(false);
  const trees = source(runTree(1, flowNode()), over);
  const shown = showRun("run-1", trees, { stream: paper, style: PLAIN_STYLE });
  while (paper.text === "") await EventEmitter.once(paper, "written", { signal: AbortSignal.timeout(10_000) });
  await Promise.all([shown.stop(), shown.stop()]);
  expect(paper.text).toContain("Completed");
  expect(trees.looks).toBe(2);
});

test("chooses the mode by setting and stream", () => {
  const [terminal, file] = [{ isTTY: true }, {}];
  expect([
    progressMode("auto", terminal, false),
    progressMode("auto", file, false),
    progressMode("auto", file, true),
    progressMode("tree", file, false),
    progressMode("off", terminal, true),
  ]).toEqual(["tree", "off", "plain", "plain", "off"]);
});

test("a screen puts what the process prints above its lines and redraws them", () => {
  const paper = new Paper(true);
  const screen = new Screen(paper);
  screen.draw(["one", "two"]);
  paper.text = "";
  paper.write("hello ");
  expect(paper.text).toBe("");
  paper.write("world\nrest");
  expect(paper.text).toBe("\r\u001B[2A\u001B[Jhello world\none\u001B[K\ntwo\u001B[K\n");
  paper.text = "";
  screen.close(true);
  expect(paper.text).toBe("\r\u001B[2A\u001B[Jrest\none\u001B[K\ntwo\u001B[K\n");
  paper.text = "";
  paper.write("after");
  expect(paper.text).toBe("after");
});

test("a screen redraws for printed text twenty times a second at most, and loses none of it", () => {
  const paper = new Paper(true);
  const screen = new Screen(paper);
  screen.draw(["one"]);
  for (let n = 0; n < 1000; n++) paper.write(`line ${String(n)}\n`);
  screen.close(true);
  expect(paper.text.match(/line \d+\n/g)).toHaveLength(1000);
  expect(paper.text.split("one").length).toBeLessThan(10);
});

test("a screen never hides the cursor and erases the frame when asked", () => {
  const paper = new Paper(true);
  const screen = new Screen(paper);
  screen.draw(["one"]);
  screen.close(false);
  screen.close(false);
  screen.draw(["never"]);
  expect(paper.text).toBe("one\u001B[K\n\u001B[J\r\u001B[1A\u001B[J");
});
