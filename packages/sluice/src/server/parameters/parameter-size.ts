import { InvalidRequest } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { valueFault } from "../request/faults.ts";

/** Routes whose body may have parameters that are stored with a run or a deployment. */
export const ROUTES_WITH_PARAMETERS: ReadonlySet<string> = new Set([
  "POST /flow_runs/",
  "PATCH /flow_runs/{id}",
  "POST /deployments/",
  "PATCH /deployments/{id}",
  "POST /deployments/{id}/create_flow_run",
  "POST /deployments/{id}/create_flow_run/bulk",
]);

/** Bytes of one character as JSON with nothing but ASCII writes it, at most. */
const MOST_BYTES = 6;

/**
 * Checks that no parameters of a body, or of the bodies of a list, are larger than is stored.
 *
 * @param text the body as it came
 * @param maxBytes of their JSON without spaces, everything beyond ASCII escaped, as Prefect counts; 0 for no limit
 * @throws InvalidRequest
 */
export function checkParameterSize(body: unknown, text: string, maxBytes: number): void {
  if (maxBytes <= 0 || text.length * MOST_BYTES <= maxBytes) return;
  const given = Array.isArray(body)
    ? body.map((one: unknown, index) => [index, one] as const)
    : [[null, body] as const];
  for (const [index, one] of given) {
    const parameters = isObject(one) ? one["parameters"] : undefined;
    if (!isObject(parameters)) continue;
    const bytes = asciiJsonBytes(parameters);
    if (bytes <= maxBytes) continue;
    const [most, got] = [maxBytes.toLocaleString("en-US"), bytes.toLocaleString("en-US")];
    const reason = `Flow run parameters must be less than ${most} bytes when serialized (got ${got} bytes).`;
    const loc = index === null ? ["body", "parameters"] : ["body", index, "parameters"];
    throw new InvalidRequest([valueFault(loc, reason, parameters)], body);
  }
}

function asciiJsonBytes(value: unknown): number {
  const text = JSON.stringify(value);
  const escaped = text.match(/[\u007f-\uffff]/g)?.length ?? 0;
  return text.length + escaped * (MOST_BYTES - 1);
}
