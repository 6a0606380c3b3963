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
import { endLease, insertLease, leasesOfLimit } from "../concurrency/concurrency-leases.ts";
import {
  deleteLimit,
  insertLimit,
  limitById,
  limitByName,
  limitsByName,
  longestWaitSeconds,
  takeSlots,
  updateLimit,
  type ConcurrencyLimitRow,
} from "../concurrency/concurrency-limits.ts";
import type { Store } from "../db/store.ts";
import { bounds } from "../queries/read-runs.ts";
import { param, type Handlers } from "./handler.ts";

/** A slot that was taken without a lease time is held for a century: until it is given back. */
const UNLIMITED_SECONDS = 100 * 365 * 86_400;
const PREFIX = "tag:";

/** Concurrency limits of tags, as older clients know them. Bodies have the shapes of the route table's schemas. */
export const concurrencyLimitHandlers: Handlers = {
  "POST /concurrency_limits/": async (call, { store }) => {
    const { tag, concurrency_limit: limit } = call.body as ConcurrencyLimitCreate;
    const name = PREFIX + tag;
    if (limit < 0) throw new Refusal(422, "Concurrency limit must be greater than or equal to 0");
    const { row, isNew } = await store.write(() => {
      const known = limitByName(store, name);
      if (known) updateLimit(store, known, { max_slots: limit });
      const made = known ?? insertLimit(store, { name, max_slots: limit });
      return { row: found(made && limitById(store, made.id)), isNew: !known };
    });
    return reply(isNew ? 201 : 200, await store.read(() => limitBody(store, row)));
  },
  "GET /concurrency_limits/{id}": async (call, { store }) =>
    reply(200, await store.read(() => limitBody(store, ofTag(limitById(store, param(call, "id")))))),
  "GET /concurrency_limits/tag/{tag}": async (call, { store }) =>
    reply(200, await store.read(() => limitBody(store, found(limitByName(store, PREFIX + param(call, "tag")))))),
  "POST /concurrency_limits/filter": async (call, { store }) => {
    const sql = "SELECT * FROM concurrency_limit WHERE name LIKE 'tag:%' ORDER BY name LIMIT ? OFFSET ?";
    const bodies = await store.read(() => {
      // STRICT table: the columns have these types.
      const rows = store.query(sql, bounds(call.body as ReadConcurrencyLimitsBody)) as unknown as ConcurrencyLimitRow[];
      return rows.map((row) => limitBody(store, row));
    });
    return reply(200, bodies);
  },
  "POST /concurrency_limits/tag/{tag}/reset": async (call, { store }) => {
    const { slot_override: holders } = call.body as ResetConcurrencyLimitByTagBody;
    await store.write(() => {
      const row = found(limitByName(store, PREFIX + param(call, "tag")));
      for (const { id } of leasesOfLimit(store, row.id)) endLease(store, id);
      updateLimit(store, row, { active_slots: 0 });
      for (const id of holders ?? []) {
        takeSlots(store, limitsByName(store, [row.name]), 1);
        insertLease(store, { limits: [row], slots: 1, seconds: UNLIMITED_SECONDS, holder: { type: "task_run", id } });
      }
    });
    return reply(200, null);
  },
  "DELETE /concurrency_limits/{id}": async (call, { store }) => {
    await store.write(() => deleteLimit(store, ofTag(limitById(store, param(call, "id"))).id));
    return reply(200, null);
  },
  "DELETE /concurrency_limits/tag/{tag}": async (call, { store }) => {
    await store.write(() => deleteLimit(store, found(limitByName(store, PREFIX + param(call, "tag"))).id));
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
        names.map((name) => PREFIX + name),
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

function increment(store: Store, tags: readonly string[], taskRunId: string): MinimalConcurrencyLimitResponse[] {
  const limits = limitsByName(
    store,
    tags.map((tag) => PREFIX + tag),
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
    const headers = { "retry-after": String(longestWaitSeconds(first.name)) };
    throw new Refusal(423, `Concurrency limit for the ${tagOf(first)} tag has been reached`, headers);
  }
  const holder = { type: "task_run", id: taskRunId } as const;
  insertLease(store, { limits: active, slots: 1, seconds: UNLIMITED_SECONDS, holder });
  return active.map((row) => ({ id: row.id, name: tagOf(row), limit: row.max_slots }));
}

function tagOf({ name }: ConcurrencyLimitRow): string {
  return name.slice(PREFIX.length);
}

function found(row: ConcurrencyLimitRow | undefined): ConcurrencyLimitRow {
  if (!row) throw new Refusal(404, "Concurrency limit not found");
  return row;
}

function ofTag(row: ConcurrencyLimitRow | undefined): ConcurrencyLimitRow {
  return found(row?.name.startsWith(PREFIX) ? row : undefined);
}

function limitBody(store: Store, row: ConcurrencyLimitRow): ConcurrencyLimit {
  const holders = leasesOfLimit(store, row.id).filter(({ holder_type }) => holder_type === "task_run");
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    tag: tagOf(row),
    concurrency_limit: row.max_slots,
    active_slots: holders.flatMap(({ holder_id }) => holder_id ?? []),
  };
}
