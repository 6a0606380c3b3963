/** What a seeded server holds one of each of. */
export interface Seed {
  readonly flowId: string;
  readonly flowRunId: string;
  readonly taskRunId: string;
  readonly deploymentId: string;
  readonly workPool: string;
  readonly blockDocumentId: string;
  readonly artifactKey: string;
  readonly artifactId: string;
}

type Send = (method: string, path: string, body?: unknown) => Promise<{ readonly id: string }>;

/** Fills a server with one of everything that a page can show, over REST. @param apiUrl ends in `/api` */
export async function seedServer(apiUrl: string): Promise<Seed> {
  const send: Send = async (method, path, body) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(apiUrl + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    const text = await response.text();
    // Every answer used below is an object with an id.
    return text === "" ? { id: "" } : (JSON.parse(text) as { readonly id: string });
  };
  const workPool = "pool";
  await send("POST", "/work_pools/", { name: workPool, type: "process" });
  const flow = await send("POST", "/flows/", { name: "etl", tags: ["nightly"] });
  const deployment = await send("POST", "/deployments/", {
    name: "nightly",
    flow_id: flow.id,
    work_pool_name: workPool,
    entrypoint: "etl.py:etl",
    parameters: { day: "today" },
    parameter_openapi_schema: { type: "object", properties: { day: { type: "string" } } },
    schedules: [{ schedule: { cron: "0 3 * * *", timezone: "Europe/Berlin" } }],
  });
  const run = await send("POST", "/flow_runs/", {
    flow_id: flow.id,
    deployment_id: deployment.id,
    name: "first",
    parameters: { day: "today" },
  });
  const setState = (noun: string, id: string, type: string): Promise<unknown> =>
    send("POST", `/${noun}/${id}/set_state`, { state: { type }, force: true });
  await setState("flow_runs", run.id, "RUNNING");
  const task = await send("POST", "/task_runs/", { flow_run_id: run.id, task_key: "load", dynamic_key: "0" });
  const other = await send("POST", "/task_runs/", {
    flow_run_id: run.id,
    task_key: "store",
    dynamic_key: "0",
    task_inputs: { x: [{ input_type: "task_run", id: task.id }] },
  });
  for (const type of ["PENDING", "RUNNING", "COMPLETED"]) {
    await setState("task_runs", task.id, type);
    await setState("task_runs", other.id, type);
  }
  await setState("flow_runs", run.id, "COMPLETED");
  const timestamp = new Date().toISOString();
  await send("POST", "/logs/", [
    { name: "flow", level: 20, message: "hello", timestamp, flow_run_id: run.id },
    { name: "task", level: 40, message: "oh", timestamp, flow_run_id: run.id, task_run_id: task.id },
  ]);
  const artifactKey = "report";
  const artifact = await send("POST", "/artifacts/", {
    key: artifactKey,
    type: "markdown",
    data: "# A report",
    flow_run_id: run.id,
    task_run_id: task.id,
  });
  await send("POST", "/variables/", { name: "threshold", value: 3 });
  await send("POST", "/v2/concurrency_limits/", { name: "database", limit: 2 });
  await send("POST", "/concurrency_limits/", { tag: "heavy", concurrency_limit: 2 });
  await send("POST", "/automations/", {
    name: "restart",
    trigger: { type: "event", posture: "Reactive", expect: ["prefect.flow-run.Failed"], threshold: 1, within: 0 },
    actions: [{ type: "do-nothing" }],
  });
  const block = await seedBlock(send);
  return {
    flowId: flow.id,
    flowRunId: run.id,
    taskRunId: task.id,
    deploymentId: deployment.id,
    workPool,
    blockDocumentId: block.id,
    artifactKey,
    artifactId: artifact.id,
  };
}

async function seedBlock(send: Send): Promise<{ readonly id: string }> {
  const type = await send("POST", "/block_types/", { name: "Store", slug: "store" });
  const schema = await send("POST", "/block_schemas/", {
    block_type_id: type.id,
    fields: { title: "Store", type: "object", properties: { url: { title: "URL", type: "string" } } },
  });
  return send("POST", "/block_documents/", {
    name: "main",
    block_type_id: type.id,
    block_schema_id: schema.id,
    data: { url: "s3://bucket" },
  });
}
