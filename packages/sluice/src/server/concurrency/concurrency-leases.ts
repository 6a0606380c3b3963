/**
 * Leases: slots that are given back when nobody says in time that they are still needed.
 *
 *   taken -> renewed, any number of times -> ended by its holder, or by the repossessor once its time is over.
 *
 * A lease is a row written with the slots that it holds, so neither a restart nor a kill leaves a slot without a holder that can lose it. All functions run
 * inside a write.
 *
 * Invariants: 1. a lease gives back exactly what it took, once, also when a limit of it was switched off or on meanwhile; 2. a lease whose time is over
 * counts, and can be renewed, until somebody ends it; 3. ending or renewing one that is gone changes nothing.
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
  /** A new one when left out. */
  readonly id?: string;
  /** Read in this write. */
  readonly limits: readonly ConcurrencyLimitRow[];
  /** Of each limit that is active. */
  readonly slots: number;
  /** Infinity for a lease that ends with its holder only. */
  readonly seconds: number;
  readonly holder?: LeaseHolder | null | undefined;
}

/** Takes slots of every limit under a lease. @returns the lease's id; undefined when a limit has too few slots left */
export function leaseSlots(store: Store, lease: NewLease): string | undefined {
  return takeSlots(store, lease.limits, lease.slots) ? insertLease(store, lease) : undefined;
}

/** Stores a lease on slots that were taken. @returns its id */
export function insertLease(store: Store, lease: NewLease): string {
  const { limits, slots, seconds, holder } = lease;
  const now = store.nowUs();
  const id = lease.id ?? newId(now);
  store
    .statement(
      "INSERT INTO concurrency_lease (id, slots, expires, holder_type, holder_id, created) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .run(id, slots, endUs(now, seconds), holder?.type ?? null, holder?.id ?? null, now);
  const insert = store.statement("INSERT INTO concurrency_lease_limit (lease_id, limit_id) VALUES (?, ?)");
  for (const limit of limits) if (limit.active === 1) insert.run(id, limit.id);
  return id;
}

function endUs(nowUs: number, seconds: number): number {
  return Number.isFinite(seconds) ? nowUs + Math.round(seconds * 1e6) : Number.MAX_SAFE_INTEGER;
}

/** Finds a lease, expired or not. */
export function leaseById(store: Store, id: string): LeaseRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM concurrency_lease WHERE id = ?").get(id) as LeaseRow | undefined;
}

/** Moves the end of a lease to `seconds` from now. @returns false when it is gone */
export function renewLease(store: Store, id: string, seconds: number): boolean {
  const update = store.statement("UPDATE concurrency_lease SET expires = ? WHERE id = ?");
  return update.run(endUs(store.nowUs(), seconds), id).changes === 1;
}

/** Ends a lease and gives its slots back. @returns false when it is gone */
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
  store.statement("DELETE FROM concurrency_lease_limit WHERE lease_id = ?").run(id);
  store.statement("DELETE FROM concurrency_lease WHERE id = ?").run(id);
  return true;
}

/** Ends all leases of a run or a deployment. */
export function endLeasesOf(store: Store, holderId: string): void {
  for (const { id } of leasesOfHolder(store, holderId)) endLease(store, id);
}

/** The leases on a limit, those whose time is over included, oldest first. */
export function leasesOfLimit(store: Store, limitId: string): LeaseRow[] {
  const query = store.statement(
    "SELECT l.* FROM concurrency_lease_limit x JOIN concurrency_lease l ON l.id = x.lease_id WHERE x.limit_id = ? ORDER BY l.id",
  );
  // STRICT table: the columns have these types.
  return query.all(limitId) as unknown as LeaseRow[];
}

/** The leases that a run or a deployment holds. */
export function leasesOfHolder(store: Store, holderId: string): LeaseRow[] {
  const query = store.statement("SELECT * FROM concurrency_lease WHERE holder_id = ? ORDER BY id");
  // STRICT table: the columns have these types.
  return query.all(holderId) as unknown as LeaseRow[];
}

/** Ids of leases whose time is over, at most `count`. */
export function expiredLeases(store: Store, count: number): string[] {
  const query = store.statement("SELECT id FROM concurrency_lease WHERE expires <= ? LIMIT ?");
  return query.all(store.nowUs(), count).map(({ id }) => String(id));
}
