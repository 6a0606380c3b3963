import type { Store } from "./store.ts";
import { newId } from "./new-id.ts";

/** A flow as stored; `tags` and `labels` are JSON. */
export interface FlowRow {
  readonly id: string;
  readonly name: string;
  readonly tags: string;
  readonly labels: string;
  readonly created: number;
  readonly updated: number;
}

/** Flows that are kept in memory. */
const MOST_KEPT = 1000;

/** The flows, by id and by their unique name. */
export class FlowTable {
  readonly #store: Store;
  readonly #idByName = new Map<string, string>();
  /** Only the writer keeps rows: it knows of every change. */
  readonly #rows = new Map<string, FlowRow>();

  constructor(store: Store) {
    this.#store = store;
    store.onUndo(() => this.forget());
  }

  /** Finds the flow of this name or makes it, of which `onMade` hears. */
  ensure(name: string, onMade?: (flow: FlowRow) => void): string {
    const known = this.#idByName.get(name);
    if (known !== undefined) return known;
    const id = this.byName(name)?.id ?? this.#make(name, onMade);
    this.#idByName.set(name, id);
    return id;
  }

  #make(name: string, onMade: ((flow: FlowRow) => void) | undefined): string {
    const flow = this.insert({ name, tags: [], labels: {} });
    onMade?.(flow);
    return flow.id;
  }

  insert(flow: { readonly name: string; readonly tags: readonly string[]; readonly labels: object }): FlowRow {
    const now = this.#store.nowUs();
    const row = {
      id: newId(now),
      name: flow.name,
      tags: JSON.stringify(flow.tags),
      labels: JSON.stringify(flow.labels),
      created: now,
      updated: now,
    };
    this.#store
      .statement("INSERT INTO flow (id, name, tags, labels, created, updated) VALUES (?, ?, ?, ?, ?, ?)")
      .run(row.id, row.name, row.tags, row.labels, now, now);
    return row;
  }

  byId(id: string): FlowRow | undefined {
    // STRICT table: the columns have these types.
    return this.#store.statement("SELECT * FROM flow WHERE id = ?").get(id) as FlowRow | undefined;
  }

  /** As {@link FlowTable.byId}, from memory where it is there. Runs inside a write. */
  ofRun(id: string): FlowRow | undefined {
    const kept = this.#rows.get(id);
    if (kept !== undefined) return kept;
    const row = this.byId(id);
    if (row === undefined) return undefined;
    if (this.#rows.size >= MOST_KEPT) this.#rows.clear();
    this.#rows.set(id, row);
    return row;
  }

  byName(name: string): FlowRow | undefined {
    // STRICT table: the columns have these types.
    return this.#store.statement("SELECT * FROM flow WHERE name = ?").get(name) as FlowRow | undefined;
  }

  updateTags(id: string, tags: readonly string[]): boolean {
    this.#rows.delete(id);
    const update = this.#store.statement("UPDATE flow SET tags = ?, updated = ? WHERE id = ?");
    return update.run(JSON.stringify(tags), this.#store.nowUs(), id).changes === 1;
  }

  delete(id: string): boolean {
    this.forget();
    return this.#store.statement("DELETE FROM flow WHERE id = ?").run(id).changes === 1;
  }

  /** Forgets what is kept in memory, after the table was emptied. */
  forget(): void {
    this.#idByName.clear();
    this.#rows.clear();
  }
}
