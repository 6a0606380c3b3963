import { expect, test } from "vitest";
import { OpenList } from "./open-list.ts";

class Item {
  openAt = -1;
  readonly name: number;

  constructor(name: number) {
    this.name = name;
  }
}

const namesOf = (list: OpenList<Item>): readonly number[] => Array.from(list, ({ name }) => name);

test("holds as a Set does what was added and not taken out, in that order", () => {
  const list = new OpenList<Item>();
  const model = new Set<Item>();
  const items = Array.from({ length: 5000 }, (_, name) => new Item(name));
  let random = 7;
  for (let step = 0; step < 40_000; step++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const item = items[(random >>> 8) % items.length];
    if (item === undefined) throw new Error("an index of the list");
    // Grows at first and shrinks later, so that holes are closed while much and while little is open.
    if (random % 5 < (step < 20_000 ? 3 : 1)) {
      list.add(item);
      model.add(item);
    } else {
      list.delete(item);
      model.delete(item);
    }
    if (step % 1000 === 0) {
      expect(list.size).toBe(model.size);
      expect(namesOf(list)).toEqual(Array.from(model, ({ name }) => name));
    }
  }
  list.clear();
  expect([list.size, namesOf(list)]).toEqual([0, []]);
  for (const item of items) list.add(item);
  expect(list.size).toBe(items.length);
});

test("is looked at as it was when the looking began", () => {
  const list = new OpenList<Item>();
  const [first, second, third] = [new Item(1), new Item(2), new Item(3)];
  list.add(first);
  list.add(second);
  const seen: number[] = [];
  for (const { name } of list) {
    list.delete(second);
    list.add(third);
    seen.push(name);
  }
  expect(seen).toEqual([1, 2]);
  expect(namesOf(list)).toEqual([1, 3]);
});
