/**
 * A large value that stayed where its run made it, on a node of a cluster.
 *
 * A future holds it in place of the value. Given on as an argument to a run of the same runner it stays there; it is fetched when this process wants it. Not seen by user
 * code.
 */
export class RemoteValue {
  /** Bytes of the value as it is kept. */
  readonly bytes: number;
  /** Of its content: what it counts as in the identity of a run that takes it. */
  readonly hash: string;
  readonly #keeper: RemoteKeeper;
  #fetching: Promise<unknown> | undefined;

  constructor(parts: { readonly bytes: number; readonly hash: string; readonly keeper: RemoteKeeper }) {
    this.bytes = parts.bytes;
    this.hash = parts.hash;
    this.#keeper = parts.keeper;
  }

  /**
   * The value itself, fetched once; it is then no longer kept there.
   *
   * @throws SluiceError SLUICE_RESULT_MISSING when it is gone and cannot be made again
   */
  fetch(): Promise<unknown> {
    return (this.#fetching ??= this.#keeper.fetch());
  }

  /** What its keeper knows it by while it is there; undefined once it was fetched or released. */
  keptBy(keeper: unknown): string | undefined {
    return this.#fetching === undefined ? this.#keeper.keyFor(keeper) : undefined;
  }

  /** Says that nobody wants it any more. */
  release(): void {
    this.#keeper.release();
  }

  /** For the hash of arguments, and for the parameters that a run shows. */
  toJSON(): string {
    return `a value of ${this.bytes} bytes on the cluster, ${this.hash}`;
  }
}

/** Who keeps a remote value. */
export interface RemoteKeeper {
  fetch(): Promise<unknown>;
  /** The key of the value, when `asker` is the keeper itself and still has it. */
  keyFor(asker: unknown): string | undefined;
  release(): void;
}

/** The value itself, wherever it is. */
export function localValue(value: unknown): unknown {
  return value instanceof RemoteValue ? value.fetch() : value;
}
