/** Runs in the thread that `parent-watch.ts` starts: waits for the end of the parent's pipe. */
import { Socket } from "node:net";
import { killOwnGroup, PARENT_FD } from "./parent-watch.ts";

const pipe = new Socket({ fd: PARENT_FD, readable: true, writable: false });
// The parent never writes; reading is how its end is noticed.
pipe.resume();
pipe.on("close", killOwnGroup);
pipe.on("error", killOwnGroup);
