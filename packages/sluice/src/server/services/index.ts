import { foreman } from "./foreman.ts";
import { repossessor } from "./repossessor.ts";
import { recentDeploymentsScheduler, scheduler } from "./scheduler.ts";
import type { Service } from "./service.ts";

/** Every service of a server, in the order in which they start. */
export const SERVICES: readonly Service[] = [scheduler, recentDeploymentsScheduler, foreman, repossessor];
