/**
 * The worker channel: the frames of `WS /api/work_pools/{name}/workers/connect`, and the requests by which the side that holds the socket asks the core.
 *
 * @see Prefect 3 `client/schemas/worker_channel.py`: the same frames, version `work_pool_worker_channel.v1`
 */
import type { JsonSchema } from "./routes.ts";
import type { WorkPoolResponse } from "./contract/shapes.ts";

/** The one version of the channel. */
export const CHANNEL_VERSION = "work_pool_worker_channel.v1";
/** What every worker must ask for. */
export const REQUIRED_CAPABILITIES = ["worker_heartbeat.v1", "work_pool_snapshot.v1"] as const;
/** Messages by which a worker is asked to tear infrastructure down. */
export const CLEANUP_CAPABILITY = "cleanup_delivery.v1";

/** What a cleanup message asks for. */
export type CleanupKind = "cancelling_timeout_teardown.v1" | "pending_claim_teardown.v1";

/** Why a channel is closed, as the reason of the close frame; its code is in {@link CLOSE_CODES}. */
export type ChannelFault =
  | "authentication_failed"
  | "authorization_failed"
  | "unsupported_version"
  | "protocol_error"
  | "heartbeat_persistence_failed"
  | "transient_server_error";

/** Close codes of a websocket; a worker tries again after 1011 only. */
export const CLOSE_CODES: Readonly<Record<ChannelFault, number>> = {
  authentication_failed: 1008,
  authorization_failed: 1008,
  unsupported_version: 1008,
  protocol_error: 1002,
  heartbeat_persistence_failed: 1011,
  transient_server_error: 1011,
};

/** What a worker says first. */
export interface WorkerHello {
  readonly consumer_id: string;
  readonly worker_name: string;
  readonly worker_type: string;
  readonly heartbeat_interval_seconds: number;
  readonly supported_channel_versions: readonly string[];
  readonly requested_capabilities: readonly string[];
  readonly work_queue_names?: readonly string[];
  readonly handled_cleanup_kinds?: readonly CleanupKind[];
  readonly max_cleanup_concurrency?: number;
  readonly create_pool_if_not_found?: boolean;
  readonly default_base_job_template?: Readonly<Record<string, unknown>>;
  readonly worker_metadata?: Readonly<Record<string, unknown>> | null;
}

/** A frame that a worker sends. */
export type WorkerFrame =
  | { readonly type: "worker.hello.v1"; readonly id: string; readonly payload: WorkerHello }
  | {
      readonly type: "worker.heartbeat.v1";
      readonly id: string;
      readonly payload: Pick<WorkerHello, "consumer_id" | "worker_name" | "heartbeat_interval_seconds">;
    }
  | { readonly type: `cleanup.${CleanupAct}.v1`; readonly id: string; readonly payload: CleanupClaim };

/** What a worker does with a message that it was given. */
export type CleanupAct = "ack" | "release" | "renew";

/** The message that an act is about, and the token that was given with it. */
export interface CleanupClaim {
  readonly message_id: string;
  readonly reservation_token: string;
  readonly reason?: string;
}

/** What came of an act on a message. */
export interface CleanupResult {
  readonly message_id: string;
  readonly operation: CleanupAct;
  readonly status:
    | "accepted"
    | "not_current"
    | "not_found"
    | "expired"
    | "invalid_token"
    | "unauthorized"
    | "dead_lettered";
  readonly lease_expires_at: string | null;
  readonly reason: string | null;
}

