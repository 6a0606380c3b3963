/** A flow pauses until somebody resumes it with what it asks for; here another part of the same program does. */
import { setTimeout as sleep } from "node:timers/promises";
import { flow, pauseFlowRun, resumeFlowRun } from "sluice";
import { z } from "zod";

const release = flow("release", async (version: string) => {
  const { approved, by } = await pauseFlowRun({
    waitForInput: z.object({ approved: z.boolean(), by: z.string().default("nobody") }),
    inputDescription: `# Release ${version}?`,
    timeoutSeconds: 600,
    pollIntervalSeconds: 0.1,
  });
  return approved ? `${version} was released by ${by}` : `${version} was held back by ${by}`;
});

const main = flow("main", async () => {
  const run = release.submit("2.0");
  while (run.state.name !== "Paused") await sleep(20);
  await resumeFlowRun(run.id, { input: { approved: true, by: "ann" } });
  return run;
});

console.log(await main());

// Output:
// 2.0 was released by ann
