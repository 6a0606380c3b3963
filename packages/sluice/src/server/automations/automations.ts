import type { Automation, AutomationCreate, AutomationFilter, AutomationUpdate } from "../../wire/contract/shapes.ts";
import { isoToMicros, microsToIso } from "../../wire/timestamp.ts";
import { loopReason, type LoopingAction, type LoopingTrigger } from "../../rules/triggers/run-loops.ts";
import { InvalidRequest, Refusal } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import type { EventLog } from "../events/event-log.ts";
import { combine, hasTags, isAny, member, type Condition } from "../queries/condition.ts";
import { poolOfQueue } from "../deployments/deployment-queue.ts";
import { deploymentById } from "../deployments/deployment-rows.ts";
import { jobVariableFault } from "../parameters/job-variables.ts";
import { valueFault } from "../request/faults.ts";
import { wholeAction } from "./actions.ts";
import { wholeTrigger, type Trigger } from "./triggers.ts";

/** Where automations are kept and what happens to them is told. */
export interface AutomationCore {
  readonly store: Store;
  readonly events: EventLog;
}

/** An automation as stored; JSON in tags, trigger and actions. */
export interface AutomationRow {
  readonly no: number;
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: number;
  readonly tags: string;
  readonly trigger: string;
  readonly actions: string;
  readonly actions_on_trigger: string;
  readonly actions_on_resolve: string;
  readonly owner_resource: string | null;
  readonly created: number;
  readonly updated: number;
}

/** Finds an automation. */
export function automationById(store: Store, id: string): AutomationRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM automation WHERE id = ?").get(id) as AutomationRow | undefined;
}

