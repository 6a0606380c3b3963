import type {
  ConcurrencyLimit,
  ConcurrencyLimitCreate,
  DecrementConcurrencyLimitsV1Body,
  IncrementConcurrencyLimitsV1Body,
  MinimalConcurrencyLimitResponse,
  ReadConcurrencyLimitsBody,
  ResetConcurrencyLimitByTagBody,
} from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { Refusal, reply } from "../api-reply.ts";
import { tellLimit } from "../concurrency/concurrency-events.ts";
import { endLease, insertLease, leasesOfLimit } from "../concurrency/concurrency-leases.ts";
import {
  deleteLimit,
  insertLimit,
  limitById,
  limitByName,
  limitsByName,
  longestWaitSeconds,
  readLimits,
  TAG_PREFIX,
  takeSlots,
  updateLimit,
  type ConcurrencyLimitRow,
} from "../concurrency/concurrency-limits.ts";
import type { Store } from "../db/store.ts";
import { bounds } from "../queries/read-runs.ts";
import type { ServerCore } from "../server-core.ts";
import { param, type Handlers } from "./handler.ts";

/** Concurrency limits of tags, as older clients know them. Bodies have the shapes of the route table's schemas. */
export const concurrencyLimitHandlers: Handlers = {
  "POST /concurrency_limits/": async (call, core) => {
    const { tag, concurrency_limit: limit } = call.body as ConcurrencyLimitCreate;
    const { store, events } = core;
    const name = TAG_PREFIX + tag;
    const { row, isNew } = await store.write(() => {
      const known = limitByName(store, name);
      const made = found(
        known ? updateLimit(store, known, { max_slots: limit }) : insertLimit(store, { name, max_slots: limit }),
      );
      tellLimit(events, known ? "updated" : "created", made);
      return { row: made, isNew: !known };
    });
    return reply(isNew ? 201 : 200, await store.read(() => limitBody(store, row)));
  },
  "GET /concurrency_limits/{id}": async (call, { store }) =>
    reply(200, await store.read(() => limitBody(store, ofTag(limitById(store, param(call, "id")))))),
  "GET /concurrency_limits/tag/{tag}": async (call, { store }) =>
    reply(200, await store.read(() => limitBody(store, found(limitByName(store, TAG_PREFIX + param(call, "tag")))))),
  "POST /concurrency_limits/filter": async (call, { store }) => {
    const [limit, offset] = bounds(call.body as ReadConcurrencyLimitsBody);
    const bodies = await store.read(() => {
      // As in the contract, pages are cut from the limits of all kinds, of which those of tags are then shown.
      const known = readLimits(store, limit + offset).filter(({ name }) => name.startsWith(TAG_PREFIX));
      return known.slice(offset, offset + limit).map((row) => limitBody(store, row));
    });
    return reply(200, bodies);
  },
  "POST /concurrency_limits/tag/{tag}/reset": async (call, { store }) => {
    const { slot_override: holders } = call.body as ResetConcurrencyLimitByTagBody;
    await store.write(() => {
      const row = found(limitByName(store, TAG_PREFIX + param(call, "tag")));
      reset(store, row, holders ?? []);
    });
    return reply(200, null);
  },
  "DELETE /concurrency_limits/{id}": async (call, core) => {
    await core.store.write(() => remove(core, found(limitById(core.store, param(call, "id")))));
    return reply(200, null);
  },
  "DELETE /concurrency_limits/tag/{tag}": async (call, core) => {
    await core.store.write(() => remove(core, found(limitByName(core.store, TAG_PREFIX + param(call, "tag")))));
    return reply(200, null);
  },
  "POST /concurrency_limits/increment": async (call, { store }) => {
    const { names, task_run_id } = call.body as IncrementConcurrencyLimitsV1Body;
    return reply(200, await store.write(() => increment(store, names, task_run_id)));
  },
  "POST /concurrency_limits/decrement": async (call, { store }) => {
    const { names, task_run_id } = call.body as DecrementConcurrencyLimitsV1Body;
    const limits = await store.write(() => {
      const rows = limitsByName(
        store,
        names.map((name) => TAG_PREFIX + name),
      );
      const leases = rows
        .flatMap(({ id }) => leasesOfLimit(store, id))
        .filter(({ holder_id }) => holder_id === task_run_id);
      for (const id of new Set(leases.map((lease) => lease.id))) endLease(store, id);
      return rows;
    });
    return reply(
      200,
      limits.map(({ id, name, max_slots }) => ({ id, name, limit: max_slots })),
    );
  },
};

/** Frees all slots, also those that were taken without a lease, and gives one each to the task runs that are named. */
function reset(store: Store, row: ConcurrencyLimitRow, holders: readonly string[]): void {
  for (const { id } of leasesOfLimit(store, row.id)) endLease(store, id);
  const emptied = found(limitById(store, row.id));
  updateLimit(store, emptied, { active_slots: holders.length });
  for (const id of holders) {
    const holder = { type: "task_run", id } as const;
    insertLease(store, { limits: [{ ...row, active: 1 }], slots: 1, seconds: Infinity, holder });
  }
}

function remove({ store, events }: ServerCore, row: ConcurrencyLimitRow): void {
  for (const { id } of leasesOfLimit(store, row.id)) endLease(store, id);
  deleteLimit(store, row.id);
  tellLimit(events, "deleted", row);
}

function increment(store: Store, tags: readonly string[], taskRunId: string): MinimalConcurrencyLimitResponse[] {
  const limits = limitsByName(
    store,
    tags.map((tag) => TAG_PREFIX + tag),
  );
  const dead = limits.find(({ max_slots }) => max_slots === 0);
  if (dead)
    throw new Refusal(
      423,
      `The concurrency limit on tag "${tagOf(dead)}" is 0 and will deadlock if the task tries to run again.`,
    );
  const active = limits.filter((row) => row.active === 1);
  const [first] = active;
  if (!first) return [];
  if (!takeSlots(store, active, 1)) {
    const headers = { "retry-after": String(longestWaitSeconds(first)) };
    throw new Refusal(423, `Concurrency limit for the ${tagOf(first)} tag has been reached`, headers);
  }
  const holder = { type: "task_run", id: taskRunId } as const;
  insertLease(store, { limits: active, slots: 1, seconds: Infinity, holder });
  return active.map((row) => ({ id: row.id, name: tagOf(row), limit: row.max_slots }));
}

function tagOf({ name }: ConcurrencyLimitRow): string {
  return name.slice(TAG_PREFIX.length);
}

function found(row: ConcurrencyLimitRow | undefined): ConcurrencyLimitRow {
  if (!row) throw new Refusal(404, "Concurrency limit not found");
  return row;
}

function ofTag(row: ConcurrencyLimitRow | undefined): ConcurrencyLimitRow {
  return found(row?.name.startsWith(TAG_PREFIX) ? row : undefined);
}

function limitBody(store: Store, row: ConcurrencyLimitRow): ConcurrencyLimit {
  const now = store.nowUs();
  const holders = leasesOfLimit(store, row.id).filter(
    (lease) => lease.holder_type === "task_run" && lease.expires > now,
  );
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    tag: tagOf(row),
    concurrency_limit: row.max_slots,
    active_slots: holders.flatMap(({ holder_id }) => holder_id ?? []),
  };
}
