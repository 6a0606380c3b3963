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

/** The flows, by id and by their unique name. */
export class FlowTable {
  readonly #store: Store;
  readonly #idByName = new Map<string, string>();

  constructor(store: Store) {
    this.#store = store;
    store.onUndo(() => this.#idByName.clear());
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

  byName(name: string): FlowRow | undefined {
    // STRICT table: the columns have these types.
    return this.#store.statement("SELECT * FROM flow WHERE name = ?").get(name) as FlowRow | undefined;
  }

  updateTags(id: string, tags: readonly string[]): boolean {
    const update = this.#store.statement("UPDATE flow SET tags = ?, updated = ? WHERE id = ?");
    return update.run(JSON.stringify(tags), this.#store.nowUs(), id).changes === 1;
  }

  delete(id: string): boolean {
    this.#idByName.clear();
    return this.#store.statement("DELETE FROM flow WHERE id = ?").run(id).changes === 1;
  }

  /** Forgets what is kept in memory, after the table was emptied. */
  forget(): void {
    this.#idByName.clear();
  }
}
