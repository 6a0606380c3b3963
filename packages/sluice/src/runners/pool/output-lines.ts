import type { Readable, Writable } from "node:stream";

/** A line longer than this is passed on in parts. */
const LINE_LIMIT_BYTES = 64 * 1024;
const TAIL_BYTES = 8192;
const NEWLINE = 0x0a;

/**
 * Passes what a child writes on to a stream of this process in whole lines, so that lines of several children do not mix. Bytes stay as they are.
 *
 * The child waits while the target is full.
 *
 * @returns the last 8 KiB, as text, for the message of a crash
 */
export function passLines(source: Readable, target: Writable): () => string {
  let open: Buffer[] = [];
  let openBytes = 0;
  let tail = Buffer.alloc(0);
  const write = (bytes: Buffer): void => {
    if (target.write(bytes)) return;
    source.pause();
    target.once("drain", () => source.resume());
  };
  const flush = (): void => {
    if (openBytes > 0) write(Buffer.concat(open));
    open = [];
    openBytes = 0;
  };
  source.on("data", (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      open.push(chunk.subarray(0, end));
      openBytes += end;
      flush();
    }
    if (end < chunk.length) {
      open.push(chunk.subarray(end));
      openBytes += chunk.length - end;
      if (openBytes > LINE_LIMIT_BYTES) flush();
    }
  });
  source.on("end", flush);
  // A killed child's pipe may end in an error; what it had written has arrived.
  source.on("error", flush);
  return () => tail.toString("utf8").trim();
}
