import type {
  BulkDecrementActiveSlotsBody,
  BulkDecrementActiveSlotsWithLeaseBody,
  BulkIncrementActiveSlotsBody,
  BulkIncrementActiveSlotsWithLeaseBody,
  ConcurrencyLimitV2,
  ConcurrencyLimitV2Create,
  ConcurrencyLimitV2Update,
  MinimalConcurrencyLimitResponse,
  ReadAllConcurrencyLimitsV2Body,
  RenewConcurrencyLeaseBody,
} from "../../wire/contract/shapes.ts";
import { averageWaitSeconds, jitteredWait } from "../../rules/index.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { DATA_CONFLICT, InvalidRequest, Refusal, reply } from "../api-reply.ts";
import { tellLimit } from "../concurrency/concurrency-events.ts";
import { endLease, insertLease, renewLease } from "../concurrency/concurrency-leases.ts";
import {
  deleteLimit,
  giveSlotsBack,
  insertLimit,
  limitById,
  limitByName,
  limitsByName,
  longestWaitSeconds,
  noteDenied,
  readLimits,
  takeSlots,
  updateLimit,
  type ConcurrencyLimitRow,
  type ConcurrencyLimitValues,
} from "../concurrency/concurrency-limits.ts";
import { globalLimitBody } from "../concurrency/render-limit.ts";
import type { Store } from "../db/store.ts";
import { bounds } from "../queries/read-runs.ts";
import { canonicalId, isUuid } from "../request/match-route.ts";
import { param, type Handlers } from "./handler.ts";

const DEFAULT_LEASE_SECONDS = 300;

/** Global concurrency limits, their slots and leases. Bodies have the shapes of the route table's schemas. */
export const concurrencyLimitV2Handlers: Handlers = {
  "POST /v2/concurrency_limits/": async (call, core) => {
    const { limit, ...body } = call.body as ConcurrencyLimitV2Create;
    const row = await core.store.write(() => {
      const made = insertLimit(core.store, { ...body, max_slots: limit });
      if (made) tellLimit(core.events, "created", made);
      return made;
    });
    if (!row) throw new Refusal(409, DATA_CONFLICT);
    return reply(201, limitV2Body(row));
  },
  "GET /v2/concurrency_limits/{id_or_name}": async (call, { store }) => {
    const row = await store.read(() => found(store, param(call, "id_or_name")));
    return reply(200, globalLimitBody(row, store.nowUs()));
  },
  "POST /v2/concurrency_limits/filter": async (call, { store }) => {
    const [limit, offset] = bounds(call.body as ReadAllConcurrencyLimitsV2Body);
    const rows = await store.read(() => readLimits(store, limit, offset));
    return reply(
      200,
      rows.map((row) => globalLimitBody(row, store.nowUs())),
    );
  },
  "PATCH /v2/concurrency_limits/{id_or_name}": async (call, core) => {
    const body = call.body as ConcurrencyLimitV2Update;
    await core.store.write(() => {
      const after = updateLimit(core.store, found(core.store, param(call, "id_or_name")), changeOf(body));
      if (!after) throw new Refusal(409, DATA_CONFLICT);
      tellLimit(core.events, "updated", after);
    });
    return reply(204);
  },
  "DELETE /v2/concurrency_limits/{id_or_name}": async (call, core) => {
    await core.store.write(() => {
      const row = found(core.store, param(call, "id_or_name"));
      deleteLimit(core.store, row.id);
      tellLimit(core.events, "deleted", row);
    });
    return reply(204);
  },
  "POST /v2/concurrency_limits/increment": async (call, { store }) => {
    const { limits, isTaken } = await acquire(store, call.body as BulkIncrementActiveSlotsBody, () => "");
    if (isTaken === undefined) throw locked(limits, (call.body as BulkIncrementActiveSlotsBody).slots);
    return reply(200, limits.map(minimalBody));
  },
  "POST /v2/concurrency_limits/increment-with-lease": async (call, { store }) => {
    const body = call.body as BulkIncrementActiveSlotsWithLeaseBody;
    const { slots, holder, lease_duration: seconds = DEFAULT_LEASE_SECONDS } = body;
    const { limits, isTaken: leaseId } = await acquire(store, body, (taken) =>
      insertLease(store, { limits: taken, slots, seconds, holder }),
    );
    if (leaseId === undefined) throw locked(limits, slots);
    return reply(200, { lease_id: leaseId, limits: limits.map(minimalBody) });
  },
  "POST /v2/concurrency_limits/decrement": async (call, { store }) => {
    const { names, slots, occupancy_seconds } = call.body as BulkDecrementActiveSlotsBody;
    const limits = await store.write(() => {
      const rows = limitsByName(store, names);
      const ids = rows.filter(({ active }) => active === 1).map(({ id }) => id);
      giveSlotsBack(store, ids, { slots, occupancySeconds: occupancy_seconds ?? undefined });
      return rows;
    });
    return reply(200, limits.map(minimalBody));
  },
  "POST /v2/concurrency_limits/decrement-with-lease": async (call, { store }) => {
    const { lease_id } = call.body as BulkDecrementActiveSlotsWithLeaseBody;
    await store.write(() => endLease(store, lease_id));
    return reply(204);
  },
  "POST /v2/concurrency_limits/leases/{lease_id}/renew": async (call, { store }) => {
    const id = param(call, "lease_id");
    if (!isUuid(id)) {
      const msg = "Input should be a valid UUID";
      throw new InvalidRequest([{ type: "uuid_parsing", loc: ["path", "lease_id"], msg, input: id }]);
    }
    const { lease_duration: seconds = DEFAULT_LEASE_SECONDS } = call.body as RenewConcurrencyLeaseBody;
    const isRenewed = await store.write(() => renewLease(store, canonicalId(id), seconds));
    if (!isRenewed) throw new Refusal(410, "Lease not found - it may have expired or been revoked");
    return reply(204);
  },
};

