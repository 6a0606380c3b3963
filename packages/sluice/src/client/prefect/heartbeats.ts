import { randomUUID } from "node:crypto";
import { resource, type PrefectEvent } from "./task-run-event.ts";
import type { OpenFlowRun } from "./open-flow-run.ts";

/** Prefect refuses shorter intervals. */
const SHORTEST_SECONDS = 30;

export interface HeartbeatsOptions {
  /** Seconds between two heartbeats of a run; at least 30 are taken. */
  readonly everySeconds: number;
  /** The runs that are not over. */
  readonly open: () => readonly OpenFlowRun[];
  /** Sends events; a rejection means that they go with the next ones. */
  readonly deliver: (events: readonly PrefectEvent[]) => Promise<void>;
}

/** States of runs that a process works on; one that is paused waits in its process. */
const ALIVE: ReadonlySet<string> = new Set(["RUNNING", "PAUSED"]);

/**
 * Says of each flow run that runs that it does: when it starts, and at an interval, so that an automation of the server can find those that fell silent.
 *
 * Runs in the home thread, which user code cannot block.
 */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  /** Sends the first heartbeat of a run. */
  begin(run: OpenFlowRun): void {
    this.#send([run]);
    const { everySeconds, open } = this.#options;
    const beat = (): void => this.#send(open().filter(({ state }) => ALIVE.has(state.type)));
    this.#timer ??= setInterval(beat, Math.max(everySeconds, SHORTEST_SECONDS) * 1000).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #send(runs: readonly OpenFlowRun[]): void {
    if (runs.length === 0) return;
    // A server that is away is noticed, and told, by the runs' own records.
    this.#options.deliver(runs.map(heartbeat)).catch(() => undefined);
  }
}

function heartbeat({ id, name, flowId, flowName, tags }: OpenFlowRun): PrefectEvent {
  return {
    id: randomUUID(),
    occurred: new Date().toISOString(),
    event: "prefect.flow-run.heartbeat",
    follows: null,
    resource: { "prefect.resource.id": `prefect.flow-run.${id}`, "prefect.resource.name": name },
    related: [
      resource(`prefect.flow.${flowId}`, "flow", flowName),
      ...tags.map((tag) => resource(`prefect.tag.${tag}`, "tag", undefined)),
    ],
    payload: {},
  };
}
