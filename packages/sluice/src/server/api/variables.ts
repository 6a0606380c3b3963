import type {
  CountVariablesBody,
  ReadVariablesBody,
  Variable,
  VariableCreate,
  VariableFilter,
  VariableUpdate,
} from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { DATA_CONFLICT, InvalidRequest, Refusal, reply } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { tellVariable } from "../events/object-events.ts";
import { combine, hasTags, isAny, isLike, member, type Condition } from "../queries/condition.ts";
import { tagsOf } from "../queries/filter-runs.ts";
import { bounds } from "../queries/read-runs.ts";
import { quoteName } from "../request/quote-name.ts";
import { valueFault } from "../request/faults.ts";
import type { ServerCore } from "../server-core.ts";
import { param, type Handlers, type RouteCall } from "./handler.ts";

interface VariableRow {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly tags: string;
  readonly created: number;
  readonly updated: number;
}

type Key = "id" | "name";

const ORDER: Readonly<Record<string, string>> = {
  CREATED_DESC: "v.created DESC",
  UPDATED_DESC: "v.updated DESC",
  NAME_DESC: "v.name DESC",
  NAME_ASC: "v.name ASC",
};
const NAME = /^[a-z0-9_]*$/;
const MAX_VALUE_CHARACTERS = 5000;

/** Variables: JSON values by name. Bodies have the shapes of the route table's schemas. */
export const variableHandlers: Handlers = {
  "POST /variables/": async (call, { store, events }) => {
    const body = call.body as VariableCreate;
    checkName(body);
    checkValue(body);
    const row = await store.write(() => {
      if (byKey(store, "name", body.name))
        throw new Refusal(409, `A variable with the name ${quoteName(body.name)} already exists.`);
      const now = store.nowUs();
      const id = newId(now);
      store
        .statement("INSERT INTO variable (id, name, value, tags, created, updated) VALUES (?, ?, ?, ?, ?, ?)")
        .run(id, body.name, JSON.stringify(body.value ?? null), JSON.stringify(body.tags ?? []), now, now);
      const made = found(byKey(store, "id", id));
      tellVariable(events, "created", made);
      return made;
    });
    return reply(201, variableBody(row));
  },
  "GET /variables/{id}": (call, { store }) => read(call, store, "id"),
  "GET /variables/name/{name}": (call, { store }) => read(call, store, "name"),
  "PATCH /variables/{id}": (call, core) => update(call, core, "id"),
  "PATCH /variables/name/{name}": (call, core) => update(call, core, "name"),
  "DELETE /variables/{id}": (call, core) => remove(call, core, "id"),
  "DELETE /variables/name/{name}": (call, core) => remove(call, core, "name"),
  "POST /variables/filter": async (call, { store }) => {
    const body = call.body as ReadVariablesBody;
    const where = conditionOf(body.variables);
    const order = ORDER[body.sort ?? "NAME_ASC"] ?? "v.name";
    const sql = `SELECT v.* FROM variable v WHERE ${where.sql} ORDER BY ${order}, v.no LIMIT ? OFFSET ?`;
    const rows = await store.read(() => store.query(sql, [...where.parameters, ...bounds(body)]));
    // STRICT table: the columns have these types.
    return reply(
      200,
      rows.map((row) => variableBody(row as unknown as VariableRow)),
    );
  },
  "POST /variables/count": async (call, { store }) => {
    const where = conditionOf((call.body as CountVariablesBody).variables);
    const sql = `SELECT count(*) AS n FROM variable v WHERE ${where.sql}`;
    const [row] = await store.read(() => store.query(sql, where.parameters));
    return reply(200, row?.["n"]);
  },
};

async function read(call: RouteCall, store: Store, key: Key) {
  return reply(200, variableBody(found(await store.read(() => byKey(store, key, param(call, key))))));
}

async function update(call: RouteCall, { store, events }: ServerCore, key: Key) {
  const body = call.body as VariableUpdate;
  checkName(body);
  checkValue(body);
  await store.write(() => {
    const row = found(byKey(store, key, param(call, key)));
    const isTaken = body.name !== undefined && body.name !== row.name && byKey(store, "name", body.name ?? "");
    if (isTaken || body.name === null || body.tags === null) throw new Refusal(409, DATA_CONFLICT);
    store
      .statement("UPDATE variable SET name = ?, value = ?, tags = ?, updated = ? WHERE id = ?")
      .run(
        body.name ?? row.name,
        body.value === undefined ? row.value : JSON.stringify(body.value),
        body.tags ? JSON.stringify(body.tags) : row.tags,
        store.nowUs(),
        row.id,
      );
    tellVariable(events, "updated", found(byKey(store, "id", row.id)));
  });
  return reply(204);
}

async function remove(call: RouteCall, { store, events }: ServerCore, key: Key) {
  await store.write(() => {
    const row = found(byKey(store, key, param(call, key)));
    store.statement("DELETE FROM variable WHERE id = ?").run(row.id);
    tellVariable(events, "deleted", row);
  });
  return reply(204);
}

function byKey(store: Store, key: Key, value: string): VariableRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement(`SELECT * FROM variable WHERE ${key} = ?`).get(value) as VariableRow | undefined;
}

function found(row: VariableRow | undefined): VariableRow {
  if (!row) throw new Refusal(404, "Variable not found.");
  return row;
}

function conditionOf(filter: VariableFilter | null | undefined): Condition {
  if (!filter) return combine([]);
  return combine(
    [
      member(filter.id, isAny("v.id", filter.id?.any_)),
      member(filter.name, isAny("v.name", filter.name?.any_), isLike("v.name", filter.name?.like_)),
      hasTags("v.tags", tagsOf(filter.tags)),
    ],
    filter.operator,
  );
}

function checkName(body: VariableCreate | VariableUpdate): void {
  const { name } = body;
  if (typeof name !== "string" || NAME.test(name)) return;
  const reason = "Variable name must only contain lowercase letters, numbers, and underscores.";
  throw new InvalidRequest([valueFault(["body", "name"], reason, name)], body);
}

function checkValue(body: VariableCreate | VariableUpdate): void {
  if (JSON.stringify(body.value ?? null).length <= MAX_VALUE_CHARACTERS) return;
  const reason = `value must be less than ${MAX_VALUE_CHARACTERS} characters`;
  throw new InvalidRequest([valueFault(["body", "value"], reason, body.value)], body);
}

function variableBody(row: VariableRow): Variable {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    // Written from validated bodies.
    value: JSON.parse(row.value) as Variable["value"],
    tags: JSON.parse(row.tags) as string[],
  };
}
