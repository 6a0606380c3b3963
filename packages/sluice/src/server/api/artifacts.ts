import type {
  Artifact,
  ArtifactCollectionFilter,
  ArtifactCreate,
  ArtifactFilter,
  ArtifactUpdate,
  CountArtifactsBody,
  CountLatestArtifactsBody,
  ReadArtifactsBody,
  ReadLatestArtifactsBody,
} from "../../wire/contract/shapes.ts";
import { microsToIso } from "../../wire/timestamp.ts";
import { Refusal, reply } from "../api-reply.ts";
import { newId } from "../db/new-id.ts";
import type { Store } from "../db/store.ts";
import { tellArtifactCollection, type Act } from "../events/object-events.ts";
import { combine, isAny, isLike, isNotAny, isNull, member, type Condition } from "../queries/condition.ts";
import { bounds, type Page } from "../queries/read-runs.ts";
import { whereFlowRuns, whereTaskRuns, type JoinedFilters } from "../queries/run-filters.ts";
import { checkSlug } from "../request/check-names.ts";
import type { ServerCore } from "../server-core.ts";
import { param, type Handlers, type ReadHandlers } from "./handler.ts";

interface ArtifactRow {
  readonly id: string;
  readonly key: string | null;
  readonly type: string | null;
  readonly description: string | null;
  readonly data: string | null;
  readonly metadata: string | null;
  readonly flow_run_id: string | null;
  readonly task_run_id: string | null;
  readonly created: number;
  readonly updated: number;
}

const ORDER: Readonly<Record<string, string>> = {
  CREATED_DESC: "a.created DESC",
  UPDATED_DESC: "a.updated DESC",
  ID_DESC: "a.id DESC",
  KEY_DESC: "a.key DESC",
  KEY_ASC: "a.key ASC",
};

/** Artifacts, and per key the latest of them. Bodies have the shapes of the route table's schemas. */
export const artifactHandlers: Handlers = {
  "POST /artifacts/": async (call, core) => {
    const body = call.body as ArtifactCreate;
    checkSlug("Artifact key", "key", { ...body });
    return reply(201, artifactBody(await core.store.write(() => createArtifact(core, body))));
  },
  "GET /artifacts/{id}": async (call, { store }) =>
    reply(200, artifactBody(foundArtifact(await store.read(() => byId(store, param(call, "id")))))),
  "GET /artifacts/{key}/latest": async (call, { store }) => {
    const latest = await store.read(
      () =>
        store.query(
          "SELECT a.*, c.id AS collection_id FROM artifact_collection c JOIN artifact a ON a.id = c.latest_id WHERE c.key = ?",
          [param(call, "key")],
        )[0],
    );
    const { collection_id, ...row } = foundArtifact(latest);
    // The contract answers with the id of the collection here; STRICT table: the columns have these types.
    return reply(200, { ...artifactBody(row as unknown as ArtifactRow), id: collection_id });
  },
  "PATCH /artifacts/{id}": async (call, { store }) => {
    const { data, description, metadata_ } = call.body as ArtifactUpdate;
    const values = [jsonOrNull(data), description ?? null, jsonOrNull(metadata_)];
    const update =
      "UPDATE artifact SET data = coalesce(?, data), description = coalesce(?, description), metadata = coalesce(?, metadata), updated = ? WHERE id = ?";
    const { changes } = await store.write(() =>
      store.statement(update).run(...values, store.nowUs(), param(call, "id")),
    );
    if (changes !== 1) throw new Refusal(404, "Artifact not found.");
    return reply(204);
  },
  "DELETE /artifacts/{id}": async (call, core) => {
    const isThere = await core.store.write(() => deleteArtifact(core, param(call, "id")));
    if (!isThere) throw new Refusal(404, "Artifact not found.");
    return reply(204);
  },
};

