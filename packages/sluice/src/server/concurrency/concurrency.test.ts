import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endLease, expiredLeases, leaseSlots, renewLease } from "./concurrency-leases.ts";
import {
  activeSlots,
  giveSlotsBack,
  insertLimit,
  limitByName,
  noteDenied,
  takeSlots,
  updateLimit,
} from "./concurrency-limits.ts";
import { Store } from "../db/store.ts";

let folder: string;
let store: Store;
let now = 0;

const open = (): Store => Store.open(join(folder, "limits.db"), { nowUs: () => (now += 1) });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-limits-"));
  now = 1_700_000_000_000_000;
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function limit(name: string) {
  const row = limitByName(store, name);
  if (!row) throw new Error(`no limit ${name}`);
  return row;
}

test("slots are taken of all limits or of none", async () => {
  await store.write(() => {
    insertLimit(store, { name: "wide", max_slots: 5 });
    insertLimit(store, { name: "narrow", max_slots: 1 });
    expect(takeSlots(store, [limit("wide"), limit("narrow")], 1)).toBe(true);
    expect(takeSlots(store, [limit("wide"), limit("narrow")], 1)).toBe(false);
    expect([limit("wide").active_slots, limit("narrow").active_slots]).toEqual([1, 1]);
  });
});

test("a limit that is not active limits nothing", async () => {
  await store.write(() => {
    insertLimit(store, { name: "off", max_slots: 1, active: false });
    for (let count = 0; count < 3; count++) expect(takeSlots(store, [limit("off")], 1)).toBe(true);
    expect(limit("off").active_slots).toBe(0);
  });
});

test("slots of a rate limit come free by time alone", async () => {
  await store.write(() => {
    insertLimit(store, { name: "rate", max_slots: 2, slot_decay_per_second: 2 });
    expect(takeSlots(store, [limit("rate")], 2)).toBe(true);
    expect(takeSlots(store, [limit("rate")], 1)).toBe(false);
    now += 600_000;
    expect(activeSlots(limit("rate"), now)).toBe(1);
    expect(takeSlots(store, [limit("rate")], 1)).toBe(true);
  });
});

test("how long slots are held is averaged over twice the limit", async () => {
  await store.write(() => {
    insertLimit(store, { name: "avg", max_slots: 2 });
    takeSlots(store, [limit("avg")], 1);
    giveSlotsBack(store, [limit("avg").id], { slots: 1, occupancySeconds: 10 });
    // Asked of prefect 3.8.8: 2 + 10/4 - 2/4.
    expect(limit("avg").avg_slot_occupancy_seconds).toBe(4);
    noteDenied(store, [limit("avg")], 3);
    expect(limit("avg").denied_slots).toBe(3);
  });
});

test("whatever happens to leases, a limit is never exceeded and never leaks, restarts included", async () => {
  const step = fc.oneof(
    fc.record({
      act: fc.constant("take" as const),
      slots: fc.integer({ min: 1, max: 3 }),
      which: fc.integer({ min: 0, max: 2 }),
    }),
    fc.record({ act: fc.constantFrom("end" as const, "renew" as const), at: fc.nat() }),
    fc.record({ act: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ act: fc.constantFrom("expire" as const, "restart" as const) }),
    fc.record({ act: fc.constant("switch" as const), name: fc.constantFrom("a", "b") }),
  );
  const names = ["a", "b"];
  await store.write(() => names.forEach((name, index) => insertLimit(store, { name, max_slots: 3 + index })));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const held = new Map<string, { slots: number; limits: readonly string[] }>();
      for (const one of steps) {
        if (one.act === "wait") now += one.seconds * 1e6;
        if (one.act === "restart") {
          store.close();
          store = open();
        }
        await store.write(() => {
          if (one.act === "take") {
            const limits = one.which === 2 ? names : [names[one.which] ?? "a"];
            const id = leaseSlots(store, { limits: limits.map(limit), slots: one.slots, seconds: 60 });
            const counting = limits.filter((name) => limit(name).active === 1);
            if (id !== undefined) held.set(id, { slots: one.slots, limits: counting });
          }
          if (one.act === "end" || one.act === "renew") {
            const id = [...held.keys()][one.at % Math.max(1, held.size)];
            if (id !== undefined && one.act === "renew") renewLease(store, id, 60);
            if (id !== undefined && one.act === "end" && endLease(store, id)) held.delete(id);
          }
          if (one.act === "switch") updateLimit(store, limit(one.name), { active: limit(one.name).active === 0 });
          if (one.act === "expire") {
            for (const id of expiredLeases(store, 100)) {
              endLease(store, id);
              held.delete(id);
            }
          }
        });
        for (const name of names) {
          const owned = [...held.values()].filter(({ limits }) => limits.includes(name));
          expect(limit(name).active_slots).toBe(owned.reduce((sum, { slots }) => sum + slots, 0));
          expect(limit(name).active_slots).toBeLessThanOrEqual(limit(name).max_slots);
        }
      }
      await store.write(() => [...held.keys()].forEach((id) => endLease(store, id)));
      expect(names.map((name) => limit(name).active_slots)).toEqual([0, 0]);
    }),
    { numRuns: 64 },
  );
});
