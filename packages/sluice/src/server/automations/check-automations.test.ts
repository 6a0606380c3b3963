import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";

/* What is refused, and with which status, was asked of prefect 3.8.8. */

let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-checks-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db"), settings: { triggersEnabled: false } });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function call(method: string, path: string, body?: unknown) {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await core.handle({ method, path: `/api${path}`, ...text });
  // Each test knows the shape of what it asks for.
  return { status: answer.status, json: answer.body === "" ? null : JSON.parse(answer.body) };
}

const OF_EVERY_RUN = { match: { "prefect.resource.id": "prefect.flow-run.*" } };
const SOME_ID = "00000000-0000-4000-8000-000000000001";
const selected = (id = SOME_ID, more: object = {}) => ({
  type: "run-deployment",
  source: "selected",
  deployment_id: id,
  ...more,
});
const inferred = { type: "run-deployment", source: "inferred" };

function automation(trigger: object, actions: unknown[], more: object = {}) {
  const event = { type: "event", posture: "Reactive", threshold: 1, within: 0, ...trigger };
  return { name: "a", trigger: event, actions, ...more };
}

describe("an automation that would start runs without end", () => {
  const running = { ...OF_EVERY_RUN, expect: ["prefect.flow-run.Running"] };

  test.each([
    ["an inferred deployment", running, inferred],
    ["an inferred deployment of some runs", { ...running, match: { ...OF_EVERY_RUN.match, some: "label" } }, inferred],
    ["a selected deployment of all runs", running, selected()],
    ["a selected deployment of anything", { ...running, match: {} }, selected()],
  ])("is refused: %s", async (_name, trigger, action) => {
    const answer = await call("POST", "/automations/", automation(trigger, [action]));
    expect(answer.status).toBe(422);
    const msg = expect.stringContaining(
      `Running ${action.source === "inferred" ? "an inferred" : "a selected"} deployment`,
    );
    expect(answer.json.exception_detail).toEqual([
      expect.objectContaining({ type: "value_error", loc: ["body"], msg }),
    ]);
  });

  test.each([
    ["an event that not every run has", { ...running, expect: ["prefect.flow-run.Failed"] }, inferred],
    [
      "a selected deployment with a label",
      { ...running, match_related: { "prefect.resource.role": "tag" } },
      selected(),
    ],
    ["a proactive trigger", { ...running, posture: "Proactive", within: 10 }, inferred],
    ["another action", running, { type: "cancel-flow-run" }],
  ])("is taken: %s", async (_name, trigger, action) => {
    expect((await call("POST", "/automations/", automation(trigger, [action]))).status).toBe(201);
  });

  test("may be kept switched off, and not be switched on", async () => {
    const made = await call("POST", "/automations/", automation(running, [inferred], { enabled: false }));
    expect(made.status).toBe(201);
    const refused = await call("PATCH", `/automations/${made.json.id}`, { enabled: true });
    expect(refused.status).toBe(422);
    expect(refused.json.exception_detail).toMatchObject([{ type: "value_error", loc: [] }]);
    expect((await call("GET", `/automations/${made.json.id}`)).json.enabled).toBe(false);
    expect((await call("PATCH", `/automations/${made.json.id}`, { enabled: false })).status).toBe(204);
  });
});

describe("the job variables of an action", () => {
  async function deployment(): Promise<string> {
    const variables = {
      type: "object",
      properties: { image: { type: "string" }, cpu: { type: "integer", default: 1 } },
    };
    await call("POST", "/work_pools/", {
      name: "pool",
      type: "process",
      base_job_template: {
        job_configuration: { image: "{{ image }}", cpu: "{{ cpu }}" },
        variables: { ...variables, required: ["image"] },
      },
    });
    const flow = await call("POST", "/flows/", { name: "etl" });
    const made = await call("POST", "/deployments/", { name: "d", flow_id: flow.json.id, work_pool_name: "pool" });
    expect(made.status, JSON.stringify(made.json)).toBe(201);
    return made.json.id as string;
  }
  const happened = { expect: ["happened"] };

  test("must be those of the deployment's work pool", async () => {
    const id = await deployment();
    const good = await call(
      "POST",
      "/automations/",
      automation(happened, [selected(id, { job_variables: { image: "a" } })]),
    );
    expect(good.status, JSON.stringify(good.json)).toBe(201);
    const bad = automation(happened, [selected(id, { job_variables: { image: 100 } })]);
    for (const answer of [
      await call("POST", "/automations/", bad),
      await call("PUT", `/automations/${good.json.id}`, bad),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.json.detail).toMatch(/^Error creating automation: Validation failed for field 'image'/);
    }
    expect((await call("GET", `/automations/${good.json.id}`)).json.actions[0].job_variables).toEqual({ image: "a" });
  });

  test("are those of a deployment that is there", async () => {
    const body = automation(happened, [selected(SOME_ID, { job_variables: { image: "a" } })]);
    expect(await call("POST", "/automations/", body)).toEqual({
      status: 404,
      json: { detail: "Deployment not found." },
    });
  });
});

describe("a template", () => {
  const loops = (depth: number) => "{% for i in range(3) %}".repeat(depth) + "x" + "{% endfor %}".repeat(depth);

  test.each([
    ["is taken with loops two deep", `${loops(2)}${loops(1)}`, undefined],
    ["is refused with loops three deep", loops(3), "at a depth of 3"],
    ["is refused with eleven loops", loops(1).repeat(11), "Contains 11 for loops"],
    ["may speak of loops", `{# ${loops(3)} #}{% raw %}${loops(3)}{% endraw %}`, undefined],
  ])("%s", async (_name, template, reason) => {
    const answer = await call("POST", "/automations/templates/validate", template);
    if (reason === undefined) expect(answer).toEqual({ status: 204, json: null });
    else {
      expect(answer.status).toBe(422);
      expect(answer.json.error).toEqual({ line: 0, message: expect.stringContaining(reason), source: template });
    }
  });
});
