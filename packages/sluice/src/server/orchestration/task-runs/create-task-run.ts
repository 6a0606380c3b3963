import type { TaskRunCreate } from "../../../wire/contract/shapes.ts";
import { DATA_CONFLICT, InvalidRequest, Refusal } from "../../api-reply.ts";
import { noHistory } from "../../db/run-columns.ts";
import { newId } from "../../db/new-id.ts";
import type { Store } from "../../db/store.ts";
import type { TaskRunDetails, TaskRunRow } from "../../db/task-run-table.ts";
import { valueFault } from "../../request/faults.ts";
import { runNameOf } from "../../run-name.ts";
import { proposedState } from "../proposals.ts";
import { wholeTaskPolicy } from "../run-policies.ts";
import { moveTaskRun, type DecidingTasks } from "./set-task-run-state.ts";

/**
 * Makes a task run, or finds the one of the same keys in the same flow run. Its first state is PENDING unless said otherwise; a background task run that is
 * SCHEDULED is offered to the task workers. Runs inside a write.
 *
 * @throws Refusal 409 for an unknown flow run, or an id that is another's
 * @throws InvalidRequest
 */
export function createTaskRun(
  core: DecidingTasks,
  body: TaskRunCreate,
): { readonly row: TaskRunRow; readonly isNew: boolean } {
  const { store } = core;
  const details = detailsOf(core, body);
  const flowRunId = body.flow_run_id ?? null;
  const same = store.taskRuns.byKeys(flowRunId, body.task_key, body.dynamic_key);
  if (same) return { row: same, isNew: false };
  const now = store.nowUs();
  const id = body.id ?? newId(now);
  const isUnknownParent = flowRunId !== null && store.flowRuns.byId(flowRunId) === undefined;
  if (isUnknownParent || store.taskRuns.byId(id)) throw new Refusal(409, DATA_CONFLICT);
  const run = {
    id,
    flowRunId,
    taskKey: body.task_key,
    dynamicKey: body.dynamic_key,
    childFlowRunId: null,
    processId: null,
  };
  const name = body.name || runNameOf(id);
  store.taskRuns.insert({ ...run, name, details: JSON.stringify(details), createdUs: now }, noHistory());
  const row = store.taskRuns.byId(id);
  if (!row) throw new Error(`task run ${id} was not stored`);
  const proposed = proposedState(body.state ?? { type: "PENDING" }, now);
  const moved = moveTaskRun(core, row, { proposed, force: true });
  store.taskGroups.flush();
  return { row: moved.row, isNew: true };
}

function detailsOf({ store, settings }: DecidingTasks, body: TaskRunCreate): TaskRunDetails {
  const { cache_key, cache_expiration, task_version, tags = [], task_inputs } = body;
  const { maxCacheKeyLength: most } = settings;
  if (cache_key && cache_key.length > most) {
    const reason = `Cache key exceeded maximum allowed length of ${String(most)} characters.`;
    throw new InvalidRequest([valueFault(["body", "cache_key"], reason, cache_key)], body);
  }
  return {
    tags,
    labels: labelsOfTaskRun(store, body),
    ...(task_inputs ? { task_inputs: wholeInputs(task_inputs) } : {}),
    ...(cache_key ? { cache_key } : {}),
    ...(cache_expiration ? { cache_expiration } : {}),
    ...(task_version ? { task_version } : {}),
    empirical_policy: { ...wholeTaskPolicy(body.empirical_policy, body) },
  };
}

type TaskInputs = NonNullable<TaskRunCreate["task_inputs"]>;

function wholeInputs(given: TaskInputs): TaskInputs {
  return Object.fromEntries(Object.entries(given).map(([name, inputs]) => [name, inputs.map(wholeInput)]));
}

/** An input with its kind, and with nothing that the kind does not have; without a kind it is the first that fits. */
function wholeInput(given: TaskInputs[string][number]): TaskInputs[string][number] {
  if ("id" in given)
    return given.input_type === "flow_run"
      ? { input_type: "flow_run", id: given.id }
      : { input_type: "task_run", id: given.id };
  if ("name" in given) return { input_type: "parameter", name: given.name };
  return { input_type: "constant", type: given.type };
}

/** Labels of a new task run: those of its flow run with its own over them. */
function labelsOfTaskRun(store: Store, body: TaskRunCreate): Record<string, unknown> {
  if (!body.flow_run_id) return { ...body.labels };
  const flowRun = store.flowRuns.byId(body.flow_run_id);
  const inherited = flowRun ? { "prefect.flow.id": flowRun.flow_id, ...(JSON.parse(flowRun.labels) as object) } : {};
  return { ...inherited, "prefect.flow-run.id": body.flow_run_id, ...body.labels };
}
