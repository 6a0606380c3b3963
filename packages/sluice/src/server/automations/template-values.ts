/** What templates of actions see: the event, the automation, what the event is about, and the variables. */
import { isObject } from "../check-records.ts";
import { idOfKind, type ActionCore } from "./action-core.ts";
import type { TriggeredAction } from "./trigger-engine.ts";

/** Objects by the names that templates use, and where they are read. */
const PATHS: Readonly<Record<string, string>> = {
  deployment: "/deployments/",
  flow: "/flows/",
  flow_run: "/flow_runs/",
  task_run: "/task_runs/",
  work_queue: "/work_queues/",
};

/** Values for templates, as far as their text names them. */
export async function templateValues(
  core: ActionCore,
  triggered: TriggeredAction,
  templates: string,
): Promise<Record<string, unknown>> {
  const { event, automation, labels } = triggered;
  const values: Record<string, unknown> = { automation, event, labels };
  if (/\bvariables\b/.test(templates)) values["variables"] = await variables(core);
  if (!event) return values;
  for (const [name, path] of Object.entries(PATHS)) {
    const id = new RegExp(`\\b${name}\\b`).test(templates)
      ? idOfKind(event, `prefect.${name.replaceAll("_", "-")}`)
      : undefined;
    if (id !== undefined) values[name] = await read(core, path + id);
  }
  const poolId = /\bwork_pool\b/.test(templates) ? idOfKind(event, "prefect.work-pool") : undefined;
  if (poolId !== undefined) {
    const row = await core.store.read(() =>
      core.store.statement("SELECT name FROM work_pool WHERE id = ?").get(poolId),
    );
    values["work_pool"] = row ? await read(core, `/work_pools/${encodeURIComponent(String(row["name"]))}`) : null;
  }
  return values;
}

async function read(core: ActionCore, path: string): Promise<unknown> {
  const { status, body } = await core.handle({ method: "GET", path: `/api${path}` });
  return status === 200 ? JSON.parse(body) : null;
}

async function variables(core: ActionCore): Promise<Record<string, unknown>> {
  const { status, body } = await core.handle({ method: "POST", path: "/api/variables/filter", body: "{}" });
  const list: unknown = status === 200 ? JSON.parse(body) : [];
  const known = Array.isArray(list) ? list.filter(isObject) : [];
  return Object.fromEntries(known.map((one) => [String(one["name"]), one["value"]]));
}