/** Stores a new automation. Runs inside a write. @throws InvalidRequest */
export function createAutomation(core: AutomationCore, body: AutomationCreate): AutomationRow {
  const { store } = core;
  const now = store.nowUs();
  const id = newId(now);
  const { name, description, enabled, tags, trigger, actions, onTrigger, onResolve } = columnsOf(body, now);
  checkRunActions(store, body);
  store
    .statement(
      `INSERT INTO automation (id, name, description, enabled, tags, trigger, actions, actions_on_trigger, actions_on_resolve, owner_resource, created, updated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      name,
      description,
      enabled,
      tags,
      trigger,
      actions,
      onTrigger,
      onResolve,
      body.owner_resource ?? null,
      now,
      now,
    );
  const row = knownAutomation(store, id);
  tellAutomation(core, "created", row);
  return row;
}

/** Replaces an automation; what its triggers had counted is forgotten. Runs inside a write. @throws InvalidRequest */
export function replaceAutomation(core: AutomationCore, row: AutomationRow, body: AutomationUpdate): void {
  const { store } = core;
  const now = store.nowUs();
  // What is left out of the body stays as it is.
  const { description: about, enabled: isOn, tags: marks } = automationBody(row);
  const whole = { description: about ?? "", enabled: isOn ?? true, tags: marks ?? [], ...body };
  const { name, description, enabled, tags, trigger, actions, onTrigger, onResolve } = columnsOf(whole, now);
  checkRunActions(store, whole);
  store
    .statement(
      `UPDATE automation SET name = ?, description = ?, enabled = ?, tags = ?, trigger = ?, actions = ?, actions_on_trigger = ?, actions_on_resolve = ?,
         updated = ? WHERE id = ?`,
    )
    .run(name, description, enabled, tags, trigger, actions, onTrigger, onResolve, now, row.id);
  forgetCounts(store, row.id);
  tellAutomation(core, "updated", knownAutomation(store, row.id));
}

/** Switches an automation on or off. Runs inside a write. @throws InvalidRequest for one that would run for ever */
export function switchAutomation(core: AutomationCore, row: AutomationRow, isEnabled: boolean): void {
  const { store } = core;
  if (isEnabled) refuseLoops(automationBody(row), []);
  store
    .statement("UPDATE automation SET enabled = ?, updated = ? WHERE id = ?")
    .run(isEnabled ? 1 : 0, store.nowUs(), row.id);
  if (!isEnabled) forgetCounts(store, row.id);
  tellAutomation(core, "updated", knownAutomation(store, row.id));
}

/** Takes an automation away. Runs inside a write. */
export function deleteAutomation(core: AutomationCore, row: AutomationRow): void {
  forgetCounts(core.store, row.id);
  core.store.statement("DELETE FROM automation WHERE id = ?").run(row.id);
  tellAutomation(core, "deleted", row);
}

/** Automations that a resource owns, or that act on it. */
export function automationsOf(store: Store, resourceId: string, isOwner: boolean): AutomationRow[] {
  const acts = `EXISTS (SELECT 1 FROM json_each(a.actions) x WHERE x.value ->> '$.type' = 'run-deployment' AND x.value ->> '$.source' = 'selected'
     AND 'prefect.deployment.' || (x.value ->> '$.deployment_id') = ?1)`;
  const query = store.statement(
    `SELECT a.* FROM automation a WHERE a.owner_resource = ?1 ${isOwner ? "" : `OR ${acts}`} ORDER BY a.no`,
  );
  // STRICT table: the columns have these types.
  return query.all(resourceId) as unknown as AutomationRow[];
}

/** Conditions on automations, whose table is `a`. */
export function automationCondition(filter: AutomationFilter): Condition {
  const before = filter.created?.before_ ? isoToMicros(filter.created.before_) : undefined;
  return combine(
    [
      member(filter.id, isAny("a.id", filter.id?.any_)),
      member(filter.name, isAny("a.name", filter.name?.any_)),
      member(filter.created, before === undefined ? undefined : { sql: "a.created <= ?", parameters: [before] }),
      hasTags("a.tags", filter.tags),
    ],
    filter.operator,
  );
}

/** An automation as the wire shows it. */
export function automationBody(row: AutomationRow): Automation {
  // Only this file writes these columns.
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    description: row.description,
    enabled: row.enabled === 1,
    tags: JSON.parse(row.tags) as string[],
    trigger: JSON.parse(row.trigger) as Automation["trigger"],
    actions: JSON.parse(row.actions) as Automation["actions"],
    actions_on_trigger: JSON.parse(row.actions_on_trigger) as Automation["actions"],
    actions_on_resolve: JSON.parse(row.actions_on_resolve) as Automation["actions"],
  };
}

/** The trigger of an automation. */
export function triggerOf(row: AutomationRow): Trigger {
  // Only this file writes this column.
  return JSON.parse(row.trigger) as Trigger;
}

function columnsOf(body: AutomationUpdate, nowUs: number) {
  const actionsOf = (given: AutomationUpdate["actions"] | undefined): string =>
    JSON.stringify((given ?? []).map((one, index) => wholeAction(one, index, body)));
  return {
    name: body.name,
    description: body.description ?? "",
    enabled: (body.enabled ?? true) ? 1 : 0,
    tags: JSON.stringify([...new Set(body.tags ?? [])]),
    trigger: JSON.stringify(wholeTrigger(body.trigger, { body, nowUs })),
    actions: actionsOf(body.actions),
    onTrigger: actionsOf(body.actions_on_trigger),
    onResolve: actionsOf(body.actions_on_resolve),
  };
}

/**
 * Refuses an automation that would start runs for ever, and job variables that the work pool of a deployment does not take.
 *
 * @throws InvalidRequest
 * @throws Refusal 404 for a deployment that is not there, 422
 */
function checkRunActions(store: Store, body: AutomationUpdate): void {
  if (body.enabled ?? true) refuseLoops(body, ["body"]);
  const faults = body.actions.flatMap((action) => {
    const isRun = "job_variables" in action && action.type === "run-deployment";
    if (!isRun || !action.deployment_id || Object.keys(action.job_variables ?? {}).length === 0) return [];
    const deployment = deploymentById(store, action.deployment_id);
    if (!deployment) throw new Refusal(404, "Deployment not found.");
    const pool = poolOfQueue(store, deployment.work_queue_id);
    if (!pool) return [];
    const fault = jobVariableFault({
      // Written from validated bodies.
      template: JSON.parse(pool.base_job_template) as Record<string, unknown>,
      values: [JSON.parse(deployment.job_variables) as Record<string, unknown>, action.job_variables],
      ignoresRequired: false,
    });
    return fault === undefined ? [] : [fault];
  });
  if (faults.length > 0) throw new Refusal(422, `Error creating automation: ${faults.join(" ")}`);
}

function refuseLoops(
  body: { readonly trigger: LoopingTrigger; readonly actions: readonly LoopingAction[] },
  loc: readonly string[],
): void {
  const reason = loopReason(body.trigger, body.actions);
  if (reason !== undefined) throw new InvalidRequest([valueFault(loc, reason, body)], body);
}

function forgetCounts(store: Store, id: string): void {
  store.statement("DELETE FROM automation_span WHERE automation_id = ?").run(id);
  store.statement("DELETE FROM automation_firing WHERE automation_id = ?").run(id);
}

function tellAutomation({ events }: AutomationCore, act: "created" | "updated" | "deleted", row: AutomationRow): void {
  events.append({
    event: `prefect.automation.${act}`,
    resource: { "prefect.resource.id": `prefect.automation.${row.id}`, "prefect.resource.name": row.name },
    payload: { ...automationBody(row) },
  });
}

function knownAutomation(store: Store, id: string): AutomationRow {
  const row = automationById(store, id);
  if (!row) throw new Error(`the automation ${id} was just written and is not there`);
  return row;
}
