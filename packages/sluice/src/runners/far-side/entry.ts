/** The one entry of all workers: a thread of `pool/thread-executor.ts` or a process of `pool/process-executor.ts`. */
import { isMainThread } from "node:worker_threads";
import { serveFarSide } from "./far-side.ts";

await serveFarSide();
if (isMainThread) {
  const { watchParent } = await import("./parent-watch.ts");
  watchParent();
}