/** Lists and counts of artifacts, and of the latest per key. */
export const artifactListHandlers: ReadHandlers = {
  "POST /artifacts/filter": async (call, { store }) => {
    const body = call.body as ReadArtifactsBody;
    const where = combine([artifactCondition(body.artifacts), isAny("a.id", body.artifacts?.id?.any_), ofRuns(body)]);
    const rows = await store.read(() => readPage(store, { from: "artifact a", columns: "a.*", where }, body));
    return reply(
      200,
      rows.map((row) => artifactBody(row as unknown as ArtifactRow)),
    );
  },
  "POST /artifacts/latest/filter": async (call, { store }) => {
    const body = call.body as ReadLatestArtifactsBody;
    const where = combine([
      artifactCondition(body.artifacts),
      isAny("c.latest_id", body.artifacts?.latest_id?.any_),
      ofRuns(body),
    ]);
    const from = "artifact_collection c JOIN artifact a ON a.id = c.latest_id";
    const rows = await store.read(() =>
      readPage(store, { from, columns: "a.*, c.id AS collection_id, c.latest_id", where }, body),
    );
    // STRICT tables: the columns have these types.
    return reply(
      200,
      rows.map(({ collection_id, latest_id, ...row }) =>
        Object.assign(artifactBody(row as unknown as ArtifactRow), { id: collection_id, latest_id }),
      ),
    );
  },
  "POST /artifacts/count": async (call, { store }) => {
    const body = call.body as CountArtifactsBody;
    const where = combine([artifactCondition(body.artifacts), isAny("a.id", body.artifacts?.id?.any_), ofRuns(body)]);
    return reply(200, await store.read(() => countOf(store, "artifact a", where)));
  },
  "POST /artifacts/latest/count": async (call, { store }) => {
    const body = call.body as CountLatestArtifactsBody;
    const { artifacts } = body;
    const where = combine([
      artifactCondition(artifacts),
      isAny("c.latest_id", artifacts?.latest_id?.any_),
      ofRuns(body),
    ]);
    const from = "artifact_collection c JOIN artifact a ON a.id = c.latest_id";
    return reply(200, await store.read(() => countOf(store, from, where)));
  },
};

function foundArtifact<T>(row: T | undefined): T {
  if (row === undefined) throw new Refusal(404, "Artifact not found.");
  return row;
}

function createArtifact(core: ServerCore, body: ArtifactCreate): ArtifactRow {
  const { store } = core;
  const now = store.nowUs();
  const id = newId(now);
  store
    .statement(
      "INSERT INTO artifact (id, key, type, description, data, metadata, flow_run_id, task_run_id, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .run(
      id,
      body.key ?? null,
      body.type ?? null,
      body.description ?? null,
      jsonOrNull(body.data),
      jsonOrNull(body.metadata_),
      body.flow_run_id ?? null,
      body.task_run_id ?? null,
      now,
      now,
    );
  if (body.key) {
    const upsert = store.statement(
      "INSERT INTO artifact_collection (key, id, latest_id, created) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET latest_id = excluded.latest_id",
    );
    const isFirst = collectionOf(store, body.key) === undefined;
    upsert.run(body.key, newId(now), id, now);
    tellCollection(core, isFirst ? "created" : "updated", body.key);
  }
  return foundArtifact(byId(store, id));
}

function deleteArtifact(core: ServerCore, id: string): boolean {
  const { store } = core;
  const row = byId(store, id);
  if (!row) return false;
  const isLatest = row.key !== null && collectionOf(store, row.key)?.latest_id === id;
  if (row.key === null || !isLatest) {
    store.statement("DELETE FROM artifact WHERE id = ?").run(id);
    return true;
  }
  const before = store.query("SELECT id FROM artifact WHERE key = ? AND id <> ? ORDER BY no DESC LIMIT 1", [
    row.key,
    id,
  ])[0]?.["id"];
  if (typeof before === "string") {
    store.statement("UPDATE artifact_collection SET latest_id = ? WHERE key = ?").run(before, row.key);
    tellCollection(core, "updated", row.key);
  } else {
    tellCollection(core, "deleted", row.key);
    store.statement("DELETE FROM artifact_collection WHERE key = ?").run(row.key);
  }
  store.statement("DELETE FROM artifact WHERE id = ?").run(id);
  return true;
}

