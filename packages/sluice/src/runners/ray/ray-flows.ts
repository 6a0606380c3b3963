import { hashOfSources } from "../cluster/python-sources.ts";
import type { LocalSlotLedger, SlotTicket } from "../slot-ledger.ts";
import type { RayOptions } from "./ray-options.ts";

/** Flows take no CPU of Ray's, since they wait for runs of their own: this is what bounds them. */
export function flowSlot(ledger: LocalSlotLedger, depth: number): Promise<SlotTicket> {
  return new Promise((resolve) => ledger.request({ depth, resume: false }, resolve));
}

/** How many flows run at once on a cluster with so many CPUs. */
export function flowsAtOnceOf({ flowsAtOnce }: RayOptions, cpus: number): number {
  return flowsAtOnce === 0 ? Math.max(1, Math.floor(cpus)) : flowsAtOnce;
}

/** Name of the module that the driver's source makes in Ray's workers: another version is another module. */
export function moduleOfDriver(): string {
  return `sluice_${hashOfSources(["node_process.py", "node_bridge.py", "ray_driver.py", "ray_node.py", "ray_bridge.py"])}`;
}
