import { foreman } from "./foreman.ts";
import { repossessor } from "./repossessor.ts";
import type { Service } from "./service.ts";

/** Every service of a server, in the order in which they start. */
export const SERVICES: readonly Service[] = [foreman, repossessor];
