import fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";

/* Flow runs are written as text by hand: whatever a client sent must come back as it was, alone and in a page. */

let folder: string;
let core: ServerCore;
let flowId: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-render-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
  flowId = String((await ask("POST", "/flows/", { name: "etl" }))["id"]);
});
afterAll(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await core.handle({
    method,
    path: `/api${path}`,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.status, answer.body).toBeLessThan(300);
  return JSON.parse(answer.body) as Record<string, unknown>;
}

async function pageOf(id: unknown): Promise<unknown> {
  return ask("POST", "/flow_runs/filter", { flow_runs: { id: { any_: [id] } } });
}

/** Text with quotes, backslashes, control characters and whole code points, but not the one character that no database keeps. */
const text = fc.string({ unit: "binary", minLength: 1, maxLength: 30 }).filter((value) => !value.includes("\0"));
/** The server refuses this name in JSON. */
const key = text.filter((value) => value !== "__proto__");
const json = fc.dictionary(
  key,
  fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 })),
  {
    noNullPrototype: true,
  },
);

describe("a flow run as text", () => {
  test("brings back what a client sent, alone and in a page", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          name: text,
          parameters: json,
          context: json,
          tags: fc.uniqueArray(text, { maxLength: 4 }),
          labels: fc.dictionary(key, text, { noNullPrototype: true }),
          flow_version: fc.option(text),
          message: fc.option(text),
        }),
        async ({ message, ...sent }) => {
          const state = { type: "PENDING", name: "Pending", message, data: null };
          const created = await ask("POST", "/flow_runs/", { ...sent, flow_id: flowId, state });
          const labels = { "prefect.flow.id": flowId, ...sent.labels };
          expect(created).toMatchObject({ ...sent, labels, flow_id: flowId });
          expect(Object.keys(created["labels"] as object).toSorted()).toEqual(Object.keys(labels).toSorted());
          expect(created["state"]).toMatchObject({ id: created["state_id"], type: "PENDING", message });
          // What goes by the clock moves between two looks.
          const same = { ...created, updated: expect.any(String), estimated_start_time_delta: expect.any(Number) };
          expect(await ask("GET", `/flow_runs/${String(created["id"])}`)).toEqual(same);
          expect(await pageOf(created["id"])).toEqual([same]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("a label of the flow's own name is the client's", async () => {
    const created = await ask("POST", "/flow_runs/", {
      flow_id: flowId,
      labels: { a: "1", "prefect.flow.id": "mine" },
    });
    expect(created["labels"]).toEqual({ "prefect.flow.id": "mine", a: "1" });
  });

  test("shows the details of its newest state", async () => {
    const bare = await ask("POST", "/flow_runs/", { flow_id: flowId });
    const state_details = { scheduled_time: "2030-01-01T00:00:00Z", pause_key: 'a "key"' };
    const later = { type: "SCHEDULED", name: "Scheduled", state_details };
    const moved = await ask("POST", `/flow_runs/${String(bare["id"])}/set_state`, { state: later, force: true });
    const now = await ask("GET", `/flow_runs/${String(bare["id"])}`);
    expect(now["state"]).toEqual(moved["state"]);
    expect(now["state"]).toMatchObject({ state_details: { flow_run_id: bare["id"], pause_key: 'a "key"' } });
    expect(await pageOf(bare["id"])).toMatchObject([{ id: bare["id"], state: now["state"] }]);
  });

  test("a page of none is an empty list", async () => {
    expect(await pageOf("00000000-0000-0000-0000-000000000000")).toEqual([]);
  });
});
