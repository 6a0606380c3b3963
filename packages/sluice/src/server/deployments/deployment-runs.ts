import type { DeploymentFlowRunCreate } from "../../wire/contract/shapes.ts";
import { Refusal } from "../api-reply.ts";
import { createFlowRun, type CreatedFlowRun, type FlowRunOrigin } from "../orchestration/create-flow-run.ts";
import type { ServerCore } from "../server-core.ts";
import { checkParameters, filledParameters } from "../parameters/check-parameters.ts";
import { poolOfQueue, queueIdIn } from "./deployment-queue.ts";
import type { DeploymentRow } from "./deployment-rows.ts";
import { checkJobVariables } from "../parameters/job-variables.ts";

/** Makes a run of a deployment, or finds the one of its idempotency key. Runs inside a write. @throws Refusal */
export function createDeploymentRun(
  core: ServerCore,
  deployment: DeploymentRow,
  body: DeploymentFlowRunCreate,
): CreatedFlowRun {
  const { store } = core;
  // Columns of JSON are written from validated bodies.
  const own = JSON.parse(deployment.parameters) as Record<string, unknown>;
  const parameters = filledParameters(store, { ...own, ...body.parameters }, "flow run");
  if (body.enforce_parameter_schema ?? deployment.enforce_parameter_schema === 1) {
    const schema: unknown = JSON.parse(deployment.parameter_openapi_schema ?? "{}");
    checkParameters({ parameters, schema, ignoresRequired: false, prefix: "Error creating flow run" });
  }
  const pool = poolOfQueue(store, deployment.work_queue_id);
  if (pool) {
    checkJobVariables({
      template: JSON.parse(pool.base_job_template) as Record<string, unknown>,
      values: [JSON.parse(deployment.job_variables) as Record<string, unknown>, body.job_variables],
      ignoresRequired: false,
      prefix: "Error creating flow run",
    });
  }
  const queue = body.work_queue_name;
  if (queue && !pool) {
    throw new Refusal(
      400,
      `Cannot create flow run in work queue ${queue} because deployment ${deployment.id} is not associated with a work pool. Please remove work_pool_name and try again.`,
    );
  }
  const { enforce_parameter_schema: _schema, work_queue_name: _queue, ...given } = body;
  return createFlowRun(
    core,
    {
      ...given,
      flow_id: deployment.flow_id,
      deployment_id: deployment.id,
      parameters,
      tags: [...new Set([...(JSON.parse(deployment.tags) as string[]), ...(body.tags ?? [])])],
      state: body.state ?? { type: "SCHEDULED" },
    },
    {
      ...originOf(deployment),
      ...(queue && pool ? { work_queue_name: queue, work_queue_id: queueIdIn(core, pool, queue) } : {}),
      infrastructure_document_id: body.infrastructure_document_id ?? deployment.infrastructure_document_id,
    },
  );
}

/** What every run has of its deployment. */
export function originOf(deployment: DeploymentRow): FlowRunOrigin {
  // Written from a validated body.
  const labels = JSON.parse(deployment.labels) as Record<string, unknown>;
  return {
    deployment_version: deployment.version,
    work_queue_id: deployment.work_queue_id,
    work_queue_name: deployment.work_queue_name,
    infrastructure_document_id: deployment.infrastructure_document_id,
    parentLabels: { ...labels, "prefect.deployment.id": deployment.id },
  };
}
