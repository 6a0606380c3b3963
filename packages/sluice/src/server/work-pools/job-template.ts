import { InvalidRequest } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { valueFault } from "../request/faults.ts";

/** `{{ name }}` in a text. */
const PLACEHOLDER = /\{\{\s*([\w.\-[\]$]+)\s*\}\}/g;

/** Spaces and quotes: what is left of a name that was quoted once too often. */
const NOTHING = /^['" ]*$/;

/** Refuses a name that is as good as none. @throws InvalidRequest */
export function checkPoolName(body: { readonly name: string }): void {
  if (!NOTHING.test(body.name)) return;
  throw new InvalidRequest([valueFault(["body", "name"], "name cannot be an empty string", body.name)], body);
}

/**
 * Refuses a template of jobs whose configuration names a variable that its schema does not declare. An empty template is none.
 *
 * @throws InvalidRequest
 */
export function checkJobTemplate(body: { readonly base_job_template?: unknown }): void {
  const template = body.base_job_template;
  if (!isObject(template) || Object.keys(template).length === 0) return;
  const reason = faultOf(template);
  if (reason === undefined) return;
  throw new InvalidRequest([valueFault(["body", "base_job_template"], reason, template)], body);
}

function faultOf(template: Readonly<Record<string, unknown>>): string | undefined {
  const { job_configuration: configuration, variables } = template;
  if (isEmpty(configuration) || isEmpty(variables))
    return "The `base_job_template` must contain both a `job_configuration` key and a `variables` key.";
  const properties = isObject(variables) ? variables["properties"] : undefined;
  const declared = new Set(isObject(properties) ? Object.keys(properties) : []);
  const used = isObject(configuration) ? Object.values(configuration).flatMap(placeholdersOf) : [];
  const missing = new Set(used).difference(declared);
  if (missing.size === 0) return undefined;
  const names = [...missing].join(" ,");
  return `The variables specified in the job configuration template must be present as properties in the variables schema. Your job configuration uses the following undeclared variable(s): ${names}.`;
}

function placeholdersOf(value: unknown): string[] {
  return [...JSON.stringify(value ?? null).matchAll(PLACEHOLDER)].map(([, name = ""]) => name);
}

function isEmpty(value: unknown): boolean {
  return !value || (isObject(value) && Object.keys(value).length === 0);
}
