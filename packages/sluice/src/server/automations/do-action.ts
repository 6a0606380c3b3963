/** Does what automations ask for: by the server's own routes, so by the rules that hold for everybody. */
import { microsToIso } from "../../wire/timestamp.ts";
import { isObject } from "../check-records.ts";
import { blockDocumentBody, blockDocumentById } from "../blocks/block-documents.ts";
import { hydrate, HydrationFault, variablesOf } from "../parameters/hydrate.ts";
import { renderTemplate, TemplateFault } from "../templates/render-template.ts";
import { uiFilters } from "../templates/ui-links.ts";
import { idOfKind, textOf, type ActionCore } from "./action-core.ts";
import { notificationCalls } from "./notifications.ts";
import { callOut, type OutboundAnswer } from "./outbound.ts";
import { templateValues } from "./template-values.ts";
import type { TriggeredAction } from "./trigger-engine.ts";

/** What came of an action. */
export interface ActionResult {
  /** Resources that it acted on, each with its role. */
  readonly related: readonly Readonly<Record<string, string>>[];
  readonly details: Readonly<Record<string, unknown>>;
}

/** An action that could not be done, and will not be by trying again. */
export class ActionFailed extends Error {
  readonly result: ActionResult;

  constructor(reason: string, result: ActionResult = { related: [], details: {} }) {
    super(reason);
    this.name = "ActionFailed";
    this.result = result;
  }
}

/** Does an action. @throws ActionFailed */
export async function doAction(core: ActionCore, triggered: TriggeredAction): Promise<ActionResult> {
  const { action } = triggered;
  switch (action.type) {
    case "run-deployment":
      return await runDeployment(core, triggered);
    case "pause-deployment":
    case "resume-deployment": {
      const id = targetOf("deployment", action.deployment_id, triggered);
      return await command(
        core,
        { kind: "deployment", id },
        { method: "POST", path: `/deployments/${id}/${action.type.replace("-", "_")}` },
      );
    }
    case "pause-work-queue":
    case "resume-work-queue": {
      const id = targetOf("work-queue", action.work_queue_id, triggered);
      const body = { is_paused: action.type === "pause-work-queue" };
      return await command(core, { kind: "work-queue", id }, { method: "PATCH", path: `/work_queues/${id}`, body });
    }
    case "pause-work-pool":
    case "resume-work-pool": {
      const id = targetOf("work-pool", action.work_pool_id, triggered);
      const name = await nameOfPool(core, id);
      const body = { is_paused: action.type === "pause-work-pool" };
      return await command(
        core,
        { kind: "work-pool", id },
        { method: "PATCH", path: `/work_pools/${encodeURIComponent(name)}`, body },
      );
    }
    case "pause-automation":
    case "resume-automation": {
      const id = targetOf("automation", action.automation_id, triggered);
      const body = { enabled: action.type === "resume-automation" };
      return await command(core, { kind: "automation", id }, { method: "PATCH", path: `/automations/${id}`, body });
    }
    case "cancel-flow-run":
      return await setState(core, triggered, { state: { type: "CANCELLING" } });
    case "suspend-flow-run":
      return await setState(core, triggered, { state: suspended() });
    case "change-flow-run-state": {
      const { state: type, name, message, force } = action;
      return await setState(core, triggered, {
        state: { type, name: name ?? null, message: message ?? null },
        force: force ?? false,
      });
    }
    case "delete-flow-run": {
      const id = flowRunOf(triggered);
      return await command(core, { kind: "flow-run", id }, { method: "DELETE", path: `/flow_runs/${id}` });
    }
    case "resume-flow-run": {
      const id = flowRunOf(triggered);
      return await accepted(
        core,
        { kind: "flow-run", id },
        { method: "POST", path: `/flow_runs/${id}/resume`, body: {} },
      );
    }
    case "send-notification":
      return await sendNotification(core, triggered);
    case "call-webhook":
      return await callWebhook(core, triggered);
    default:
      return { related: [], details: {} };
  }
}

