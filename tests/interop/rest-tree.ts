import type { ApiRequest, Transport } from "sluice/client";

/** A run as REST shows it, less what differs between two executions: ids, times, the words of stacks. */
export interface SeenRun {
  readonly name: string;
  readonly states: readonly string[];
  readonly run_count: number;
  readonly tags: readonly string[];
  readonly message: string | null;
  readonly data: unknown;
}

/** A flow run with everything below it. */
export interface SeenFlowRun extends SeenRun {
  readonly flow: string;
  readonly parameters: unknown;
  readonly logs: readonly string[];
  readonly artifacts: readonly string[];
  readonly taskRuns: readonly SeenTaskRun[];
}

/** A task run; with the flow run that it tracks, where it is a subflow's. */
export interface SeenTaskRun extends SeenRun {
  readonly task_key: string;
  readonly dynamic_key: string;
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly child: SeenFlowRun | null;
}

/** A row of the API with the fields that are looked at. */
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly flow_id: string;
  readonly flow_run_id: string | null;
  readonly task_run_id: string | null;
  readonly parent_task_run_id: string | null;
  readonly state: State;
  readonly state_name: string;
  readonly state_type: string;
  readonly run_count: number;
  readonly tags: readonly string[];
  readonly parameters: unknown;
  readonly task_key: string;
  readonly dynamic_key: string;
  readonly task_inputs: Readonly<Record<string, readonly { readonly input_type: string; readonly id?: string }[]>>;
  readonly message: string;
  readonly level: number;
  readonly key: string | null;
  readonly type: string | null;
  readonly start_time: string | null;
  readonly end_time: string | null;
  readonly empirical_policy: { readonly retries: number | null };
}

interface State {
  readonly name: string;
  readonly timestamp: string;
  readonly message: string | null;
  readonly data: { readonly type: string; readonly serializer: unknown; readonly storage_key: string } | null;
  readonly state_details: { readonly child_flow_run_id: string | null };
}

/** REST of a server of either kind. */
export class Rest {
  readonly #transport: Transport;
  readonly #sign: () => Promise<Readonly<Record<string, string>>>;

  /** @param sign headers that a change needs */
  constructor(transport: Transport, sign: () => Promise<Readonly<Record<string, string>>> = () => Promise.resolve({})) {
    this.#transport = transport;
    this.#sign = sign;
  }

  async call<T>(method: ApiRequest["method"], path: string, body?: unknown): Promise<T> {
    const answer = await this.#transport.send({
      method,
      path: `/api${path}`,
      headers: await this.#sign(),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    // The tests name the contract's shape.
    return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
  }

  flowRun(id: string): Promise<Row> {
    return this.call("GET", `/flow_runs/${id}`);
  }

  filter(noun: "flow_runs" | "task_runs" | "logs" | "artifacts", body: object): Promise<readonly Row[]> {
    return this.call("POST", `/${noun}/filter`, body);
  }

  taskRunsOf(flowRunId: string): Promise<readonly Row[]> {
    return this.filter("task_runs", { flow_runs: { id: { any_: [flowRunId] } }, limit: 200 });
  }

  async stateNames(kind: "flow" | "task", id: string): Promise<readonly string[]> {
    const states = await this.call<readonly State[]>("GET", `/${kind}_run_states/?${kind}_run_id=${id}`);
    return states.toSorted((a, b) => a.timestamp.localeCompare(b.timestamp)).map(({ name }) => name);
  }
}

/** Reads the whole tree of a flow run, in an order that does not depend on time. */
export async function seeTree(rest: Rest, flowRunId: string): Promise<SeenFlowRun> {
  return seeFlowRun(rest, await rest.flowRun(flowRunId));
}

async function seeFlowRun(rest: Rest, row: Row): Promise<SeenFlowRun> {
  const of = { flow_run_id: { any_: [row.id] } };
  const flow = await rest.call<Row>("GET", `/flows/${row.flow_id}`);
  const taskRuns = await rest.taskRunsOf(row.id);
  const names = new Map(taskRuns.map(({ id, name }) => [id, name]));
  const logs = await rest.filter("logs", { logs: of });
  const artifacts = await rest.filter("artifacts", { artifacts: of });
  const seen = [];
  for (const taskRun of taskRuns) seen.push(await seeTaskRun(rest, taskRun, names));
  return {
    ...(await seeRun(rest, "flow", row)),
    flow: flow.name,
    parameters: row.parameters,
    logs: logs
      .map((line) => `${line.level} ${firstLine(line.message)} (${names.get(line.task_run_id ?? "") ?? "flow"})`)
      .toSorted(),
    // A Prefect server keeps the reference of a persisted result as an artifact without type too.
    artifacts: artifacts.flatMap(({ key, type }) => (type === null ? [] : `${type} ${key ?? ""}`)).toSorted(),
    taskRuns: seen.toSorted((a, b) => (a.name + a.states.join()).localeCompare(b.name + b.states.join())),
  };
}

async function seeTaskRun(rest: Rest, row: Row, names: ReadonlyMap<string, string>): Promise<SeenTaskRun> {
  const childId = row.state.state_details.child_flow_run_id;
  const child = childId === null ? null : await rest.flowRun(childId);
  if (child !== null && child.parent_task_run_id !== row.id)
    throw new Error(`${child.name} is not linked to ${row.name}`);
  const run = await seeRun(rest, "task", row);
  return {
    ...run,
    // A Prefect server writes the Pending of the tracking run twice: when it is created, and when its flow run is.
    states: child === null ? run.states : run.states.filter((name, index) => name !== run.states[index - 1]),
    task_key: row.task_key,
    // A later attempt of a flow run has keys of its own on a Prefect server.
    dynamic_key: row.dynamic_key.replace(/~\d+$/, ""),
    inputs: Object.fromEntries(
      Object.entries(row.task_inputs).map(([parameter, inputs]) => [
        parameter,
        inputs.map((input) => `${input.input_type} ${names.get(input.id ?? "") ?? ""}`),
      ]),
    ),
    child: child === null ? null : await seeFlowRun(rest, child),
  };
}

async function seeRun(rest: Rest, kind: "flow" | "task", row: Row): Promise<SeenRun> {
  const { data, message } = row.state;
  return {
    name: row.name,
    states: await rest.stateNames(kind, row.id),
    run_count: row.run_count,
    tags: row.tags.toSorted(),
    message: message === null ? null : firstLine(message),
    data: data === null ? null : { type: data.type, serializer: data.serializer, isOwn: data.storage_key === row.id },
  };
}

/** Of a message that quotes what a worker printed last, that is left out: two executions print in different orders. */
function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.replace(/ Its last words: .*/, "") ?? "";
}

interface Graph {
  readonly nodes: readonly (readonly [
    string,
    {
      readonly kind: string;
      readonly label: string;
      readonly state_type: string;
      readonly parents: readonly { readonly id: string }[];
    },
  ])[];
}

/** The graph of a flow run as its page draws it: each node with those that it depends on. */
export async function seeGraph(rest: Rest, flowRunId: string): Promise<readonly string[]> {
  const { nodes } = await rest.call<Graph>("GET", `/flow_runs/${flowRunId}/graph-v2`);
  const labels = new Map(nodes.map(([id, { label }]) => [id, label]));
  return nodes
    .map(([, { kind, label, state_type: type, parents }]) => {
      const before = parents.map(({ id }) => labels.get(id) ?? "unknown").toSorted();
      return `${kind} ${label} ${type} after [${before.join(", ")}]`;
    })
    .toSorted();
}
