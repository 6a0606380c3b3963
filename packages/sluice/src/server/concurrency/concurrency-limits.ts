/**
 * Concurrency limits and their slots.
 *
 * A limit with a decay frees its slots by time (a rate limit); one without keeps them until they are given back. `updated` is when the columns were last
 * true: what has decayed since is reckoned when they are read.
 */
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** A concurrency limit as stored. */
export interface ConcurrencyLimitRow {
  readonly id: string;
  /** `tag:<tag>` for the limit of a tag, `deployment:<id>` for that of a deployment. */
  readonly name: string;
  readonly max_slots: number;
  /** 0 for a limit that limits nothing. */
  readonly active: number;
  readonly active_slots: number;
  readonly denied_slots: number;
  readonly slot_decay_per_second: number;
  readonly avg_slot_occupancy_seconds: number;
  readonly created: number;
  readonly updated: number;
}

/** What a limit may be made with, and changed to. */
export interface ConcurrencyLimitValues {
  readonly name: string;
  readonly max_slots: number;
  readonly active: boolean;
  readonly active_slots: number;
  readonly denied_slots: number;
  readonly slot_decay_per_second: number;
}

/** Least time that a slot is taken to be held. */
const LEAST_OCCUPANCY_SECONDS = 0.1;
/** The average is over so many times the limit's slots. */
const SAMPLES_PER_SLOT = 2;
const FIRST_OCCUPANCY_SECONDS = 2;

/** Longest that a caller is told to wait for a slot, in seconds. */
export function longestWaitSeconds(name: string): number {
  return name.startsWith("tag:") ? 10 : 30;
}

