/**
 * Concurrency limits and their slots.
 *
 * A limit with a decay frees its slots by time (a rate limit); one without keeps them until they are given back. `updated` is when the columns were last
 * true: what has decayed since is reckoned when they are read. Slots are taken of several limits at once, or of none. There is one writer, so nothing
 * happens between a look and a taking in one write.
 */
import {
  activeSlotsAfter,
  decayedDenials,
  deniedSlotsAfter,
  occupancyAfter,
  type SlotCounts,
} from "../../rules/index.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";

/** A concurrency limit as stored. */
export interface ConcurrencyLimitRow extends SlotCounts {
  readonly id: string;
  /** `tag:<tag>` for the limit of a tag, `deployment:<id>` for that of a deployment. */
  readonly name: string;
  /** 0 for a limit that limits nothing. */
  readonly active: number;
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

/** What the name of a tag's limit begins with. */
export const TAG_PREFIX = "tag:";

const FIRST_OCCUPANCY_SECONDS = 2;
const LONGEST_WAIT_SECONDS = 30;
const LONGEST_WAIT_FOR_TAG_SECONDS = 10;

/** Longest that a caller is told to wait for a slot of a limit without decay, in seconds. */
export function longestWaitSeconds({ name }: Pick<ConcurrencyLimitRow, "name">): number {
  return name.startsWith(TAG_PREFIX) ? LONGEST_WAIT_FOR_TAG_SECONDS : LONGEST_WAIT_SECONDS;
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

/** The limits of these names, in the order of the names; unknown names have none. */
export function limitsByName(store: Store, names: readonly string[]): ConcurrencyLimitRow[] {
  return [...new Set(names)].toSorted().flatMap((name) => limitByName(store, name) ?? []);
}

/** A page of the limits, in the order of their names. */
export function readLimits(store: Store, limit: number, offset = 0): ConcurrencyLimitRow[] {
  const query = store.statement("SELECT * FROM concurrency_limit ORDER BY name LIMIT ? OFFSET ?");
  // STRICT table: the columns have these types.
  return query.all(limit, offset) as unknown as ConcurrencyLimitRow[];
}

/** Changes what is given. Runs inside a write. @returns the limit after it; undefined when the new name is taken */
export function updateLimit(
  store: Store,
  row: ConcurrencyLimitRow,
  change: Partial<ConcurrencyLimitValues>,
): ConcurrencyLimitRow | undefined {
  if (change.name !== undefined && change.name !== row.name && limitByName(store, change.name)) return undefined;
  const now = store.nowUs();
  const { active, ...numbers } = change;
  // What has decayed so far decayed by the old rate.
  const counts = { active_slots: activeSlots(row, now), denied_slots: deniedSlots(row, now) };
  const columns = { ...counts, ...numbers, ...(active === undefined ? {} : { active: active ? 1 : 0 }), updated: now };
  const names = Object.keys(columns);
  store
    .statement(`UPDATE concurrency_limit SET ${names.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`)
    .run(...Object.values(columns), row.id);
  return { ...row, ...columns };
}

/** Takes a limit away; leases of it hold what they hold of others. Runs inside a write. */
export function deleteLimit(store: Store, id: string): void {
  store.statement("DELETE FROM concurrency_lease_limit WHERE limit_id = ?").run(id);
  store.statement("DELETE FROM concurrency_limit WHERE id = ?").run(id);
}

/** The slots of a limit that are taken now, after what has decayed. */
export function activeSlots(row: ConcurrencyLimitRow, nowUs: number): number {
  return activeSlotsAfter(row, (nowUs - row.updated) / 1e6);
}

/** Whether so many slots of a limit can be taken now; never of one that is not active. */
export function hasFreeSlots(row: ConcurrencyLimitRow, slots: number, nowUs: number): boolean {
  return row.active === 1 && activeSlots(row, nowUs) + slots <= row.max_slots;
}

function deniedSlots(row: ConcurrencyLimitRow, nowUs: number): number {
  return deniedSlotsAfter(row, (nowUs - row.updated) / 1e6, longestWaitSeconds(row));
}

/**
 * Takes slots of every limit, or of none when one has too few left. Limits that are not active are passed by. Runs inside a write.
 *
 * @param limits read in this write
 * @returns whether the slots are taken
 */
export function takeSlots(store: Store, limits: readonly ConcurrencyLimitRow[], slots: number): boolean {
  const now = store.nowUs();
  const counting = limits.filter(({ active }) => active === 1);
  if (!counting.every((row) => hasFreeSlots(row, slots, now))) return false;
  for (const row of counting) writeSlots(store, row, { active: activeSlots(row, now) + slots, now });
  return true;
}

/**
 * Notes that slots were asked for in vain: the next who asks is told to wait longer. Runs inside a write.
 *
 * `updated` stays, so that whoever asks all the time does not put off what comes free by time.
 */
export function noteDenied(store: Store, limits: readonly ConcurrencyLimitRow[], slots: number): void {
  const now = store.nowUs();
  const update = store.statement("UPDATE concurrency_limit SET denied_slots = ? WHERE id = ?");
  for (const row of limits.filter(({ active }) => active === 1)) {
    const forgotten = decayedDenials(row, (now - row.updated) / 1e6, longestWaitSeconds(row));
    update.run(deniedSlots(row, now) + forgotten + slots, row.id);
  }
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
    if (row) writeSlots(store, row, { active: Math.max(0, activeSlots(row, now) - given.slots), now, held: given });
  }
}

interface SlotChange {
  readonly active: number;
  readonly now: number;
  readonly held?: { readonly slots: number; readonly occupancySeconds?: number | undefined };
}

function writeSlots(store: Store, row: ConcurrencyLimitRow, { active, now, held }: SlotChange): void {
  const average = held?.occupancySeconds
    ? occupancyAfter(row, held.slots, held.occupancySeconds)
    : row.avg_slot_occupancy_seconds;
  store
    .statement(
      "UPDATE concurrency_limit SET active_slots = ?, denied_slots = ?, avg_slot_occupancy_seconds = ?, updated = ? WHERE id = ?",
    )
    .run(active, deniedSlots(row, now), average, now, row.id);
}
