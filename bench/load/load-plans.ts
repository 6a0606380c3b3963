import type { LoadRequest } from "./closed-loop.ts";

/** What a load process is asked to send; plain data. `n` is the number of requests, or the most that `seconds` may hold. */
export type LoadPlan = {
  readonly port: number;
  readonly connections: number;
  readonly n: number;
  readonly seconds?: number;
} & (
  | { readonly kind: "create-flow-runs"; readonly flowId: string }
  /** Two transitions a run: to RUNNING, and when all are, to COMPLETED. */
  | { readonly kind: "set-state"; readonly ids: readonly string[]; readonly state: "RUNNING" | "COMPLETED" }
  | { readonly kind: "logs"; readonly flowRunId: string; readonly lines: number }
  | { readonly kind: "events"; readonly events: number }
  | { readonly kind: "filter-flow-runs" }
  /** By turns a new run, a transition of one of `ids`, log lines, events. */
  | { readonly kind: "writers"; readonly flowId: string; readonly ids: readonly string[] }
  | { readonly kind: "health" }
);

/** Makes the requests of a plan: the bodies are those that Prefect's client sends. */
export function requestsOf(plan: LoadPlan): (index: number) => LoadRequest {
  if (plan.kind === "health") return () => ({ method: "GET", path: "/api/health", body: "" });
  if (plan.kind === "create-flow-runs") return (index) => post("/api/flow_runs/", flowRun(plan.flowId, index));
  if (plan.kind === "filter-flow-runs") {
    const body = JSON.stringify({ sort: "START_TIME_DESC", limit: 200, offset: 0 });
    return () => ({ method: "POST", path: "/api/flow_runs/filter", body });
  }
  if (plan.kind === "set-state") return (index) => setState(plan.ids[index] ?? "", plan.state);
  if (plan.kind === "writers") return (index) => write(plan, index);
  if (plan.kind === "logs") {
    const { path, body } = logs(plan.flowRunId, plan.lines);
    return () => ({ method: "POST", path, body });
  }
  return () => post("/api/events", Array.from({ length: plan.events }, event));
}

/** What one writer among many sends: its four turns are {@link WRITES}. */
function write(
  { flowId, ids }: { readonly flowId: string; readonly ids: readonly string[] },
  index: number,
): LoadRequest {
  const id = ids[Math.floor(index / WRITES.length)] ?? ids[0] ?? "";
  switch (WRITES[index % WRITES.length]) {
    case "flow-run":
      return post("/api/flow_runs/", flowRun(flowId, index));
    case "transition":
      return setState(id, "RUNNING");
    case "logs":
      return logs(ids[0] ?? "", WRITTEN_LINES);
    default:
      return post("/api/events", Array.from({ length: WRITTEN_EVENTS }, event));
  }
}

/** What the requests of the plan "writers" are, by turns. */
export const WRITES = ["flow-run", "transition", "logs", "events"] as const;
/** Lines and events of one of their requests. */
export const WRITTEN_LINES = 10;
export const WRITTEN_EVENTS = 10;

function setState(id: string, type: "RUNNING" | "COMPLETED"): LoadRequest {
  const name = type === "RUNNING" ? "Running" : "Completed";
  const state = { type, name, message: null, data: null, state_details: {} };
  return post(`/api/flow_runs/${id}/set_state`, { state, force: false });
}

function logs(flowRunId: string, lines: number): LoadRequest {
  return post(
    "/api/logs/",
    Array.from({ length: lines }, (_, line) => logLine(flowRunId, line)),
  );
}

function post(path: string, body: unknown): LoadRequest {
  return { method: "POST", path, body: JSON.stringify(body) };
}

function flowRun(flowId: string, index: number): object {
  return {
    name: `bench-${index}`,
    flow_id: flowId,
    deployment_id: null,
    flow_version: null,
    parameters: { index },
    context: {},
    parent_task_run_id: null,
    state: { type: "PENDING", name: "Pending", message: "", data: null, state_details: {} },
    empirical_policy: { retries: 0, retry_delay: 0, resuming: false },
    tags: ["bench"],
    idempotency_key: null,
  };
}

function logLine(flowRunId: string, line: number): object {
  return {
    name: "prefect.flow_runs",
    level: 20,
    message: `Line ${line} of a flow run, about as long as such lines usually are.`,
    timestamp: "2026-01-01T00:00:00.000000+00:00",
    flow_run_id: flowRunId,
    task_run_id: null,
  };
}

function event(): object {
  return {
    id: crypto.randomUUID(),
    occurred: new Date().toISOString(),
    event: "bench.event",
    resource: { "prefect.resource.id": "bench.resource", "prefect.resource.name": "bench" },
    related: [{ "prefect.resource.id": "bench.related", "prefect.resource.role": "flow-run" }],
    payload: { text: "A payload of some words." },
  };
}
