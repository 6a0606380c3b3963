import fc from "fast-check";
import { expect, test } from "vitest";
import { LocalSlotLedger, PairedSlotLedger, type SlotLedger, type SlotTicket } from "./slot-ledger.ts";

const work = (depth: number) => ({ depth, resume: false });
const resume = (depth: number) => ({ depth, resume: true });

/** Asks for a slot and notes its name when it is granted. */
function asker(ledger: SlotLedger, order: string[]) {
  return (name: string, request = work(0)): SlotTicket => ledger.request(request, () => order.push(name));
}

test("grants as many slots as its capacity and the next at a release", () => {
  const order: string[] = [];
  const ask = asker(new LocalSlotLedger(2), order);
  const first = ask("a");
  ask("b");
  ask("c");
  expect(order).toEqual(["a", "b"]);
  first.release();
  first.release();
  expect(order).toEqual(["a", "b", "c"]);
});

test("grants resumed bodies first, then new work by depth, oldest first", () => {
  const order: string[] = [];
  const ledger = new LocalSlotLedger(1);
  const ask = asker(ledger, order);
  const tickets = new Map<string, SlotTicket>();
  for (const [name, request] of [
    ["first", work(0)],
    ["flat1", work(0)],
    ["flat2", work(0)],
    ["deep", work(2)],
    ["resumed", resume(0)],
  ] as const) {
    tickets.set(name, ask(name, request));
  }
  for (let granted = 1; granted < 5; granted++) tickets.get(order.at(-1) ?? "")?.release();
  expect(order).toEqual(["first", "resumed", "deep", "flat1", "flat2"]);
});

test("passes over a request that was withdrawn while it waited", () => {
  const order: string[] = [];
  const ledger = new LocalSlotLedger(1);
  const ask = asker(ledger, order);
  const first = ask("a");
  ask("b").release();
  ask("c");
  first.release();
  expect(order).toEqual(["a", "c"]);
});

test("starts waiting work when its capacity is raised, and never lowers it", () => {
  const order: string[] = [];
  const ledger = new LocalSlotLedger(1);
  const ask = asker(ledger, order);
  for (const name of ["a", "b", "c"]) ask(name);
  ledger.raise(2);
  ledger.raise(1);
  expect(order).toEqual(["a", "b"]);
  expect(ledger.capacity).toBe(2);
});

test("lets a paired grant be released from within", () => {
  const own = new LocalSlotLedger(1);
  const root = new LocalSlotLedger(1);
  const pair = new PairedSlotLedger(own, root);
  let runs = 0;
  for (let index = 0; index < 3; index++) {
    pair.request(work(0), (ticket) => {
      runs += 1;
      ticket.release();
    });
  }
  expect([runs, own.granted, root.granted]).toEqual([3, 0, 0]);
});

/** A tree of bodies: each runs its children, waiting for all of them with its slot given back. */
interface Tree {
  readonly children: readonly Tree[];
}
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    children: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constant([]),
      fc.array(tie("tree"), { maxLength: 4 }),
    ),
  }),
}));

test("finishes any nesting on any capacity with never more bodies running than slots", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(tree, { maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      async (trees, poolSlots, cores) => {
        const root = new LocalSlotLedger(cores);
        // Two pools of one root, as thread and process runners nested in each other are.
        const pools = [new LocalSlotLedger(poolSlots), new LocalSlotLedger(poolSlots)].map(
          (own) => new PairedSlotLedger(own, root),
        );
        let running = 0;
        let most = 0;
        const slot = async (ledger: SlotLedger, request: { depth: number; resume: boolean }): Promise<SlotTicket> => {
          const ticket = await new Promise<SlotTicket>((resolve) => ledger.request(request, resolve));
          running += 1;
          most = Math.max(most, running);
          return ticket;
        };
        const release = (ticket: SlotTicket): void => {
          running -= 1;
          ticket.release();
        };
        const body = async (node: Tree, depth: number): Promise<number> => {
          const ledger = pools[depth % 2] ?? root;
          let ticket = await slot(ledger, work(depth));
          await Promise.resolve();
          const children = node.children.map((child) => body(child, depth + 1));
          release(ticket);
          const counts = await Promise.all(children);
          ticket = await slot(ledger, resume(depth));
          release(ticket);
          return counts.reduce((sum, count) => sum + count, 1);
        };
        const size = (node: Tree): number => node.children.reduce((sum, child) => sum + size(child), 1);
        const counts = await Promise.all(trees.map((node) => body(node, 0)));
        expect(counts).toEqual(trees.map(size));
        expect(most).toBeLessThanOrEqual(cores);
        expect([running, root.granted]).toEqual([0, 0]);
      },
    ),
    { numRuns: 200 },
  );
});
