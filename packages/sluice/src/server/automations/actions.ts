/** Actions as automations keep them: whole, by their type. */
import type { Automation, AutomationCreate } from "../../wire/contract/shapes.ts";
import { readDuration } from "../../rules/schedules/interval-dates.ts";
import { InvalidRequest } from "../api-reply.ts";
import { valueFault } from "../request/faults.ts";
import { templateFault } from "../templates/render-template.ts";

/** An action of an automation. */
export type Action = Automation["actions"][number];

type GivenAction = AutomationCreate["actions"][number];

const SELECTED = { source: "selected" } as const;
/** What is left out of an action, by its type. */
const DEFAULTS: Readonly<Record<NonNullable<GivenAction["type"]>, Readonly<Record<string, unknown>>>> = {
  "do-nothing": {},
  "run-deployment": { ...SELECTED, deployment_id: null, parameters: null, job_variables: null, schedule_after: 0 },
  "pause-deployment": { ...SELECTED, deployment_id: null },
  "resume-deployment": { ...SELECTED, deployment_id: null },
  "cancel-flow-run": {},
  "delete-flow-run": {},
  "change-flow-run-state": { name: null, message: null, force: false },
  "pause-work-queue": { ...SELECTED, work_queue_id: null },
  "resume-work-queue": { ...SELECTED, work_queue_id: null },
  "send-notification": { subject: "Prefect automated notification" },
  "call-webhook": { payload: "" },
  "pause-automation": { ...SELECTED, automation_id: null },
  "resume-automation": { ...SELECTED, automation_id: null },
  "suspend-flow-run": {},
  "resume-flow-run": {},
  "pause-work-pool": { ...SELECTED, work_pool_id: null },
  "resume-work-pool": { ...SELECTED, work_pool_id: null },
};

/** Makes an action whole. @param index its place in the body @throws InvalidRequest for what no schema says */
export function wholeAction(given: GivenAction, index: number, body: unknown): Action {
  const type = given.type ?? typeOf(given);
  const values: Record<string, unknown> = { type, ...DEFAULTS[type], ...given };
  const delay = values["schedule_after"];
  if (delay !== undefined) values["schedule_after"] = readDuration(delay);
  const reason = faultOf(values);
  if (reason !== undefined)
    throw new InvalidRequest([valueFault(["body", "actions", index, type], reason, given)], body);
  // Of the shape of its type: checked by the route's schema, and filled.
  return { ...values, type } as Action;
}

function typeOf(given: GivenAction): NonNullable<GivenAction["type"]> {
  if ("body" in given) return "send-notification";
  if ("block_document_id" in given) return "call-webhook";
  return "state" in given ? "change-flow-run-state" : "do-nothing";
}

function faultOf(values: Readonly<Record<string, unknown>>): string | undefined {
  if ("source" in values) {
    const name = Object.keys(values).find((key) => key.endsWith("_id")) ?? "id";
    const hasId = values[name] !== null;
    if ((values["source"] === "selected") !== hasId) return `${name} is ${hasId ? "not allowed" : "required"}`;
  }
  for (const name of ["subject", "body", "payload"]) {
    const text = values[name];
    const fault = typeof text === "string" ? templateFault(text) : undefined;
    if (fault !== undefined) return `'${name}' is not a valid template: ${fault}`;
  }
  return undefined;
}
