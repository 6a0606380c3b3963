/**
 * Leases: slots that are given back when nobody says in time that they are still needed.
 *
 * A lease is a row written with the slots that it holds, so neither a restart nor a kill leaves a slot without a holder that can lose it.
 */
import { giveSlotsBack, takeSlots, type ConcurrencyLimitRow } from "./concurrency-limits.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** A lease as stored. */
export interface LeaseRow {
  readonly id: string;
  readonly slots: number;
  readonly expires: number;
  readonly holder_type: string | null;
  readonly holder_id: string | null;
  readonly created: number;
}

/** Who holds a lease. */
export interface LeaseHolder {
  readonly type: "flow_run" | "task_run" | "deployment";
  readonly id: string;
}

/** What is leased, to whom, for how long. */
export interface NewLease {
  readonly limits: readonly ConcurrencyLimitRow[];
  readonly slots: number;
  readonly seconds: number;
  readonly holder?: LeaseHolder | null | undefined;
}

/** Takes slots of every limit under a lease. Runs inside a write. @returns the lease's id; undefined when a limit has too few slots left */
export function leaseSlots(store: Store, lease: NewLease): string | undefined {
  return takeSlots(store, lease.limits, lease.slots) ? insertLease(store, lease) : undefined;
}

/** Stores a lease on slots that were taken. Runs inside a write. */
export function insertLease(store: Store, { limits, slots, seconds, holder }: NewLease): string {
  const now = store.nowUs();
  const id = newId(now);
  store
    .statement(
      "INSERT INTO concurrency_lease (id, slots, expires, holder_type, holder_id, created) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .run(id, slots, now + Math.round(seconds * 1e6), holder?.type ?? null, holder?.id ?? null, now);
  const insert = store.statement("INSERT INTO concurrency_lease_limit (lease_id, limit_id) VALUES (?, ?)");
  for (const limit of limits) insert.run(id, limit.id);
  return id;
}

/** Finds a lease, expired or not. */
export function leaseById(store: Store, id: string): LeaseRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM concurrency_lease WHERE id = ?").get(id) as LeaseRow | undefined;
}

/** Lets a lease end later. Runs inside a write. @returns false when it is gone or has expired */
export function renewLease(store: Store, id: string, seconds: number): boolean {
  const now = store.nowUs();
  const update = store.statement("UPDATE concurrency_lease SET expires = ? WHERE id = ? AND expires > ?");
  return update.run(now + Math.round(seconds * 1e6), id, now).changes === 1;
}

/** Ends a lease and gives its slots back. Runs inside a write. @returns false when there is none */
export function endLease(store: Store, id: string): boolean {
  const row = leaseById(store, id);
  if (!row) return false;
  const limits = store.statement("SELECT limit_id FROM concurrency_lease_limit WHERE lease_id = ?").all(id);
  const occupancySeconds = (store.nowUs() - row.created) / 1e6;
  giveSlotsBack(
    store,
    limits.map(({ limit_id }) => String(limit_id)),
    { slots: row.slots, occupancySeconds },
  );
  forgetLease(store, id);
  return true;
}

/** Takes a lease away without touching slots. Runs inside a write. */
export function forgetLease(store: Store, id: string): void {
  store.statement("DELETE FROM concurrency_lease_limit WHERE lease_id = ?").run(id);
  store.statement("DELETE FROM concurrency_lease WHERE id = ?").run(id);
}

/** The leases on a limit, oldest first. */
export function leasesOfLimit(store: Store, limitId: string): LeaseRow[] {
  const query = store.statement(
    "SELECT l.* FROM concurrency_lease_limit x JOIN concurrency_lease l ON l.id = x.lease_id WHERE x.limit_id = ? ORDER BY l.created",
  );
  // STRICT table: the columns have these types.
  return query.all(limitId) as unknown as LeaseRow[];
}

/** The leases that a run or a deployment holds. */
export function leasesOfHolder(store: Store, holderId: string): LeaseRow[] {
  const query = store.statement("SELECT * FROM concurrency_lease WHERE holder_id = ? ORDER BY created");
  // STRICT table: the columns have these types.
  return query.all(holderId) as unknown as LeaseRow[];
}

/** Ids of leases whose time is over, at most `count`. */
export function expiredLeases(store: Store, count: number): string[] {
  const query = store.statement("SELECT id FROM concurrency_lease WHERE expires <= ? ORDER BY expires LIMIT ?");
  return query.all(store.nowUs(), count).map(({ id }) => String(id));
}
