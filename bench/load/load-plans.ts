import type { LoadRequest } from "./closed-loop.ts";

/** What a load process is asked to send; plain data. `n` is the number of requests. */
export type LoadPlan = { readonly port: number; readonly connections: number; readonly n: number } & (
  | { readonly kind: "create-flow-runs"; readonly flowId: string }
  /** Two transitions a run: to RUNNING, and when all are, to COMPLETED. */
  | { readonly kind: "set-state"; readonly ids: readonly string[]; readonly state: "RUNNING" | "COMPLETED" }
  | { readonly kind: "logs"; readonly flowRunId: string; readonly lines: number }
  | { readonly kind: "events"; readonly events: number }
  | { readonly kind: "filter-flow-runs" }
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
  if (plan.kind === "set-state") {
    const { state: type, ids } = plan;
    const name = type === "RUNNING" ? "Running" : "Completed";
    const state = { type, name, message: null, data: null, state_details: {} };
    const body = JSON.stringify({ state, force: false });
    return (index) => ({ method: "POST", path: `/api/flow_runs/${ids[index] ?? ""}/set_state`, body });
  }
  if (plan.kind === "logs") {
    const body = JSON.stringify(Array.from({ length: plan.lines }, (_, line) => logLine(plan.flowRunId, line)));
    return () => ({ method: "POST", path: "/api/logs/", body });
  }
  return () => post("/api/events", Array.from({ length: plan.events }, event));
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
