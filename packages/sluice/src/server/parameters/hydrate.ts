/**
 * Fills in parameters that say where their values come from: `{"__prefect_kind": "json" | "jinja" | "workspace_variable" | "none", …}`.
 *
 * What cannot be filled in is a fault, told with the contract's words; what names nothing to fill in is left out.
 */
import type { Store } from "../db/store.ts";
import { isObject } from "../check-records.ts";
import { renderTemplate, templateFault, TemplateFault, type TemplateFilters } from "../templates/render-template.ts";

/** A value that cannot be filled in. */
export class HydrationFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = "HydrationFault";
  }
}

/** Where values come from. */
export interface HydrationSource {
  /** Value of a variable; undefined for an unknown name. */
  readonly variable: (name: string) => unknown;
  /** Values that templates see. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** What templates may filter by. */
  readonly filters?: TemplateFilters;
  /** True leaves what cannot be filled in as it came. Default false. */
  readonly leavesFaults?: boolean;
  /** False checks templates and leaves their text. Default true. */
  readonly rendersTemplates?: boolean;
}

/** Reads variables of a store. */
export function variablesOf(store: Store): HydrationSource["variable"] {
  return (name) => {
    const row = store.statement("SELECT value FROM variable WHERE name = ?").get(name);
    return row === undefined ? undefined : JSON.parse(String(row["value"]));
  };
}

const REMOVED = Symbol("removed");

/** Fills in the values of an object. @throws HydrationFault */
export function hydrate(values: Readonly<Record<string, unknown>>, source: HydrationSource): Record<string, unknown> {
  const filled = fill(values, source);
  return isObject(filled) ? filled : {};
}

function fill(value: unknown, source: HydrationSource): unknown {
  if (Array.isArray(value)) return value.map((one) => fill(one, source)).filter((one) => one !== REMOVED);
  if (!isObject(value)) return value;
  if ("__prefect_kind" in value) return fillOrLeave(value, source);
  const entries = Object.entries(value).map(([name, one]) => [name, fill(one, source)] as const);
  return Object.fromEntries(entries.filter(([, one]) => one !== REMOVED));
}

function fillOrLeave(value: Readonly<Record<string, unknown>>, source: HydrationSource): unknown {
  try {
    return fillKind(value, source);
  } catch (error) {
    if (source.leavesFaults && error instanceof HydrationFault) return value;
    throw error;
  }
}

function fillKind(value: Readonly<Record<string, unknown>>, source: HydrationSource): unknown {
  switch (value["__prefect_kind"]) {
    case "none":
      if (!("value" in value)) throw new HydrationFault("Missing 'value' key in __prefect object");
      return fill(value["value"], source);
    case "json":
      return "value" in value ? fillJson(inner(value["value"], source)) : REMOVED;
    case "jinja":
      if (!("template" in value)) throw new HydrationFault("Missing 'template' key in __prefect object");
      return fillTemplate(inner(value["template"], source), source);
    case "workspace_variable":
      return "variable_name" in value ? fillVariable(inner(value["variable_name"], source), source) : REMOVED;
    default:
      return value["value"] ?? null;
  }
}

function inner(value: unknown, source: HydrationSource): unknown {
  return isObject(value) ? fill(value, source) : value;
}

function fillJson(text: unknown): unknown {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HydrationFault(`Invalid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function fillTemplate(template: unknown, source: HydrationSource): unknown {
  const text = String(template);
  const fault = templateFault(text);
  if (fault !== undefined) throw new HydrationFault(`Invalid jinja: ${fault}`);
  if (source.rendersTemplates === false) return text;
  try {
    return renderTemplate(text, source.context ?? {}, source.filters);
  } catch (error) {
    if (error instanceof TemplateFault) throw new HydrationFault(`Invalid jinja: ${error.message}`);
    throw error;
  }
}

function fillVariable(name: unknown, source: HydrationSource): unknown {
  const value = source.variable(String(name));
  if (value === undefined) throw new HydrationFault(`Variable '${String(name)}' not found in workspace.`);
  return value;
}
