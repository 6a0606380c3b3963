/**
 * Who may compute: one ledger for a root process and all its descendants, with as many slots as cores by default.
 *
 * A *request* is waiting, then granted, then released; it may be released while it waits, and then is never granted.
 *
 * 1. At most `capacity` requests are granted and not released.
 * 2. A resumed body comes before new work, oldest first: a body that waits for its children holds no slot, so it always gets to go on.
 * 3. New work starts deepest first (which bounds the number of open parents), oldest first within a depth.
 * 4. Whatever holds a slot gives it back at some time (a body ends, or waits and releases), so every request is granted in the end.
 *
 * The local ledger grants synchronously: within {@link SlotLedger.request}, or within the release that made room.
 */
export interface SlotLedger {
  /**
   * Asks for a slot. Waits for ever if need be; never rejects.
   *
   * @param granted called once when the slot is taken, possibly before `request` returns; not after a release
   */
  request(request: SlotRequest, granted: (ticket: SlotTicket) => void): SlotTicket;
  /** Raises the capacity to `capacity`: an explicit `maxWorkers` above the number of cores is honoured. Never lowers it. */
  raise(capacity: number): void;
}

export interface SlotRequest {
  /** Depth of the run below the root flow run; deeper work starts first. */
  readonly depth: number;
  /** Whether a body that has released its slot goes on. */
  readonly resume: boolean;
}

/** One request's hold on the ledger. */
export interface SlotTicket {
  /** Gives the slot back, or withdraws the request. Idempotent. */
  release(): void;
}

interface Waiting {
  readonly depth: number;
  state: "waiting" | "granted" | "released";
  readonly grant: () => void;
}

/** The ledger itself, in the root process; a pool counts its own workers with one too. */
export class LocalSlotLedger implements SlotLedger {
  #capacity: number;
  #granted = 0;
  readonly #resumes: Waiting[] = [];
  /** New work by depth; empty lists are removed, so the greatest key is the next depth. */
  readonly #work = new Map<number, Waiting[]>();
  #granting = false;

  /** @param capacity slots, an integer >= 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Slots taken now. */
  get granted(): number {
    return this.#granted;
  }

  request(request: SlotRequest, granted: (ticket: SlotTicket) => void): SlotTicket {
    const ticket: SlotTicket = { release: () => this.#release(waiting) };
    const waiting: Waiting = { depth: request.depth, state: "waiting", grant: () => granted(ticket) };
    if (request.resume) {
      this.#resumes.push(waiting);
    } else {
      const peers = this.#work.get(request.depth);
      if (peers === undefined) this.#work.set(request.depth, [waiting]);
      else peers.push(waiting);
    }
    this.#grantAll();
    return ticket;
  }

  raise(capacity: number): void {
    if (capacity <= this.#capacity) return;
    this.#capacity = capacity;
    this.#grantAll();
  }

  #release(waiting: Waiting): void {
    const was = waiting.state;
    waiting.state = "released";
    // A withdrawn request stays in its queue and is passed over.
    if (was !== "granted") return;
    this.#granted -= 1;
    this.#grantAll();
  }

  /** A grant may release or request in turn: that only makes the loop go on, so the stack stays flat. */
  #grantAll(): void {
    if (this.#granting) return;
    this.#granting = true;
    try {
      while (this.#granted < this.#capacity) {
        const next = this.#next();
        if (next === undefined) return;
        next.state = "granted";
        this.#granted += 1;
        next.grant();
      }
    } finally {
      this.#granting = false;
    }
  }

  #next(): Waiting | undefined {
    for (let first = this.#resumes.shift(); first !== undefined; first = this.#resumes.shift()) {
      if (first.state === "waiting") return first;
    }
    while (this.#work.size > 0) {
      const depth = Math.max(...this.#work.keys());
      const peers = this.#work.get(depth) ?? [];
      const first = peers.shift();
      if (peers.length === 0) this.#work.delete(depth);
      if (first?.state === "waiting") return first;
    }
    return undefined;
  }
}

/**
 * Takes a slot of `first`, then one of `second`: a pool's own worker, then the root ledger's core.
 *
 * In this order a waiting request holds at most the pool's slot, which only the pool misses; the root's slots are held by what runs.
 */
export class PairedSlotLedger implements SlotLedger {
  readonly #first: SlotLedger;
  readonly #second: SlotLedger;

  constructor(first: SlotLedger, second: SlotLedger) {
    this.#first = first;
    this.#second = second;
  }

  request(request: SlotRequest, granted: (ticket: SlotTicket) => void): SlotTicket {
    let first: SlotTicket | undefined;
    let second: SlotTicket | undefined;
    let released = false;
    const ticket: SlotTicket = {
      release: () => {
        released = true;
        second?.release();
        first?.release();
      },
    };
    // Each grant may come before its request returns, so the tickets are taken from whichever is earlier.
    const askedFirst = this.#first.request(request, (own) => {
      first = own;
      const askedSecond = this.#second.request(request, (core) => {
        second = core;
        granted(ticket);
      });
      second ??= askedSecond;
    });
    first ??= askedFirst;
    if (released) ticket.release();
    return ticket;
  }

  raise(capacity: number): void {
    this.#first.raise(capacity);
    this.#second.raise(capacity);
  }
}
