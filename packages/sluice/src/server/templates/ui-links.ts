import { isObject } from "../check-records.ts";
import type { TemplateFilters } from "./render-template.ts";

/** Pages of the web UI, by the kind of what they show. */
const PAGES: Readonly<Record<string, string>> = {
  automation: "automations/automation/",
  "block-document": "blocks/block/",
  deployment: "deployments/deployment/",
  flow: "flows/flow/",
  "flow-run": "runs/flow-run/",
  "task-run": "runs/task-run/",
  "work-pool": "work-pools/work-pool/",
  "work-queue": "work-queues/work-queue/",
};
/** Values of templates that are such a thing, under their names. */
const KINDS = ["automation", "deployment", "flow", "flow_run", "task_run", "work_pool", "work_queue"];
const FLOW_RUN = /flow-run\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/;
/** What Python shows for nothing. */
const NONE = "None";

/**
 * The filters that Prefect adds to Jinja: `{{ flow_run|ui_url }}`, `{{ event.resource|ui_resource_events_url }}`, `{{ text|flow_run_id }}`.
 *
 * @param base address of the web UI; null when nobody knows it, and links are "None" then
 * @param values what the template sees
 */
export function uiFilters(base: string | null, values: Readonly<Record<string, unknown>>): TemplateFilters {
  const kinds = new Map(
    KINDS.flatMap((name) => {
      const value = values[name];
      return isObject(value) ? [[String(value["id"]), name.replaceAll("_", "-")] as const] : [];
    }),
  );
  const link = (path: string | undefined): string =>
    path === undefined || base === null ? NONE : `${base.replace(/\/$/, "")}/${path}`;
  return {
    ui_url: (object) => link(pageOf(object, kinds)),
    ui_resource_events_url: (object) => {
      const id = resourceOf(object, kinds);
      return link(id === undefined ? undefined : `events?resource=${id}`);
    },
    flow_run_id: (text) => FLOW_RUN.exec(typeof text === "string" ? text : "")?.[1] ?? NONE,
  };
}

/** Path of the page that shows an object of a template. */
function pageOf(object: unknown, kinds: ReadonlyMap<string, string>): string | undefined {
  if (!(object instanceof Map)) return undefined;
  const resourceId: unknown = object.get("prefect.resource.id");
  if (typeof resourceId === "string") {
    const [prefix, kind = "", ...rest] = resourceId.split(".");
    const page = prefix === "prefect" ? PAGES[kind] : undefined;
    return page === undefined ? undefined : page + (rest.at(-1) ?? "");
  }
  const id = String(object.get("id"));
  const occurred: unknown = object.get("occurred");
  if (typeof occurred === "string") return `events/event/${occurred.slice(0, "2026-01-01".length)}/${id}`;
  const kind = kinds.get(id);
  if (kind === undefined) return undefined;
  return `${PAGES[kind] ?? ""}${kind === "work-pool" ? String(object.get("name")) : id}`;
}

function resourceOf(object: unknown, kinds: ReadonlyMap<string, string>): string | undefined {
  if (!(object instanceof Map)) return undefined;
  const resourceId: unknown = object.get("prefect.resource.id");
  if (typeof resourceId === "string") return resourceId;
  const id = String(object.get("id"));
  const kind = kinds.get(id);
  return kind === undefined ? undefined : `prefect.${kind}.${id}`;
}
