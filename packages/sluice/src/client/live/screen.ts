import { StringDecoder } from "node:string_decoder";
import { displayWidth } from "./text-width.ts";

const ERASE_LINE = "\u001B[K";
const ERASE_BELOW = "\u001B[J";

// Between two redraws for the sake of printed text.
const PRINT_EVERY_MS = 50;

/** What drawing needs of a stream; `process.stdout` and `process.stderr` have it. */
export interface DrawingStream {
  write(text: string): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/**
 * Redraws a block of lines at the bottom of a terminal, and lets everything else that the process prints pass above it.
 *
 * States: open (from the constructor, with a block of 0 or more lines, the cursor in the first column below it), then closed.
 *
 * 1. A frame is one write: up over the old block, each line followed by "erase to the end of the line", then "erase below". No flicker,
 *    and a process killed between two writes leaves a whole frame.
 * 2. The cursor is never hidden and no mode of the terminal is changed, so there is nothing to restore after a crash or SIGKILL.
 * 3. While open, what the process writes to the same terminal (stdout and stderr) is put above the block: block erased, text written,
 *    block drawn again, at most twenty times a second, so that a flow that prints a lot is not slowed. Text without a line break at its
 *    end waits for the rest of its line; closing, or the exit of the process, writes what is left.
 */
export class Screen {
  readonly #stream: DrawingStream;
  readonly #write: (text: string) => void;
  readonly #restore: (() => void)[] = [];
  #lines: readonly string[] = [];
  /** What the process has printed and is not on the terminal yet: everything of the last moment, or the beginning of a line. */
  #printed = "";
  #rest: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param shared further streams of the process that end on the same terminal */
  constructor(stream: DrawingStream, shared: readonly DrawingStream[] = []) {
    this.#stream = stream;
    const write = stream.write.bind(stream);
    this.#write = (text) => void write(text);
    for (const other of new Set([stream, ...shared])) if (other.isTTY) this.#passAbove(other);
    const onExit = (): void => this.close(true);
    process.once("exit", onExit);
    this.#restore.push(() => void process.removeListener("exit", onExit));
  }

  /** Columns of the terminal, 80 where it does not say. */
  get columns(): number {
    return this.#stream.columns || 80;
  }

  /** Rows of the terminal, 24 where it does not say. */
  get rows(): number {
    return this.#stream.rows || 24;
  }

  /** Draws `lines` in place of the last frame. Does nothing once closed. */
  draw(lines: readonly string[]): void {
    if (this.#isClosed) return;
    const up = this.#toStart();
    this.#lines = lines;
    this.#write(`${up}${this.#block()}${ERASE_BELOW}`);
  }

  /** Ends the drawing: leaves the last frame or erases it, and gives the streams back. Closing twice is the same as once. */
  close(leaveFrame: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const restore of this.#restore) restore();
    clearTimeout(this.#rest);
    const rest = this.#printed === "" || this.#printed.endsWith("\n") ? this.#printed : `${this.#printed}\n`;
    if (leaveFrame && rest === "") return;
    const up = this.#toStart();
    if (!leaveFrame) this.#lines = [];
    this.#write(`${up}${ERASE_BELOW}${rest}${this.#block()}`);
  }

  #block(): string {
    return this.#lines.map((line) => `${line}${ERASE_LINE}\n`).join("");
  }

  /** Moves to the first column of the first line of the block: as many rows up as it takes at the width of this moment. */
  #toStart(): string {
    const { columns } = this;
    const rows = this.#lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
    return rows === 0 ? "" : `\r\u001B[${rows}A`;
  }

  #passAbove(stream: DrawingStream): void {
    const before = Object.getOwnPropertyDescriptor(stream, "write");
    const decoder = new StringDecoder("utf8");
    const above = (chunk: Uint8Array | string, ...rest: readonly unknown[]): boolean => {
      this.#print(typeof chunk === "string" ? chunk : decoder.write(Buffer.from(chunk)));
      const done = rest.find((value) => typeof value === "function");
      if (done) process.nextTick(done);
      return true;
    };
    stream.write = above;
    this.#restore.push(() => {
      if (before) Object.defineProperty(stream, "write", before);
      else Reflect.deleteProperty(stream, "write");
    });
  }

  #print(text: string): void {
    this.#printed += text;
    if (this.#rest || !this.#printed.includes("\n")) return;
    this.#flushPrinted();
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.#flushPrinted();
    }, PRINT_EVERY_MS);
    this.#rest.unref();
  }

  #flushPrinted(): void {
    const end = this.#printed.lastIndexOf("\n") + 1;
    if (end === 0) return;
    const text = this.#printed.slice(0, end);
    this.#printed = this.#printed.slice(end);
    this.#write(`${this.#toStart()}${ERASE_BELOW}${text}${this.#block()}`);
  }
}
