/** Something that an {@link OpenList} can hold, one list at a time. */
export interface Openable {
  /** Its place in the list; -1 outside. The list's own. */
  openAt: number;
}

/** Holes that are borne before the list is made dense again. */
const FEW = 1024;

/**
 * What is open at the moment, in the order in which it was opened.
 *
 * An array with holes, where a Set looks right: each time a Set has changed as often as it is large, V8 makes it a new table, and the old one goes on pointing at the new. Once one of them has
 * become old, all later ones, and the runs in them, outlive every collection but the largest: a fifth of all that a stream of short runs allocates.
 */
export class OpenList<T extends Openable> implements Iterable<T> {
  #items: (T | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an item at the end, unless it is there. */
  add(item: T): void {
    if (item.openAt >= 0) return;
    item.openAt = this.#items.length;
    this.#items.push(item);
    this.#size++;
  }

  /** Takes an item out, if it is there. */
  delete(item: T): void {
    if (item.openAt < 0) return;
    this.#items[item.openAt] = undefined;
    item.openAt = -1;
    this.#size--;
    if (this.#items.length > FEW && this.#items.length > 2 * this.#size) this.#close();
  }

  clear(): void {
    for (const item of this) item.openAt = -1;
    this.#items = [];
    this.#size = 0;
  }

  /** The items as they are now: what is added or taken out while they are looked at does not count. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#dense().values();
  }

  #dense(): T[] {
    return this.#items.filter((item) => item !== undefined);
  }

  #close(): void {
    const dense = this.#dense();
    dense.forEach((item, at) => {
      item.openAt = at;
    });
    this.#items = dense;
  }
}
