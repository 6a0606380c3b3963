import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

test("so many acts are under way as there are turns, in the order of their coming, also past one that fails", async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends = [1, 2, 3, 4].map(() => Promise.withResolvers<number>());
  const acts = ends.map(({ promise }, index) =>
    turns.take(() => {
      begun.push(index);
      return promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error("no"));
  await expect(acts[1]).rejects.toThrow("no");
  expect(begun).toEqual([0, 1, 2]);
  for (const end of ends) end.resolve(7);
  expect(await Promise.all([acts[0], acts[2], acts[3]])).toEqual([7, 7, 7]);
  expect(await turns.take(() => Promise.resolve(8))).toBe(8);
});
