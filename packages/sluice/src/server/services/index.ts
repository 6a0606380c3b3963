import { cancellationCleanup } from "./cancellation-cleanup.ts";
import { dbVacuum } from "./db-vacuum.ts";
import { foreman } from "./foreman.ts";
import { lateRuns } from "./late-runs.ts";
import { pauseExpirations } from "./pause-expirations.ts";
import { repossessor } from "./repossessor.ts";
import { recentDeploymentsScheduler, scheduler } from "./scheduler.ts";
import { triggers } from "./triggers.ts";
import type { Service } from "./service.ts";

/** Every service of a server, in the order in which they start. */
export const SERVICES: readonly Service[] = [
  scheduler,
  recentDeploymentsScheduler,
  lateRuns,
  pauseExpirations,
  cancellationCleanup,
  foreman,
  repossessor,
  dbVacuum,
  triggers,
];
