/** The events of what a user makes, changes and deletes over the API: flows, variables, artifacts under a key. Each runs inside the write that it tells of. */
import type { FlowRow } from "../db/flow-table.ts";
import type { EventLog, NewEvent } from "./event-log.ts";

export type Act = "created" | "updated" | "deleted";

/** Tells of a flow. */
export function tellFlow(events: Pick<EventLog, "append">, act: Act, { id, name, tags, labels }: FlowRow): void {
  events.append({
    event: `prefect.flow.${act}`,
    resource: { "prefect.resource.id": `prefect.flow.${id}`, "prefect.resource.name": name },
    payload: { name, tags: JSON.parse(tags), labels: JSON.parse(labels) },
  });
}

/** A variable as stored; `value` and `tags` are JSON. */
export interface VariableFacts {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly tags: string;
}

/** Tells of a variable. */
export function tellVariable(events: EventLog, act: Act, { id, name, value, tags }: VariableFacts): void {
  events.append({
    event: `prefect.variable.${act}`,
    resource: { "prefect.resource.id": `prefect.variable.${id}`, "prefect.resource.name": name },
    payload: { name, value: JSON.parse(value), tags: JSON.parse(tags) },
  });
}

/** The artifacts under a key, by the latest of them; `data` is JSON. */
export interface ArtifactCollectionFacts {
  readonly id: string;
  readonly key: string;
  readonly latest: {
    readonly id: string;
    readonly type: string | null;
    readonly data: string | null;
    readonly description: string | null;
    readonly flow_run_id: string | null;
    readonly task_run_id: string | null;
  };
}

/** Tells of the artifacts under a key. */
export function tellArtifactCollection(events: EventLog, act: Act, { id, key, latest }: ArtifactCollectionFacts): void {
  const related: NewEvent["related"] = [
    { "prefect.resource.id": `prefect.artifact.${latest.id}`, "prefect.resource.role": "latest" },
    ...relatedRun("flow-run", latest.flow_run_id),
    ...relatedRun("task-run", latest.task_run_id),
  ];
  const { type, description } = latest;
  const data: unknown = latest.data === null ? null : JSON.parse(latest.data);
  events.append({
    event: `prefect.artifact-collection.${act}`,
    resource: { "prefect.resource.id": `prefect.artifact-collection.${id}`, "prefect.resource.name": key },
    related,
    payload: { key, type, data, description },
  });
}

function relatedRun(role: "flow-run" | "task-run", id: string | null) {
  return id === null ? [] : [{ "prefect.resource.id": `prefect.${role}.${id}`, "prefect.resource.role": role }];
}