/** Stores a new limit. Runs inside a write. @returns undefined when the name is taken */
export function insertLimit(
  store: Store,
  values: Partial<ConcurrencyLimitValues> & Pick<ConcurrencyLimitValues, "name" | "max_slots">,
): ConcurrencyLimitRow | undefined {
  const now = store.nowUs();
  const id = newId(now);
  const { active = true, active_slots = 0, denied_slots = 0, slot_decay_per_second = 0 } = values;
  const { changes } = store
    .statement(
      `INSERT INTO concurrency_limit (id, name, max_slots, active, active_slots, denied_slots, slot_decay_per_second, avg_slot_occupancy_seconds, created, updated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    .run(
      id,
      values.name,
      values.max_slots,
      active ? 1 : 0,
      active_slots,
      denied_slots,
      slot_decay_per_second,
      FIRST_OCCUPANCY_SECONDS,
      now,
      now,
    );
  return changes === 1 ? limitById(store, id) : undefined;
}

/** Finds a limit by id. */
export function limitById(store: Store, id: string): ConcurrencyLimitRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM concurrency_limit WHERE id = ?").get(id) as ConcurrencyLimitRow | undefined;
}

/** Finds a limit by name. */
export function limitByName(store: Store, name: string): ConcurrencyLimitRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM concurrency_limit WHERE name = ?").get(name) as ConcurrencyLimitRow | undefined;
}

/** The limits of these names; unknown names have none. */
export function limitsByName(store: Store, names: readonly string[]): ConcurrencyLimitRow[] {
  return [...new Set(names)].flatMap((name) => limitByName(store, name) ?? []);
}

/** Changes what is given. Runs inside a write. @returns false when the new name is taken */
export function updateLimit(store: Store, row: ConcurrencyLimitRow, change: Partial<ConcurrencyLimitValues>): boolean {
  if (change.name !== undefined && change.name !== row.name && limitByName(store, change.name)) return false;
  const { active, ...numbers } = change;
  const columns = { ...numbers, ...(active === undefined ? {} : { active: active ? 1 : 0 }) };
  const names = Object.keys(columns);
  if (names.length === 0) return true;
  store
    .statement(
      `UPDATE concurrency_limit SET ${names.map((name) => `${name} = ?`).join(", ")}, updated = ? WHERE id = ?`,
    )
    .run(...Object.values(columns), store.nowUs(), row.id);
  return true;
}

/** Takes a limit away, with the leases that hold its slots. Runs inside a write. */
export function deleteLimit(store: Store, id: string): void {
  store
    .statement(
      "DELETE FROM concurrency_lease WHERE id IN (SELECT lease_id FROM concurrency_lease_limit WHERE limit_id = ?)",
    )
    .run(id);
  store.statement("DELETE FROM concurrency_lease_limit WHERE limit_id = ?").run(id);
  store.statement("DELETE FROM concurrency_limit WHERE id = ?").run(id);
}

/** The slots of a limit that are taken now, after what has decayed. */
export function activeSlots(row: ConcurrencyLimitRow, nowUs: number): number {
  const seconds = (nowUs - row.updated) / 1e6;
  return Math.max(0, row.active_slots - Math.floor(row.slot_decay_per_second * seconds));
}

function deniedSlots(row: ConcurrencyLimitRow, nowUs: number): number {
  const seconds = (nowUs - row.updated) / 1e6;
  const occupancy = Math.max(
    LEAST_OCCUPANCY_SECONDS,
    Math.min(row.avg_slot_occupancy_seconds, longestWaitSeconds(row.name)),
  );
  const rate = row.slot_decay_per_second > 0 ? row.slot_decay_per_second : 1 / occupancy;
  return Math.max(0, row.denied_slots - Math.floor(rate * seconds));
}

/**
 * Takes slots of every limit, or of none when one has too few left. Limits that are not active are passed by. Runs inside a write.
 *
 * @returns whether the slots are taken
 */
export function takeSlots(store: Store, limits: readonly ConcurrencyLimitRow[], slots: number): boolean {
  const now = store.nowUs();
  const counting = limits.filter(({ active }) => active === 1);
  if (counting.some((row) => activeSlots(row, now) + slots > row.max_slots)) return false;
  for (const row of counting) writeSlots(store, row, { active: activeSlots(row, now) + slots, now });
  return true;
}

/** Notes that slots were asked for in vain: the next who asks is told to wait longer. Runs inside a write. */
export function noteDenied(store: Store, limits: readonly ConcurrencyLimitRow[], slots: number): void {
  const now = store.nowUs();
  const update = store.statement(
    "UPDATE concurrency_limit SET active_slots = ?, denied_slots = ?, updated = ? WHERE id = ?",
  );
  for (const row of limits.filter(({ active }) => active === 1))
    update.run(activeSlots(row, now), deniedSlots(row, now) + slots, now, row.id);
}

/**
 * Gives slots back. Runs inside a write.
 *
 * @param occupancySeconds how long they were held, from which the average is kept
 */
export function giveSlotsBack(
  store: Store,
  limitIds: readonly string[],
  given: { readonly slots: number; readonly occupancySeconds?: number | undefined },
): void {
  const now = store.nowUs();
  for (const id of limitIds) {
    const row = limitById(store, id);
    if (row?.active === 1)
      writeSlots(store, row, { active: Math.max(0, activeSlots(row, now) - given.slots), now, held: given });
  }
}

interface SlotChange {
  readonly active: number;
  readonly now: number;
  readonly held?: { readonly slots: number; readonly occupancySeconds?: number | undefined };
}

function writeSlots(store: Store, row: ConcurrencyLimitRow, { active, now, held }: SlotChange): void {
  store
    .statement(
      "UPDATE concurrency_limit SET active_slots = ?, denied_slots = ?, avg_slot_occupancy_seconds = ?, updated = ? WHERE id = ?",
    )
    .run(active, deniedSlots(row, now), averageOccupancy(row, held), now, row.id);
}

function averageOccupancy(row: ConcurrencyLimitRow, held: SlotChange["held"]): number {
  const average = row.avg_slot_occupancy_seconds;
  if (!held?.occupancySeconds || row.max_slots === 0) return average;
  const perSlot = Math.max(held.occupancySeconds / held.slots, LEAST_OCCUPANCY_SECONDS);
  return average + (perSlot - average) / (row.max_slots * SAMPLES_PER_SLOT);
}
