import { endLease, expiredLeases } from "../concurrency/concurrency-leases.ts";
import type { Service } from "./service.ts";

/** Leases that are ended in one write. */
const PORTION = 500;

/** Gives back the slots of leases that nobody has renewed in time. */
export const repossessor: Service = {
  name: "REPOSSESSOR",
  isEnabled: ({ settings }) => settings.repossessorEnabled,
  loopSeconds: ({ settings }) => settings.repossessorLoopSeconds,
  run: async ({ store }) => {
    for (;;) {
      const ended = await store.write(() => {
        const ids = expiredLeases(store, PORTION);
        for (const id of ids) endLease(store, id);
        return ids.length;
      });
      if (ended < PORTION) return;
    }
  },
};
