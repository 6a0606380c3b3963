import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadPlan } from "./load-plans.ts";
import type { LoadReport } from "./load-process.ts";

const ENTRY = fileURLToPath(new URL("./load-process.ts", import.meta.url));

/** A process that sends requests. */
export interface Loader {
  /** Carries out one plan; rejects when the server is gone. */
  run(plan: LoadPlan): Promise<LoadReport>;
  stop(): void;
}

/** Starts the process. */
export function startLoader(): Loader {
  const child = fork(ENTRY, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return {
    run: async (plan) => {
      const ended = once(child, "exit").then(() => {
        throw new Error(`The load process ended during ${plan.kind}.`);
      });
      ended.catch(() => undefined); // It ends when it is stopped, too.
      child.send(plan);
      const [report] = (await Promise.race([once(child, "message"), ended])) as [LoadReport];
      return report;
    },
    stop: () => child.kill(),
  };
}
