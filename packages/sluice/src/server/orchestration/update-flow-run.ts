import type { FlowRunUpdate } from "../../wire/contract/shapes.ts";
import { Refusal } from "../api-reply.ts";
import type { FlowRunPatch, FlowRunRow } from "../db/flow-run-table.ts";
import type { Store } from "../db/store.ts";
import { checkJobVariables } from "../parameters/job-variables.ts";
import { runNameOf } from "../run-name.ts";
import { wholeFlowPolicy } from "./run-policies.ts";

/**
 * Changes what a client may change of a flow run; what the body leaves out stays. Job variables are changed only while the run of a deployment is still
 * scheduled, and must fit the template of its pool. Runs inside a write.
 *
 * @throws Refusal 400 and 422 for job variables, 404
 * @throws InvalidRequest
 */
export function updateFlowRun(store: Store, id: string, body: FlowRunUpdate): void {
  // A policy that does not fit is an invalid request, whatever run it is meant for.
  const policy = body.empirical_policy && JSON.stringify(wholeFlowPolicy(body.empirical_policy, body));
  const row = store.flowRuns.byId(id);
  if (!row) throw new Refusal(404, "Flow run not found");
  if (body.job_variables) checkVariables(store, row, body.job_variables);
  store.flowRuns.patch(id, { ...patchOf(row, body), ...(policy === undefined ? {} : { empirical_policy: policy }) });
}

function patchOf(row: FlowRunRow, body: FlowRunUpdate): FlowRunPatch {
  const { name, flow_version, infrastructure_pid, parameters, tags, job_variables } = body;
  return {
    // A name that is given and empty is a new one.
    ...(name === undefined ? {} : { name: name || runNameOf(`${row.id}${String(row.updated)}`) }),
    ...(flow_version === undefined ? {} : { flow_version }),
    ...(infrastructure_pid === undefined ? {} : { infrastructure_pid }),
    ...(parameters === undefined ? {} : { parameters: JSON.stringify(parameters) }),
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    ...(job_variables === undefined ? {} : { job_variables: JSON.stringify(job_variables) }),
  };
}

function checkVariables(store: Store, row: FlowRunRow, variables: Readonly<Record<string, unknown>>): void {
  if (row.state_type === null)
    throw new Refusal(400, "Flow run state is required to update job variables but none exists");
  if (row.state_type !== "SCHEDULED")
    throw new Refusal(400, `Job variables for a flow run in state ${row.state_type} cannot be updated`);
  const query = store.statement(
    `SELECT d.job_variables, p.base_job_template FROM deployment d LEFT JOIN work_queue q ON q.id = d.work_queue_id
       LEFT JOIN work_pool p ON p.id = q.work_pool_id WHERE d.id = ?`,
  );
  const deployment = row.deployment_id === null ? undefined : query.get(row.deployment_id);
  if (!deployment) throw new Refusal(400, "A deployment for the flow run could not be found");
  const { job_variables: own, base_job_template: template } = deployment;
  if (typeof template !== "string") return;
  checkJobVariables({
    // Columns of JSON are written from validated bodies.
    template: JSON.parse(template) as Record<string, unknown>,
    values: [JSON.parse(String(own)) as Record<string, unknown>, variables],
    ignoresRequired: false,
    prefix: "Error updating flow run",
  });
}

/** Adds labels to those of a flow run, over ones of the same name. Runs inside a write. @returns false when there is no such run */
export function addLabels(store: Store, id: string, labels: Readonly<Record<string, unknown>>): boolean {
  const row = store.flowRuns.byId(id);
  if (!row) return false;
  // Written from a validated body or by the engine.
  const known = JSON.parse(row.labels) as Record<string, unknown>;
  store.flowRuns.patch(id, { labels: JSON.stringify({ ...known, ...labels }) });
  return true;
}
