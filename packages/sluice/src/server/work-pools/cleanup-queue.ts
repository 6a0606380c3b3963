/**
 * Messages that ask a worker to tear infrastructure down, each given to one worker at a time.
 *
 *   OPEN without a token -> OPEN with one (given, until its lease ends) -> DONE when the worker says so;
 *   released, or its lease over -> OPEN without a token again, or DEAD when it was given as often as it may be.
 *
 * Invariants: 1. only the token that was given last does anything; 2. a message is asked for once per pool and key; 3. all is rows: a restart forgets no
 * message and no lease. Everything here runs inside a write.
 */
import { randomBytes } from "node:crypto";
import type { ServerSettings } from "../../wire/server-settings.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import type {
  CleanupAct,
  CleanupClaim,
  CleanupKind,
  CleanupMessage,
  CleanupResult,
} from "../../wire/worker-channel.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** Where messages are kept, how long they are given for and how often. */
export interface CleanupCore {
  readonly store: Store;
  readonly settings: Pick<ServerSettings, "cleanupLeaseSeconds" | "cleanupMaxDeliveryAttempts">;
}

/** A message to be given to a worker of a pool. */
export interface NewCleanup {
  /** The same for every attempt to ask for the same thing. */
  readonly key: string;
  readonly poolId: string;
  /** Workers of this queue are asked first. */
  readonly queueId: string | null;
  readonly kind: CleanupKind;
  readonly target: Readonly<Record<string, unknown>>;
}

interface CleanupRow {
  readonly id: string;
  readonly work_pool_id: string;
  readonly work_queue_id: string | null;
  readonly kind: CleanupKind;
  readonly target: string;
  readonly data: string;
  readonly status: "OPEN" | "DONE" | "DEAD";
  readonly delivery_count: number;
  readonly token: string | null;
  readonly lease_expires: number | null;
}

/** Stores a message, once per pool and key. @returns its id, the known one when it was asked for before */
export function addCleanup(store: Store, message: NewCleanup): string {
  const known = store.statement("SELECT id FROM cleanup_message WHERE work_pool_id = ? AND idempotency_key = ?");
  const row = known.get(message.poolId, message.key);
  if (row) return String(row["id"]);
  const now = store.nowUs();
  const id = newId(now);
  store
    .statement(
      `INSERT INTO cleanup_message (id, idempotency_key, work_pool_id, work_queue_id, kind, target, data, status, delivery_count, created, updated)
       VALUES (?, ?, ?, ?, ?, ?, '{}', 'OPEN', 0, ?, ?)`,
    )
    .run(id, message.key, message.poolId, message.queueId, message.kind, JSON.stringify(message.target), now, now);
  return id;
}

/** Which messages a worker takes. */
export interface CleanupSearch {
  readonly poolId: string;
  readonly kinds: readonly CleanupKind[];
  /** The worker's queues. */
  readonly queueIds: readonly string[];
  /** The queues of other workers, whose messages are theirs. */
  readonly othersQueueIds: readonly string[];
}

/** Gives the oldest open message that a worker takes, if there is one. */
export function reserveCleanup(core: CleanupCore, search: CleanupSearch): CleanupMessage | undefined {
  const { store, settings } = core;
  endOverdue(core, search.poolId);
  const query = store.statement(
    `SELECT * FROM cleanup_message WHERE work_pool_id = ?1 AND status = 'OPEN' AND token IS NULL AND kind IN (SELECT value FROM json_each(?2))
       AND (work_queue_id IS NULL OR work_queue_id IN (SELECT value FROM json_each(?3)) OR work_queue_id NOT IN (SELECT value FROM json_each(?4)))
     ORDER BY work_queue_id IN (SELECT value FROM json_each(?3)) DESC, no LIMIT 1`,
  );
  const { poolId, kinds, queueIds, othersQueueIds } = search;
  // STRICT table: the columns have these types.
  const row = query.get(poolId, ...[kinds, queueIds, othersQueueIds].map((list) => JSON.stringify(list))) as
    | CleanupRow
    | undefined;
  if (!row) return undefined;
  const now = store.nowUs();
  const expires = now + settings.cleanupLeaseSeconds * 1e6;
  const token = randomBytes(32).toString("base64url");
  store
    .statement(
      "UPDATE cleanup_message SET token = ?, lease_expires = ?, delivery_count = delivery_count + 1, updated = ? WHERE id = ?",
    )
    .run(token, expires, now, row.id);
  return {
    message_id: row.id,
    kind: row.kind,
    reservation_token: token,
    lease_expires_at: microsToIso(expires),
    delivery_count: row.delivery_count + 1,
    work_queue_id: row.work_queue_id,
    // Written by `addCleanup`.
    target: JSON.parse(row.target) as Record<string, unknown>,
    data: JSON.parse(row.data) as Record<string, unknown>,
  };
}

