/**
 * The route table: plain data, so that a client or a child process may import it without loading a schema library. The schemas behind the names are
 * in `schemas/`. Paths are without `/api`.
 */

/** Name of a schema in `schemas/index.ts`. */
export type SchemaName =
  | "Anything"
  | "Artifact"
  | "ArtifactCollectionList"
  | "ArtifactCreate"
  | "ArtifactList"
  | "ArtifactUpdate"
  | "CountFlowRuns"
  | "CountFlows"
  | "CountTaskRuns"
  | "EventList"
  | "FilterArtifacts"
  | "FilterFlowRuns"
  | "FilterFlows"
  | "FilterLatestArtifacts"
  | "FilterLogs"
  | "FilterTaskRuns"
  | "Flow"
  | "FlowCreate"
  | "FlowList"
  | "FlowRunCreate"
  | "FlowRunList"
  | "FlowRunResponse"
  | "FlowRunUpdate"
  | "FlowUpdate"
  | "IncrementWithLease"
  | "IncrementWithLeaseResult"
  | "Integer"
  | "LogCreateList"
  | "LogList"
  | "OrchestrationResult"
  | "ServerDefaultResultStorage"
  | "SetState"
  | "StateList"
  | "Text"
  | "TaskRun"
  | "TaskRunCreate"
  | "TaskRunList"
  | "TaskRunUpdate"
  | "Truth";

/** One operation that the server answers. */
export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** With parameters in braces. */
  readonly path: string;
  readonly operation: string;
  /** Schema of the body; null when none is read. */
  readonly request: SchemaName | null;
  /** Schema of the answer when it succeeds; null for an answer without body. */
  readonly response: SchemaName | null;
  /** Statuses of success, the usual one first. */
  readonly statuses: readonly number[];
}

const get = (path: string, operation: string, response: SchemaName): Route => ({
  method: "GET",
  path,
  operation,
  request: null,
  response,
  statuses: [200],
});
const post = (
  path: string,
  operation: string,
  answer: readonly [request: SchemaName | null, response: SchemaName | null, ...statuses: number[]],
): Route => {
  const [request, response, ...statuses] = answer;
  return { method: "POST", path, operation, request, response, statuses };
};
const patch = (path: string, operation: string, request: SchemaName): Route => ({
  method: "PATCH",
  path,
  operation,
  request,
  response: null,
  statuses: [204],
});
const remove = (path: string, operation: string): Route => ({
  method: "DELETE",
  path,
  operation,
  request: null,
  response: null,
  statuses: [204],
});

/** Every operation of Prefect's contract that is served. */
export const ROUTES: readonly Route[] = [
  get("/health", "health", "Truth"),
  get("/ready", "ready", "Anything"),
  get("/hello", "hello", "Text"),
  get("/version", "version", "Text"),
  get("/admin/version", "admin_version", "Text"),
  get("/admin/storage", "admin_storage", "ServerDefaultResultStorage"),
  { method: "GET", path: "/csrf-token", operation: "csrf_token", request: null, response: null, statuses: [422] },

  post("/flows/", "create_flow", ["FlowCreate", "Flow", 201, 200]),
  post("/flows/filter", "filter_flows", ["FilterFlows", "FlowList", 200]),
  post("/flows/count", "count_flows", ["CountFlows", "Integer", 200]),
  get("/flows/name/{name}", "read_flow_by_name", "Flow"),
  get("/flows/{id}", "read_flow", "Flow"),
  patch("/flows/{id}", "update_flow", "FlowUpdate"),
  remove("/flows/{id}", "delete_flow"),

  post("/flow_runs/", "create_flow_run", ["FlowRunCreate", "FlowRunResponse", 201, 200]),
  post("/flow_runs/filter", "filter_flow_runs", ["FilterFlowRuns", "FlowRunList", 200]),
  post("/flow_runs/count", "count_flow_runs", ["CountFlowRuns", "Integer", 200]),
  get("/flow_runs/{id}", "read_flow_run", "FlowRunResponse"),
  patch("/flow_runs/{id}", "update_flow_run", "FlowRunUpdate"),
  remove("/flow_runs/{id}", "delete_flow_run"),
  post("/flow_runs/{id}/set_state", "set_flow_run_state", ["SetState", "OrchestrationResult", 201, 200]),
  get("/flow_runs/{id}/graph-v2", "flow_run_graph", "Anything"),
  get("/flow_runs/{id}/graph", "flow_run_dependencies", "Anything"),
  get("/flow_run_states/", "flow_run_states", "StateList"),

  post("/task_runs/", "create_task_run", ["TaskRunCreate", "TaskRun", 201, 200]),
  post("/task_runs/filter", "filter_task_runs", ["FilterTaskRuns", "TaskRunList", 200]),
  post("/task_runs/count", "count_task_runs", ["CountTaskRuns", "Integer", 200]),
  get("/task_runs/{id}", "read_task_run", "TaskRun"),
  patch("/task_runs/{id}", "update_task_run", "TaskRunUpdate"),
  remove("/task_runs/{id}", "delete_task_run"),
  post("/task_runs/{id}/set_state", "set_task_run_state", ["SetState", "OrchestrationResult", 201, 200]),
  get("/task_run_states/", "task_run_states", "StateList"),

  post("/logs/", "create_logs", ["LogCreateList", "Anything", 201]),
  post("/logs/filter", "filter_logs", ["FilterLogs", "LogList", 200]),

  post("/artifacts/", "create_artifact", ["ArtifactCreate", "Artifact", 201]),
  post("/artifacts/filter", "filter_artifacts", ["FilterArtifacts", "ArtifactList", 200]),
  post("/artifacts/latest/filter", "filter_latest_artifacts", ["FilterLatestArtifacts", "ArtifactCollectionList", 200]),
  get("/artifacts/{key}/latest", "read_latest_artifact", "Artifact"),
  get("/artifacts/{id}", "read_artifact", "Artifact"),
  patch("/artifacts/{id}", "update_artifact", "ArtifactUpdate"),
  remove("/artifacts/{id}", "delete_artifact"),

  post("/events", "create_events", ["EventList", null, 204]),
  post("/v2/concurrency_limits/increment-with-lease", "increment_with_lease", [
    "IncrementWithLease",
    "IncrementWithLeaseResult",
    200,
  ]),
  post("/v2/concurrency_limits/decrement-with-lease", "decrement_with_lease", ["Anything", null, 204]),
];

/** What Sluice adds, under `/api/sluice`. */
export const OWN_ROUTES: readonly Route[] = [
  post("/sluice/run-records", "take_run_records", ["Anything", "Anything", 200]),
  post("/sluice/processes", "register_process", ["Anything", "Anything", 201]),
  post("/sluice/processes/{id}/renew", "renew_process", ["Anything", "Anything", 200]),
  remove("/sluice/processes/{id}", "remove_process"),
  get("/sluice/flow_runs/{id}/tree", "flow_run_tree", "Anything"),
  post("/sluice/testing/reset", "reset_for_testing", [null, null, 204]),
];
