/** A body of a request: an object of JSON values. */
type Body = Readonly<Record<string, unknown>>;

/** Bodies whose name may be null: one is then made. */
const MADE_NAMES: ReadonlySet<string> = new Set([
  "FlowRunCreate",
  "FlowRunUpdate",
  "TaskRunCreate",
  "TaskRunUpdate",
  "DeploymentFlowRunCreate",
]);
/** Fields that clients of years ago still send and that mean nothing any more. */
const DROPPED: Readonly<Record<string, readonly string[]>> = {
  DeploymentCreate: ["worker_pool_queue_id", "worker_pool_name", "worker_pool_queue_name", "work_pool_queue_name"],
  DeploymentUpdate: ["worker_pool_queue_id", "worker_pool_name", "worker_pool_queue_name", "work_pool_queue_name"],
};

/**
 * Brings a body that does not keep to its schema into the shape that was meant, where the contract takes it although the schema does not say so: nulls
 * among the parts of a body made of parts are left out, and so are names that are to be made, and fields of older clients.
 *
 * @param schema name of the body's schema; null for one without a name
 */
export function withoutOldForms(body: unknown, schema: string | null): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body) || schema === null) return body;
  // Just seen to be an object.
  const entries = Object.entries(body as Body);
  if (schema.startsWith("Body_")) return Object.fromEntries(entries.filter(([, value]) => value !== null));
  const dropped = DROPPED[schema] ?? [];
  const isMade = MADE_NAMES.has(schema);
  const kept = entries.filter(
    ([name, value]) => !dropped.includes(name) && !(isMade && name === "name" && value === null),
  );
  return kept.length === entries.length ? body : Object.fromEntries(kept);
}
