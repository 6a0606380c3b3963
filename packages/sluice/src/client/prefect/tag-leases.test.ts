import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ApiRequest, ApiResponse } from "../transport.ts";
import { PrefectCalls } from "./prefect-calls.ts";
import { TagLeases } from "./tag-leases.ts";

let calls: string[];
let answers: Map<string, () => ApiResponse>;
let leases: TagLeases;
let troubles: string[];
/** Runs that hold the one slot of the limit. */
let free: number;

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  troubles = [];
  free = 1;
  answers = new Map<string, () => ApiResponse>([
    [
      "increment-with-lease",
      () => {
        if (free === 0) return { status: 423, body: '{"detail":"Locked"}', headers: { "retry-after": "7" } };
        free--;
        return {
          status: 200,
          body: JSON.stringify({ lease_id: "lease", limits: [{ id: "l", name: "tag:x", limit: 1 }] }),
        };
      },
    ],
    ["decrement-with-lease", () => (free++, { status: 204, body: "" })],
    ["renew", () => ({ status: 204, body: "" })],
  ]);
  const send = ({ path }: ApiRequest): Promise<ApiResponse> => {
    const name = path.split("/").at(-1) ?? "";
    calls.push(name);
    return Promise.resolve(answers.get(name)?.() ?? { status: 404, body: "" });
  };
  leases = new TagLeases({ calls: new PrefectCalls({ send }), onTrouble: (message) => troubles.push(message) });
});
afterEach(async () => {
  await leases.close();
  vi.useRealTimers();
});

const take = (id: string, signal?: AbortSignal) => leases.take({ id, tags: ["x"] }, 20_000, signal);

test("a lease is renewed at three quarters of its time while the run holds it", async () => {
  await take("a");
  await vi.advanceTimersByTimeAsync(44_000);
  expect(calls).toEqual(["increment-with-lease"]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(calls).toEqual(["increment-with-lease", "renew"]);
  leases.release("a");
  await vi.advanceTimersByTimeAsync(100_000);
  expect(calls).toEqual(["increment-with-lease", "renew", "decrement-with-lease"]);
});

test("a renewal that fails is told", async () => {
  answers.set("renew", () => ({ status: 410, body: "Lease not found" }));
  await take("a");
  await vi.advanceTimersByTimeAsync(46_000);
  expect(troubles[0]).toContain("Lease not found");
});

test("a run that finds no slot asks again when the server says, and at once when one is given back here", async () => {
  await take("a");
  const second = take("b");
  await vi.advanceTimersByTimeAsync(6900);
  expect(calls).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(200);
  expect(calls).toHaveLength(3);
  leases.release("a");
  await vi.advanceTimersByTimeAsync(0);
  expect(await second).toBe(true);
});

test("a run that finds no slot for the whole time is told to ask again", async () => {
  await take("a");
  const second = take("b");
  await vi.advanceTimersByTimeAsync(21_000);
  expect(await second).toBe(false);
});

test("a run that is cancelled while it waits takes no slot", async () => {
  await take("a");
  const controller = new AbortController();
  const second = take("b", controller.signal);
  second.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(100);
  controller.abort(new Error("cancelled"));
  await expect(second).rejects.toThrow("cancelled");
  leases.release("a");
  await vi.advanceTimersByTimeAsync(0);
  expect(free).toBe(1);
});

test("a tag without a limit holds nothing", async () => {
  answers.set("increment-with-lease", () => ({ status: 200, body: '{"lease_id":"none","limits":[]}' }));
  expect(await take("a")).toBe(true);
  await vi.advanceTimersByTimeAsync(100_000);
  leases.release("a");
  await vi.advanceTimersByTimeAsync(0);
  expect(calls).toEqual(["increment-with-lease"]);
});