function collectionOf(store: Store, key: string): { readonly id: string; readonly latest_id: string } | undefined {
  // STRICT table: the columns have these types.
  return store.query("SELECT id, latest_id FROM artifact_collection WHERE key = ?", [key])[0] as
    | { readonly id: string; readonly latest_id: string }
    | undefined;
}

function tellCollection({ store, events }: ServerCore, act: Act, key: string): void {
  const collection = collectionOf(store, key);
  const latest = collection && byId(store, collection.latest_id);
  if (latest) tellArtifactCollection(events, act, { id: collection.id, key, latest });
}

function byId(store: Store, id: string): ArtifactRow | undefined {
  // STRICT table: the columns have these types.
  return store.statement("SELECT * FROM artifact WHERE id = ?").get(id) as ArtifactRow | undefined;
}

function readPage(
  store: Store,
  query: { readonly from: string; readonly columns: string; readonly where: Condition },
  page: Page,
) {
  const { from, columns, where } = query;
  const order = ORDER[page.sort ?? "ID_DESC"] ?? "a.id DESC";
  return store.query(`SELECT ${columns} FROM ${from} WHERE ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`, [
    ...where.parameters,
    ...bounds(page),
  ]);
}

function countOf(store: Store, from: string, where: Condition): number {
  return Number(store.query(`SELECT count(*) AS n FROM ${from} WHERE ${where.sql}`, where.parameters)[0]?.["n"]);
}

function artifactCondition(
  filter: ArtifactFilter | ArtifactCollectionFilter | null | undefined,
): Condition | undefined {
  if (!filter) return undefined;
  return combine(
    [
      member(
        filter.key,
        isAny("a.key", filter.key?.any_),
        isLike("a.key", filter.key?.like_),
        isNull("a.key", typeof filter.key?.exists_ === "boolean" ? !filter.key.exists_ : null),
      ),
      member(filter.flow_run_id, isAny("a.flow_run_id", filter.flow_run_id?.any_)),
      member(filter.task_run_id, isAny("a.task_run_id", filter.task_run_id?.any_)),
      member(filter.type, isAny("a.type", filter.type?.any_), isNotAny("a.type", filter.type?.not_any_)),
    ],
    filter.operator,
  );
}

function ofRuns(filters: JoinedFilters): Condition | undefined {
  const { task_runs: tasks, ...others } = filters;
  const ofTasks = tasks ? whereTaskRuns({ task_runs: tasks }) : undefined;
  const ofFlowRuns = others.flows || others.flow_runs || others.deployments ? whereFlowRuns(others) : undefined;
  return combine([
    ofTasks && {
      sql: `a.task_run_id IN (SELECT t.id FROM task_run t WHERE ${ofTasks.sql})`,
      parameters: ofTasks.parameters,
    },
    ofFlowRuns && {
      sql: `a.flow_run_id IN (SELECT r.id FROM flow_run r WHERE ${ofFlowRuns.sql})`,
      parameters: ofFlowRuns.parameters,
    },
  ]);
}

function artifactBody(row: ArtifactRow): Artifact {
  const { id, key, type, description, flow_run_id, task_run_id } = row;
  // Written by createArtifact from a validated body.
  const metadata_ = row.metadata === null ? null : (JSON.parse(row.metadata) as Record<string, string>);
  const data: unknown = row.data === null ? null : JSON.parse(row.data);
  return {
    id,
    created: microsToIso(row.created),
    updated: microsToIso(row.updated),
    key,
    type,
    description,
    data,
    metadata_,
    flow_run_id,
    task_run_id,
  };
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
