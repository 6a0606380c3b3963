import { Worker } from "node:worker_threads";
import { siblingModule } from "../pool/executor.ts";

/** The descriptor that `pool/process-executor.ts` gives its children: it ends when the parent does, however the parent dies. */
export const PARENT_FD = 4;

/**
 * Kills this process and its group when its parent is gone.
 *
 * Watched twice: by the channel, and from a thread of its own, because a body that computes keeps the main loop from hearing anything.
 *
 * @param descriptor of the pipe that ends when the parent does
 */
export function watchParent(descriptor: number = PARENT_FD): void {
  process.on("disconnect", killOwnGroup);
  const watcher = new Worker(siblingModule("./parent-watch-thread", import.meta.url), {
    workerData: { descriptor },
    execArgv: [],
    name: "sluice-parent-watch",
  });
  watcher.unref();
}

/** Ends this process and all that it has started, at once. */
export function killOwnGroup(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    // Not the leader of a group: started by hand. Then there is only itself to end.
    process.kill(process.pid, "SIGKILL");
  }
}
