import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";

let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-readers-"));
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(readAsideBytes: number, onError: (error: unknown) => void = () => undefined): ServerCore {
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), readAsideBytes, onError });
  return core;
}

async function post<T>(path: string, body: object): Promise<T> {
  const answer = await core.handle({ method: "POST", path: `/api${path}`, body: JSON.stringify(body) });
  expect(answer.status, answer.body).toBeLessThan(300);
  return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
}

const event = (n: number): object => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  occurred: new Date(Date.now() - n * 1000).toISOString(),
  event: `tests.event-${n % 7}`,
  resource: { "prefect.resource.id": `tests.resource.${n}`, "prefect.resource.name": `resource ${n}` },
  payload: { story: `a story that is told ${n} times`.repeat(20) },
});

async function seed(): Promise<string> {
  const flow = await post<{ id: string }>("/flows/", { name: "etl" });
  for (let n = 0; n < 5; n++)
    await post("/flow_runs/", {
      name: `run-${n}`,
      flow_id: flow.id,
      state: { type: "RUNNING" },
      tags: [`tag-${n % 2}`],
    });
  await post("/events", Array.from({ length: 50 }, (_, n) => event(n)) as unknown as object);
  return flow.id;
}

test("a reader answers as the server itself does", async () => {
  open(Number.MAX_SAFE_INTEGER);
  const flowId = await seed();
  const asked: readonly (readonly [method: string, path: string, body?: object])[] = [
    ["POST", "/flow_runs/filter", { sort: "NAME_ASC", flow_runs: { tags: { all_: ["tag-1"] } } }],
    ["POST", "/flow_runs/count", { flows: { id: { any_: [flowId] } } }],
    ["POST", "/flow_runs/filter", { limit: 1000 }],
    ["POST", "/flow_runs/paginate", { limit: 2, page: 2 }],
    ["POST", "/events/filter", { filter: { event: { prefix: ["tests."] } }, limit: 3 }],
    ["POST", "/events/count-by/event", { filter: { event: { prefix: ["tests."] } } }],
    ["GET", "/events/filter/next?page-token=none"],
    ["POST", "/logs/filter", {}],
    ["POST", "/artifacts/filter", { limit: 2 }],
    ["GET", "/flow_runs/00000000-0000-4000-8000-000000000000/graph-v2"],
    ["POST", "/ui/flow_runs/history", {}],
    ["POST", "/sluice/events/backfill", { filter: {}, offset: 0 }],
  ];
  const answers = async (): Promise<readonly string[]> => {
    const all: string[] = [];
    for (const [method, path, body] of asked) {
      const answer = await core.handle({ method, path: `/api${path}`, ...(body && { body: JSON.stringify(body) }) });
      // Times that go on while a run does.
      const text = answer.body.replaceAll(
        /"(?:estimated_run_time|estimated_start_time_delta|lateness|duration)":[\d.e-]+/g,
        "",
      );
      // The token of a page holds the moment up to which it reads.
      all.push(`${path} ${answer.status} ${text.replace(/page-token=[\w-]{20,}/, "page-token")}`);
    }
    return all;
  };
  const own = await answers();
  await core.close();
  open(0);
  expect(await answers()).toEqual(own);
  expect(own.map((line) => line.split(" ")[1])).toEqual([
    "200",
    "200",
    "422",
    "200",
    "200",
    "200",
    "403",
    "200",
    "200",
    "404",
    "200",
    "200",
  ]);
});

test("what was answered before is seen by a reader", async () => {
  open(0);
  const flow = await post<{ id: string }>("/flows/", { name: "etl" });
  for (let n = 1; n <= 20; n++) {
    await post("/flow_runs/", { flow_id: flow.id });
    expect(await post<number>("/flow_runs/count", {})).toBe(n);
  }
});

test("a search through many events holds nobody else up", { timeout: 60_000 }, async () => {
  open(0);
  for (let from = 0; from < 30_000; from += 500)
    await post("/events", Array.from({ length: 500 }, (_, n) => event(from + n)) as unknown as object);
  const order: string[] = [];
  const since = { occurred: { since: new Date(Date.now() - 6e8).toISOString() }, text: { query: "nowhere" } };
  const searches = [1, 2, 3].map((n) =>
    post<{ total: number }>("/events/filter", { filter: since }).then(({ total }) => {
      order.push(`search ${n}`);
      return total;
    }),
  );
  for (let n = 0; n < 5; n++) {
    await post("/flows/", { name: `flow-${n}` });
    order.push("write");
  }
  expect(await Promise.all(searches)).toEqual([0, 0, 0]);
  expect(order.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => "write"));
});

test("a server that closes answers what a reader has not", async () => {
  const errors: unknown[] = [];
  open(0, (error) => errors.push(error));
  await seed();
  const asked = core.handle({ method: "POST", path: "/api/events/filter", body: "{}" });
  // The question is on its way when the app is there.
  await core.app();
  await core.close();
  expect([200, 503]).toContain((await asked).status);
  expect(errors).toEqual([]);
});