/** A message given to a worker. */
export interface CleanupMessage {
  readonly message_id: string;
  readonly kind: CleanupKind;
  readonly reservation_token: string;
  readonly lease_expires_at: string;
  readonly delivery_count: number;
  readonly work_queue_id: string | null;
  readonly target: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A pool as a worker is shown it, and the state that the next question starts from. */
export interface PoolSnapshot {
  readonly pool: WorkPoolResponse;
  readonly cursor: number;
}

/** Answer to `POST /sluice/worker-channels`: the channel is open, or may not be. */
export type ChannelOpening =
  | { readonly fault: ChannelFault }
  | { readonly snapshot: PoolSnapshot; readonly queues: readonly { readonly id: string; readonly name: string }[] };

/** Body of `POST /sluice/worker-channels/{pool id}/wait`. */
export interface ChannelWait {
  readonly cursor: number;
  readonly wait_seconds: number;
  /** Which messages may be given; none when left out. */
  readonly cleanup?: { readonly kinds: readonly CleanupKind[]; readonly queue_ids: readonly string[] };
}

/** Answer to a wait; all parts are left out when nothing happened. */
export interface ChannelNews {
  readonly isDeleted?: true;
  readonly snapshot?: PoolSnapshot;
  readonly cleanup?: CleanupMessage;
}

const ID: JsonSchema = { type: "string", format: "uuid" };
const TEXT: JsonSchema = { type: "string", minLength: 1 };
const POSITIVE: JsonSchema = { type: "integer", exclusiveMinimum: 0 };
const DICTIONARY: JsonSchema = { type: "object" };
const KIND: JsonSchema = { enum: ["cancelling_timeout_teardown.v1", "pending_claim_teardown.v1"] };

function frame(
  type: string,
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema {
  const payload = { type: "object", properties, required, additionalProperties: false };
  return {
    type: "object",
    properties: { type: { const: type }, id: ID, sent_at: { type: "string", format: "date-time" }, payload },
    required: ["type", "id", "sent_at", "payload"],
    additionalProperties: false,
  };
}

const HELLO = frame(
  "worker.hello.v1",
  {
    consumer_id: ID,
    worker_name: TEXT,
    worker_type: TEXT,
    heartbeat_interval_seconds: POSITIVE,
    supported_channel_versions: { type: "array", items: TEXT, minItems: 1 },
    requested_capabilities: { type: "array", items: TEXT, minItems: 1 },
    work_queue_names: { type: "array", items: TEXT },
    handled_cleanup_kinds: { type: "array", items: KIND },
    max_cleanup_concurrency: { type: "integer", minimum: 0 },
    create_pool_if_not_found: { type: "boolean" },
    default_base_job_template: DICTIONARY,
    worker_metadata: { anyOf: [DICTIONARY, { type: "null" }] },
  },
  [
    "consumer_id",
    "worker_name",
    "worker_type",
    "heartbeat_interval_seconds",
    "supported_channel_versions",
    "requested_capabilities",
  ],
);
const CLAIM = { message_id: ID, reservation_token: TEXT };

/** Schema of the frames that a worker sends, by their type. */
export const WORKER_FRAMES: Readonly<Record<WorkerFrame["type"], JsonSchema>> = {
  "worker.hello.v1": HELLO,
  "worker.heartbeat.v1": frame(
    "worker.heartbeat.v1",
    { consumer_id: ID, worker_name: TEXT, heartbeat_interval_seconds: POSITIVE },
    ["consumer_id", "worker_name", "heartbeat_interval_seconds"],
  ),
  "cleanup.ack.v1": frame("cleanup.ack.v1", CLAIM, ["message_id", "reservation_token"]),
  "cleanup.renew.v1": frame("cleanup.renew.v1", CLAIM, ["message_id", "reservation_token"]),
  "cleanup.release.v1": frame("cleanup.release.v1", { ...CLAIM, reason: TEXT }, [
    "message_id",
    "reservation_token",
    "reason",
  ]),
};

/**
 * Reads what a worker asks for: whether it is given cleanup messages, and how many at a time.
 *
 * @returns undefined for a hello that contradicts itself
 */
export function cleanupWish(
  hello: WorkerHello,
): { readonly kinds: readonly CleanupKind[]; readonly max: number } | undefined {
  const { requested_capabilities: asked, handled_cleanup_kinds: kinds = [] } = hello;
  if (!REQUIRED_CAPABILITIES.every((one) => asked.includes(one))) return undefined;
  const isAsked = asked.includes(CLEANUP_CAPABILITY);
  const max = hello.max_cleanup_concurrency ?? (isAsked && kinds.length > 0 ? 1 : 0);
  if (!isAsked && (kinds.length > 0 || max > 0)) return undefined;
  return isAsked && kinds.length > 0 && max > 0 ? { kinds, max } : { kinds: [], max: 0 };
}
