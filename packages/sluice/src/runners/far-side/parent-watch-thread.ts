/** Runs in the thread that `parent-watch.ts` starts: waits for the end of the parent's pipe. */
import { Socket } from "node:net";
import { workerData } from "node:worker_threads";
import { killOwnGroup } from "./parent-watch.ts";

const { descriptor } = workerData as { readonly descriptor: number }; // given by watchParent
const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
// The parent never writes; reading is how its end is noticed.
pipe.resume();
pipe.on("close", killOwnGroup);
pipe.on("error", killOwnGroup);
