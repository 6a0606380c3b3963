import type { DeploymentCreate, DeploymentUpdate } from "../../wire/contract/shapes.ts";
import { InvalidRequest, Refusal } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import type { Store } from "../db/store.ts";
import { hydrate, HydrationFault, variablesOf } from "./hydrate.ts";
import { valueFault } from "../request/faults.ts";
import { firstFault, schemaFault, SchemaFault } from "./json-schema.ts";

/** Fills in parameters that say where their values come from. Runs inside a read or write. @param what stands in the reason, as "flow run" @throws Refusal 400 */
export function filledParameters(
  store: Store,
  values: Readonly<Record<string, unknown>>,
  what: "flow run" | "deployment",
): Record<string, unknown> {
  try {
    return hydrate(values, { variable: variablesOf(store) });
  } catch (error) {
    if (error instanceof HydrationFault) throw new Refusal(400, `Error hydrating ${what} parameters: ${error.message}`);
    throw error;
  }
}

/** What is checked against what, and how a fault begins. */
export interface ParameterCheck {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** JSON of the schema; null for none. */
  readonly schema: unknown;
  readonly ignoresRequired: boolean;
  readonly prefix: string;
}

/** Checks parameters by the schema of a deployment. @throws Refusal 409, and 422 for a schema without end */
export function checkParameters({ parameters, schema, ignoresRequired, prefix }: ParameterCheck): void {
  if (!isObject(schema)) {
    throw new Refusal(
      409,
      "Error updating deployment: Cannot update parameters because parameter schema enforcement is enabled and the deployment does not have a valid parameter schema.",
    );
  }
  try {
    const fault = firstFault(parameters, schema, { ignoresRequired });
    if (fault !== undefined) throw new Refusal(409, `${prefix}: ${fault}`);
  } catch (error) {
    if (!(error instanceof SchemaFault)) throw error;
    const detail = error.isCircular
      ? "Invalid schema: Unable to validate schema with circular references."
      : `Invalid schema: ${error.message}`;
    throw new Refusal(422, detail);
  }
}

/** Characters that no name of a deployment holds: names stand in addresses, with the flow's before a slash. */
const BANNED = ["/", "%", "&", ">", "<"];

/** Refuses a name that holds what none may. @throws InvalidRequest */
export function checkDeploymentName(body: DeploymentCreate): void {
  if (!BANNED.some((one) => body.name.includes(one))) return;
  const reason = `name contains an invalid character: must not contain any of ${BANNED.join(" ")}`;
  throw new InvalidRequest([valueFault(["body", "name"], reason, body.name)], body);
}

/** Refuses a deployment with a limit of its own and another one. @throws InvalidRequest */
export function checkLimits(body: DeploymentCreate | DeploymentUpdate): void {
  if (!body.concurrency_limit || !body.global_concurrency_limit_id) return;
  const reason = "A deployment cannot have both a concurrency limit and a global concurrency limit.";
  throw new InvalidRequest([valueFault(["body"], reason, body)], body);
}

/** Refuses parameters that do not fit the schema that comes with them, where the body asks for the check. @throws InvalidRequest */
export function checkOwnParameters(body: DeploymentCreate): void {
  const { enforce_parameter_schema: isEnforced, parameter_openapi_schema: schema, parameters = {} } = body;
  if (isEnforced !== true || !schema) return;
  const invalid = schemaFault(schema);
  let reason = invalid && `The provided schema is not a valid json schema. Schema error: ${invalid}`;
  try {
    reason ??= firstFault(parameters, schema, { ignoresRequired: true });
  } catch (error) {
    if (!(error instanceof SchemaFault)) throw error;
    reason = `The provided schema is not a valid json schema. Schema error: ${error.message}`;
  }
  if (reason !== undefined) throw new InvalidRequest([valueFault(["body"], reason, body)], body);
}