/** Does what a worker of a pool says of a message that it was given. */
export function actOnCleanup(
  core: CleanupCore,
  poolId: string,
  { operation: act, ...claim }: CleanupClaim & { readonly operation: CleanupAct },
): CleanupResult {
  const { store, settings } = core;
  const { message_id: id } = claim;
  const result = (status: CleanupResult["status"], reason: string | null, expires: number | null = null) => ({
    message_id: id,
    operation: act,
    status,
    reason,
    lease_expires_at: expires === null ? null : microsToIso(expires),
  });
  // STRICT table: the columns have these types.
  const row = store.statement("SELECT * FROM cleanup_message WHERE id = ?").get(id) as CleanupRow | undefined;
  if (row?.status !== "OPEN") return result("not_found", "message_not_found");
  if (row.work_pool_id !== poolId) return result("unauthorized", "work_pool_mismatch");
  if (row.token === null) return result("not_current", "no_active_reservation");
  if (row.token !== claim.reservation_token) return result("invalid_token", "reservation_token_mismatch");
  const now = store.nowUs();
  if ((row.lease_expires ?? 0) <= now) {
    const isDead = giveUp(core, row, null);
    return isDead ? result("dead_lettered", "max_delivery_attempts_reached") : result("expired", "lease_expired");
  }
  if (act === "renew") {
    const expires = now + settings.cleanupLeaseSeconds * 1e6;
    store.statement("UPDATE cleanup_message SET lease_expires = ?, updated = ? WHERE id = ?").run(expires, now, id);
    return result("accepted", null, expires);
  }
  if (act === "ack") {
    close(store, id, { status: "DONE", reason: null });
    return result("accepted", null);
  }
  const isDead = giveUp(core, row, claim.reason ?? null);
  return isDead ? result("dead_lettered", "max_delivery_attempts_reached") : result("accepted", null);
}

/** Opens a message again, or closes it when it was given as often as it may be. @returns true when it is closed */
function giveUp({ store, settings }: CleanupCore, row: CleanupRow, reason: string | null): boolean {
  if (row.delivery_count >= settings.cleanupMaxDeliveryAttempts) {
    close(store, row.id, { status: "DEAD", reason: reason ?? "max_delivery_attempts_reached" });
    return true;
  }
  store
    .statement("UPDATE cleanup_message SET token = NULL, lease_expires = NULL, updated = ? WHERE id = ?")
    .run(store.nowUs(), row.id);
  return false;
}

function close(
  store: Store,
  id: string,
  end: { readonly status: "DONE" | "DEAD"; readonly reason: string | null },
): void {
  store
    .statement(
      "UPDATE cleanup_message SET status = ?, reason = ?, token = NULL, lease_expires = NULL, updated = ? WHERE id = ?",
    )
    .run(end.status, end.reason, store.nowUs(), id);
}

function endOverdue(core: CleanupCore, poolId: string): void {
  const query = core.store.statement(
    "SELECT * FROM cleanup_message WHERE work_pool_id = ? AND status = 'OPEN' AND lease_expires <= ?",
  );
  // STRICT table: the columns have these types.
  const rows = query.all(poolId, core.store.nowUs()) as unknown as CleanupRow[];
  for (const row of rows) giveUp(core, row, null);
}
