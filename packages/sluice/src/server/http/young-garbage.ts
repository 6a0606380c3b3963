/**
 * Has the garbage of received bytes collected soon.
 *
 * Every piece that arrives is a buffer of up to 64 kB outside the engine's heap, which lets some 64 MB of them lie before it looks for garbage. A minor
 * collection takes about a millisecond and frees them, so one in every {@link EVERY_BYTES} keeps the memory of a server that receives large bodies, or
 * throws them away, within a few megabytes.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const EVERY_BYTES = 8_388_608;

type Collect = (options: { readonly type: "minor" }) => void;

let collect: Collect | undefined;
let uncollected = 0;

/** Counts bytes that were received, of whatever request. */
export function countReceived(bytes: number): void {
  uncollected += bytes;
  if (uncollected < EVERY_BYTES) return;
  uncollected = 0;
  collect ??= exposeCollector();
  collect({ type: "minor" });
}

function exposeCollector(): Collect {
  setFlagsFromString("--expose-gc");
  // The engine's own function, of this form since V8 10.
  return runInNewContext("gc") as Collect;
}
