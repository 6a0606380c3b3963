import type { TaskRunner } from "../../engine/task-runner.ts";
import type { RunnerDescription } from "../../wire/run-spec.ts";
import { describe, type LivePool, type Uplink } from "../runtime.ts";
import type { NearMessage } from "../messages.ts";
import type { ClusterStart } from "./channel.ts";

/** The way up of a far side on a cluster: nested runs of its runner go to the same cluster, by a connection of this process. */
export class ClusterUplink implements Uplink {
  readonly pools: readonly RunnerDescription[];
  readonly #start: ClusterStart;
  #cluster: Promise<LivePool> | undefined;

  constructor(start: ClusterStart) {
    this.#start = start;
    this.pools = [start.description];
  }

  attach(description: RunnerDescription): TaskRunner | undefined {
    if (describe(description) !== describe(this.#start.description)) return undefined;
    return {
      description,
      keepsValues: true,
      carry: async (spec, options) => {
        this.#cluster ??= attachTo(this.#start);
        const cluster = await this.#cluster;
        return cluster.carry(spec, options);
      },
    };
  }

  /** Nothing comes down from a bridge but what its bodies are told. */
  receive(_message: NearMessage): void {}
}

async function attachTo(start: ClusterStart): Promise<LivePool> {
  if (start.description.kind === "ray") {
    const { attachToRay } = await import("../ray/attach.ts");
    return attachToRay(start.description, start.connection, start.line);
  }
  const { attachToDask } = await import("../dask/attach.ts");
  return attachToDask(start.description, start.connection);
}