interface Target {
  readonly kind: string;
  readonly id: string;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

async function command(
  core: ActionCore,
  { kind, id }: Target,
  request: Request,
): Promise<ActionResult & { readonly answer: string }> {
  const related = [{ "prefect.resource.id": `prefect.${kind}.${id}`, "prefect.resource.role": "target" }];
  const { status, body } = await core.handle({
    method: request.method,
    path: `/api${request.path}`,
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const details = { status_code: status };
  if (status >= 300) {
    const told = status === 409 ? { ...details, validation_error: detailOf(body) } : details;
    throw new ActionFailed(`Unexpected status from '${request.path}': ${status} ${detailOf(body)}`, {
      related,
      details: told,
    });
  }
  return { related, details, answer: body };
}

/** A command whose answer tells whether the state was taken. */
async function accepted(core: ActionCore, target: Target, request: Request): Promise<ActionResult> {
  const { answer, ...result } = await command(core, target, request);
  const outcome: unknown = answer === "" ? undefined : JSON.parse(answer);
  if (!isObject(outcome) || outcome["status"] === "ACCEPT") return result;
  const reason = isObject(outcome["details"]) ? textOf(outcome["details"]["reason"]) : "";
  throw new ActionFailed(`Failed to set state: ${reason}`, result);
}

async function setState(core: ActionCore, triggered: TriggeredAction, body: unknown): Promise<ActionResult> {
  const id = flowRunOf(triggered);
  return await accepted(core, { kind: "flow-run", id }, { method: "POST", path: `/flow_runs/${id}/set_state`, body });
}

function suspended(): unknown {
  const timeout = microsToIso((Date.now() + 3_600_000) * 1000);
  return { type: "PAUSED", name: "Suspended", state_details: { pause_timeout: timeout, pause_reschedule: true } };
}

async function runDeployment(core: ActionCore, triggered: TriggeredAction): Promise<ActionResult> {
  const { action } = triggered;
  if (action.type !== "run-deployment") throw new Error("the caller looks at the type");
  const id = targetOf("deployment", action.deployment_id, triggered);
  const at = microsToIso((Date.now() + (action.schedule_after ?? 0) * 1000) * 1000);
  const context = await templateValues(core, triggered, JSON.stringify(action.parameters ?? {}));
  let parameters;
  try {
    parameters = hydrate(upgraded(action.parameters ?? {}), {
      variable: variablesOf(core.store),
      context,
      filters: uiFilters(core.uiUrl, context),
    });
  } catch (error) {
    if (error instanceof HydrationFault)
      throw new ActionFailed(`Unable to create flow run from deployment: ${error.message}`);
    throw error;
  }
  const body = {
    state: { type: "SCHEDULED", name: "Scheduled", state_details: { scheduled_time: at } },
    parameters,
    idempotency_key: triggered.id,
    job_variables: action.job_variables ?? null,
  };
  const target = { kind: "deployment", id };
  const { answer, ...result } = await command(core, target, {
    method: "POST",
    path: `/deployments/${id}/create_flow_run`,
    body,
  });
  const run: unknown = JSON.parse(answer);
  if (!isObject(run)) return result;
  const made = {
    "prefect.resource.id": `prefect.flow-run.${String(run["id"])}`,
    "prefect.resource.role": "flow-run",
    "prefect.resource.name": String(run["name"]),
  };
  return { ...result, related: [...result.related, made] };
}

/** Texts with templates in them are templates, as in parameters of old. */
function upgraded(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const upgrade = (value: unknown): unknown => {
    if (typeof value === "string" && /\{\{|\{%/.test(value)) return { __prefect_kind: "jinja", template: value };
    if (Array.isArray(value)) return value.map(upgrade);
    if (!isObject(value) || "__prefect_kind" in value) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, upgrade(one)]));
  };
  return Object.fromEntries(Object.entries(values).map(([name, one]) => [name, upgrade(one)]));
}

async function sendNotification(core: ActionCore, triggered: TriggeredAction): Promise<ActionResult> {
  const { action } = triggered;
  if (action.type !== "send-notification") throw new Error("the caller looks at the type");
  const { slug, values, related } = await blockOf(core, action.block_document_id);
  const [subject, body] = await render(core, triggered, [action.subject ?? "", action.body]);
  const calls = notificationCalls(slug, values, { subject: subject ?? "", body: body ?? "" });
  const result = { related, details: {} };
  if (!calls) throw new ActionFailed(`Blocks of type ${slug} send no notifications on this server.`, result);
  for (const call of calls) {
    const answer = await callOut(call, values["allow_private_urls"] !== false).catch((error: unknown) => {
      throw new ActionFailed(`Notification failed: ${reasonOf(error)}`, result);
    });
    if (answer.status >= 300)
      throw new ActionFailed(`Notification failed: the receiver answered ${answer.status}`, result);
  }
  return result;
}

async function callWebhook(core: ActionCore, triggered: TriggeredAction): Promise<ActionResult> {
  const { action } = triggered;
  if (action.type !== "call-webhook") throw new Error("the caller looks at the type");
  const { slug, values, related } = await blockOf(core, action.block_document_id);
  if (slug !== "webhook")
    throw new ActionFailed("The referenced block was not a webhook block", { related, details: {} });
  const [payload = ""] = await render(core, triggered, [action.payload ?? ""]);
  const headers = isObject(values["headers"])
    ? Object.fromEntries(Object.entries(values["headers"]).map(([name, value]) => [name, String(value)]))
    : {};
  const call = {
    url: textOf(values["url"]),
    method: textOf(values["method"]) || "POST",
    headers: isJson(payload) ? { "content-type": "application/json", ...headers } : headers,
    body: payload,
  };
  let answer: OutboundAnswer;
  try {
    answer = await callOut(call, values["allow_private_urls"] !== false);
  } catch (error) {
    throw new ActionFailed(`Webhook call failed: ${reasonOf(error)}`, { related, details: {} });
  }
  const shown = Object.entries(answer.headers).filter(([name]) => !/cookie|auth|token|secret|key/i.test(name));
  const details = {
    status_code: answer.status,
    response_body: answer.body.slice(0, 1000),
    response_headers: Object.fromEntries(shown),
  };
  return { related, details };
}

async function blockOf(core: ActionCore, id: string) {
  const row = await core.store.read(() => blockDocumentById(core.store, id));
  if (!row) throw new ActionFailed(`The block document ${id} is not there.`);
  const document = blockDocumentBody({ store: core.store, box: core.box() }, row, true);
  const slug = document.block_type?.slug ?? "";
  const related = [
    {
      "prefect.resource.id": `prefect.block-document.${id}`,
      "prefect.resource.role": "block",
      "prefect.resource.name": row.name ?? "",
    },
    { "prefect.resource.id": `prefect.block-type.${slug}`, "prefect.resource.role": "block-type" },
  ];
  const values: Readonly<Record<string, unknown>> = document.data ?? {};
  return { slug, values, related };
}

async function render(core: ActionCore, triggered: TriggeredAction, templates: readonly string[]): Promise<string[]> {
  const values = await templateValues(core, triggered, templates.join("\n"));
  try {
    const filters = uiFilters(core.uiUrl, values);
    return templates.map((template) => renderTemplate(template, values, filters));
  } catch (error) {
    if (error instanceof TemplateFault) throw new ActionFailed(`The template could not be rendered: ${error.message}`);
    throw error;
  }
}

async function nameOfPool(core: ActionCore, id: string): Promise<string> {
  const row = await core.store.read(() => core.store.statement("SELECT name FROM work_pool WHERE id = ?").get(id));
  if (!row) throw new ActionFailed(`The work pool ${id} is not there.`);
  return String(row["name"]);
}

function targetOf(kind: string, selected: string | null | undefined, { action, event }: TriggeredAction): string {
  if (!("source" in action) || action.source !== "inferred") return String(selected);
  const id = event ? idOfKind(event, `prefect.${kind}`) : undefined;
  if (id === undefined)
    throw new ActionFailed(
      event ? `No ${kind.replace("-", " ")} could be inferred` : `No event to infer the ${kind.replace("-", " ")}`,
    );
  return id;
}

/** The flow run that an action is about: the one that is counted apart, or the first of the event. */
function flowRunOf({ labels, event }: TriggeredAction): string {
  const counted = labels["prefect.resource.id"];
  const prefix = "prefect.flow-run.";
  if (counted?.startsWith(prefix)) return counted.slice(prefix.length);
  const id = event ? idOfKind(event, "prefect.flow-run") : undefined;
  if (id === undefined) throw new ActionFailed("No flow run could be inferred");
  return id;
}

function detailOf(body: string): string {
  try {
    const answer: unknown = JSON.parse(body);
    return isObject(answer) ? textOf(answer["detail"] ?? answer["exception_message"]) || body : body;
  } catch {
    return body; // No JSON: told as it is.
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // Just asked.
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
