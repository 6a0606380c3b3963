import type { ReadSavedSearchesBody, SavedSearch, SavedSearchCreate } from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { Refusal, reply } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { bounds } from "../queries/read-runs.ts";
import { found, param, type Handlers } from "./handler.ts";

interface SavedSearchRow {
  readonly id: string;
  readonly name: string;
  readonly filters: string;
  readonly created: number;
  readonly updated: number;
}

/** Searches that users of a web page keep by name. Bodies have the shapes of the route table's schemas. */
export const savedSearchHandlers: Handlers = {
  "PUT /saved_searches/": async (call, { store }) => {
    const { name, filters: given = [] } = call.body as SavedSearchCreate;
    const filters = given.map(({ object, property, type, operation, value }) => ({
      object,
      property,
      type,
      operation,
      value,
    }));
    const { row, isNew } = await store.write(() => {
      const known = store.statement("SELECT id FROM saved_search WHERE name = ?").get(name);
      const now = store.nowUs();
      const id = newId(now);
      store
        .statement(
          `INSERT INTO saved_search (id, name, filters, created, updated) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET filters = excluded.filters, updated = excluded.updated`,
        )
        .run(id, name, JSON.stringify(filters), now, now);
      return { row: byId(store, known ? String(known["id"]) : id), isNew: !known };
    });
    return reply(isNew ? 201 : 200, savedSearchBody(found(row, "Saved search")));
  },
  "GET /saved_searches/{id}": async (call, { store }) => {
    const row = await store.read(() => byId(store, param(call, "id")));
    return reply(200, savedSearchBody(found(row, "Saved search")));
  },
  "POST /saved_searches/filter": async (call, { store }) => {
    const sql = "SELECT * FROM saved_search ORDER BY name LIMIT ? OFFSET ?";
    const rows = await store.read(() => store.query(sql, bounds(call.body as ReadSavedSearchesBody)));
    // STRICT table: the columns have these types.
    return reply(
      200,
      rows.map((row) => savedSearchBody(row as unknown as SavedSearchRow)),
    );
  },
  "DELETE /saved_searches/{id}": async (call, { store }) => {
    const { changes } = await store.write(() =>
      store.statement("DELETE FROM saved_search WHERE id = ?").run(param(call, "id")),
    );
    if (changes === 0) throw new Refusal(404, "Saved search not found");
    return reply(204);
  },
};

function byId(store: Store, id: string): SavedSearchRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM saved_search WHERE id = ?").get(id) as SavedSearchRow | undefined;
}

function savedSearchBody(row: SavedSearchRow): SavedSearch {
  return {
    id: row.id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    name: row.name,
    // Written from validated bodies.
    filters: JSON.parse(row.filters) as NonNullable<SavedSearch["filters"]>,
  };
}
