/** The one entry of all workers: a thread of `pool/thread-executor.ts` or a process of `pool/process-executor.ts`. */
import { enableCompileCache } from "node:module";
import { isMainThread } from "node:worker_threads";

// Before anything else is loaded: a worker that finds its modules compiled (and the user's TypeScript stripped) is ready in half the time.
enableCompileCache();
const { serveFarSide } = await import("./far-side.ts");
// A bridge's child watches its parent from the beginning: `bridge-channel.ts`.
const isBridged = process.env["SLUICE_BRIDGE"] !== undefined;
await serveFarSide();
if (isMainThread && !isBridged) {
  const { watchParent } = await import("./parent-watch.ts");
  watchParent();
}