interface Wanted {
  readonly names: readonly string[];
  readonly slots: number;
  readonly mode?: "concurrency" | "rate_limit";
}

/** Takes the slots of all limits of these names; `then` runs in the same write when they are taken. */
async function acquire<T>(
  store: Store,
  { names, slots, mode }: Wanted,
  then: (limits: readonly ConcurrencyLimitRow[]) => T,
): Promise<{ readonly limits: readonly ConcurrencyLimitRow[]; readonly isTaken: T | undefined }> {
  return store.write(() => {
    const limits = limitsByName(store, names);
    const active = limits.filter((row) => row.active === 1);
    if (active.some(({ max_slots }) => max_slots < slots))
      throw new Refusal(422, "Slots requested is greater than the limit");
    const steady = active.filter((row) => row.slot_decay_per_second === 0).map(({ name }) => name);
    if (mode === "rate_limit" && steady.length > 0) {
      throw new Refusal(
        422,
        `Only concurrency limits with slot decay can be used for rate limiting. The following limits do not have a decay configured: '${steady.join(",")}'`,
      );
    }
    if (takeSlots(store, limits, slots)) return { limits, isTaken: then(limits) };
    noteDenied(store, limits, slots);
    return { limits, isTaken: undefined };
  });
}

/** Tells when to ask again: about when the slots that are waited for come free. */
function locked(limits: readonly ConcurrencyLimitRow[], slots: number): Refusal {
  const active = limits.filter((row) => row.active === 1);
  const average = averageWaitSeconds(active, slots, longestWaitSeconds);
  return new Refusal(423, "Locked", { "retry-after": String(jitteredWait(average, Math.random())) });
}

/** What a body changes. @throws Refusal 409 for null, which no part of a limit can be */
function changeOf({ limit, ...rest }: ConcurrencyLimitV2Update): Partial<ConcurrencyLimitValues> {
  const given = { ...rest, ...(limit === undefined ? {} : { max_slots: limit }) };
  if (Object.values(given).includes(null)) throw new Refusal(409, DATA_CONFLICT);
  // Just seen to hold no null.
  return given as Partial<ConcurrencyLimitValues>;
}

function found(store: Store, idOrName: string): ConcurrencyLimitRow {
  const row = isUuid(idOrName) ? limitById(store, canonicalId(idOrName)) : limitByName(store, idOrName);
  if (!row) throw new Refusal(404, "Concurrency Limit not found");
  return row;
}

function minimalBody({ id, name, max_slots }: ConcurrencyLimitRow): MinimalConcurrencyLimitResponse {
  return { id, name, limit: max_slots };
}

function limitV2Body(row: ConcurrencyLimitRow): ConcurrencyLimitV2 {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    active: row.active === 1,
    name: row.name,
    limit: row.max_slots,
    active_slots: row.active_slots,
    denied_slots: row.denied_slots,
    slot_decay_per_second: row.slot_decay_per_second,
    avg_slot_occupancy_seconds: row.avg_slot_occupancy_seconds,
  };
}
