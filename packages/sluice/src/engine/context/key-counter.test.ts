import { expect, test } from "vitest";
import { KeyCounter } from "./key-counter.ts";

test("a key is counted from 0, however often it occurs and however many others come between", () => {
  const counter = new KeyCounter();
  const often: number[] = [];
  for (let n = 0; n < 3000; n++) {
    often.push(counter.next("often"));
    for (let other = 0; other < 20; other++) expect(counter.next(`other ${n} ${other}`)).toBe(0);
  }
  expect(often).toEqual(Array.from({ length: 3000 }, (_, n) => n));
  expect(counter.next("other 0 0")).toBe(1);
  expect(counter.next("other 2999 19")).toBe(1);
});

test("two keys that occur often are counted apart", () => {
  const counter = new KeyCounter();
  for (let n = 0; n < 300; n++) counter.next("a");
  for (let n = 0; n < 400; n++) counter.next("b");
  expect([counter.next("a"), counter.next("b"), counter.next("c")]).toEqual([300, 400, 0]);
});
