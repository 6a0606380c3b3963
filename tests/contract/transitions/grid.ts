/**
 * A grid of proposed transitions, sent to a server through its API: every way of starting, times every proposal, for runs of several kinds.
 *
 * What came back is written with ids and times replaced by what they mean, so that the answers of two servers can be compared, and the same answer is
 * kept only once.
 */
import { randomUUID } from "node:crypto";

/** Sends a request to the server under test. */
export type Call = (
  method: string,
  path: string,
  sent?: { readonly body?: unknown; readonly userAgent?: string | undefined },
) => Promise<{ readonly status: number; readonly json: unknown }>;

/** The answers of a server: what was answered, and where in the grid. */
export interface Grid {
  readonly outcomes: readonly string[];
  /** By kind of run and way of starting: for each proposal, in order, the number of its outcome. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

/** A state as it is proposed. */
export interface StateBody {
  readonly type: string;
  readonly name?: string;
  readonly message?: string;
  readonly data?: unknown;
  readonly state_details?: Readonly<Record<string, unknown>>;
}

/** A kind of run: makes one in a state, and says how its transitions are proposed. */
export interface Kind {
  readonly noun: "flow_runs" | "task_runs";
  readonly starts: Readonly<Record<string, StateBody>>;
  readonly proposals: Readonly<Record<string, StateBody>>;
  readonly force?: boolean;
  /** @returns id of a run in this state */
  readonly create: (call: Call, state: StateBody) => Promise<string>;
}

const KEPT = { type: "reference", storage_key: "k", expiration: null };
/** One id in all cases: a transition that is sent again. */
const TRANSITION = "11111111-2222-4333-8444-555555555555";
const LEASE = "22222222-2222-4333-8444-555555555555";
/** Times are given in seconds from now and become instants when they are sent. */
const inSeconds = (seconds: number): string => `now${seconds >= 0 ? "+" : ""}${String(seconds)}`;

const COMMON: Readonly<Record<string, StateBody>> = {
  Scheduled: { type: "SCHEDULED" },
  "Scheduled soon": { type: "SCHEDULED", state_details: { scheduled_time: inSeconds(100) } },
  "Scheduled before": { type: "SCHEDULED", state_details: { scheduled_time: inSeconds(-100) } },
  Late: { type: "SCHEDULED", name: "Late" },
  AwaitingRetry: {
    type: "SCHEDULED",
    name: "AwaitingRetry",
    message: "again",
    state_details: { scheduled_time: inSeconds(-1) },
  },
  Pending: { type: "PENDING" },
  Submitting: { type: "PENDING", name: "Submitting" },
  "Pending soon": { type: "PENDING", state_details: { scheduled_time: inSeconds(100) } },
  Running: { type: "RUNNING" },
  Cancelling: { type: "CANCELLING", message: "please" },
  Cancelled: { type: "CANCELLED" },
  Completed: { type: "COMPLETED" },
  "Completed kept": { type: "COMPLETED", data: KEPT },
  "Completed unpersisted": { type: "COMPLETED", data: { type: "unpersisted" } },
  Failed: { type: "FAILED", message: "broken" },
  Crashed: { type: "CRASHED" },
  Paused: { type: "PAUSED", state_details: { pause_key: "p" } },
};

const FLOW_STARTS: Readonly<Record<string, StateBody>> = {
  ...COMMON,
  Resuming: { type: "SCHEDULED", name: "Resuming" },
  "Running once": { type: "RUNNING", state_details: { transition_id: TRANSITION } },
  "Pending leased": { type: "PENDING", state_details: { deployment_concurrency_lease_id: LEASE } },
  Suspended: {
    type: "PAUSED",
    name: "Suspended",
    state_details: { pause_reschedule: true, pause_timeout: inSeconds(100) },
  },
  "Paused long": { type: "PAUSED", state_details: { pause_timeout: inSeconds(-5) } },
  "Suspended long": {
    type: "PAUSED",
    name: "Suspended",
    state_details: { pause_reschedule: true, pause_timeout: inSeconds(-5) },
  },
};

const FLOW_PROPOSALS: Readonly<Record<string, StateBody>> = {
  ...COMMON,
  "Running again": { type: "RUNNING", state_details: { transition_id: TRANSITION } },
  "Paused otherwise": { type: "PAUSED", state_details: { pause_timeout: inSeconds(50) } },
  Suspended: { type: "PAUSED", name: "Suspended", state_details: { pause_key: "s", pause_reschedule: true } },
  Resuming: { type: "SCHEDULED", name: "Resuming" },
};

const TASK_STARTS: Readonly<Record<string, StateBody>> = {
  ...COMMON,
  "Failed for good": { type: "FAILED", state_details: { retriable: false } },
};
const TASK_PROPOSALS: Readonly<Record<string, StateBody>> = {
  ...COMMON,
  "Failed for good": { type: "FAILED", state_details: { retriable: false } },
};

async function idOf(call: Call, path: string, body: unknown): Promise<string> {
  const { status, json } = await call("POST", path, { body: withInstants(body) });
  if (status >= 300)
    throw new Error(`${path} answered ${String(status)}: ${JSON.stringify(json)} to ${JSON.stringify(body)}`);
  return (json as { id: string }).id;
}

const flowIds = new WeakMap<Call, Promise<string>>();
function flowOf(call: Call): Promise<string> {
  const known = flowIds.get(call) ?? idOf(call, "/flows/", { name: `transitions-${randomUUID()}` });
  flowIds.set(call, known);
  return known;
}
const deploymentIds = new WeakMap<Call, Promise<string>>();
function deploymentOf(call: Call): Promise<string> {
  const known =
    deploymentIds.get(call) ??
    flowOf(call).then((flow_id) => idOf(call, "/deployments/", { flow_id, name: `transitions-${randomUUID()}` }));
  deploymentIds.set(call, known);
  return known;
}

function flowRun(rest: object, deployed = false): Kind["create"] {
  return async (call, state) => {
    const deployment = deployed ? { deployment_id: await deploymentOf(call) } : {};
    return createRun(call, "flow_runs", { flow_id: await flowOf(call), state, ...deployment, ...rest });
  };
}

/** Prefect cannot create a run whose state has data (500): it is given afterwards. */
async function createRun(
  call: Call,
  noun: Kind["noun"],
  { state: { data, ...state }, ...rest }: { readonly state: StateBody } & Readonly<Record<string, unknown>>,
): Promise<string> {
  const id = await idOf(call, `/${noun}/`, { state, ...rest });
  if (data !== undefined)
    await call("POST", `/${noun}/${id}/set_state`, { body: { state: withInstants({ ...state, data }), force: true } });
  return id;
}

/** A task run, of a flow run in some state or of none. */
function taskRun(flowState: StateBody | null, rest: object = {}): Kind["create"] {
  return async (call, state) => {
    const flow_run_id =
      flowState && (await idOf(call, "/flow_runs/", { flow_id: await flowOf(call), state: flowState }));
    return createRun(call, "task_runs", { flow_run_id, task_key: "t", dynamic_key: randomUUID(), state, ...rest });
  };
}

async function subflow(call: Call, state: StateBody): Promise<string> {
  const flow_id = await flowOf(call);
  const flow_run_id = await idOf(call, "/flow_runs/", { flow_id, state: { type: "RUNNING" } });
  const parent_task_run_id = await idOf(call, "/task_runs/", { flow_run_id, task_key: "s", dynamic_key: randomUUID() });
  return createRun(call, "flow_runs", { flow_id, state, parent_task_run_id });
}

/** A flow run that has a process to be stopped. */
function withProcess(create: Kind["create"]): Kind["create"] {
  return async (call, state) => {
    const id = await create(call, state);
    await call("PATCH", `/flow_runs/${id}`, { body: { infrastructure_pid: "pid" } });
    return id;
  };
}

/** A run that has run before: once RUNNING, then failed, then forced to the state that is asked for. */
function ranBefore(noun: Kind["noun"], create: Kind["create"]): Kind["create"] {
  return async (call, state) => {
    const id = await create(call, { type: "RUNNING" });
    for (const next of [{ type: "FAILED" }, state])
      await call("POST", `/${noun}/${id}/set_state`, { body: { state: withInstants(next), force: true } });
    return id;
  };
}

const flow = { noun: "flow_runs", starts: FLOW_STARTS, proposals: FLOW_PROPOSALS } as const;
const task = { noun: "task_runs", starts: TASK_STARTS, proposals: TASK_PROPOSALS } as const;
const running = { Running: { type: "RUNNING" } };
const retriedFlow = { empirical_policy: { retries: 1, retry_delay: 30, pause_keys: ["p"], resuming: true } };
const retriedTask = { empirical_policy: { retries: 1, retry_delay: [30, 60] } };

/** Every kind of run of the grid, by name. */
export const KINDS: Readonly<Record<string, Kind>> = {
  "flow run": { ...flow, create: flowRun({}) },
  "flow run, forced": { ...flow, force: true, create: flowRun({}) },
  "flow run of a deployment": { ...flow, create: flowRun({}, true) },
  "flow run of a deployment with a process": { ...flow, create: withProcess(flowRun({}, true)) },
  "flow run of a deployment, forced": { ...flow, force: true, create: flowRun({}, true) },
  "flow run with retries": { ...flow, create: flowRun(retriedFlow) },
  "flow run with retries that ran": { ...flow, create: ranBefore("flow_runs", flowRun(retriedFlow)) },
  subflow: { ...flow, create: subflow },
  "task run": { ...task, create: taskRun(null) },
  "task run, forced": { ...task, force: true, create: taskRun(null) },
  "task run of a running flow": { ...task, create: taskRun({ type: "RUNNING" }) },
  "task run with retries": { ...task, create: taskRun(null, retriedTask) },
  "task run with retries that ran": { ...task, create: ranBefore("task_runs", taskRun(null, retriedTask)) },
  "task run with many retries that ran": {
    ...task,
    create: ranBefore(
      "task_runs",
      taskRun({ type: "RUNNING" }, { empirical_policy: { retries: 5, retry_delay: [30, 60] } }),
    ),
  },
  "task run of a paused flow": {
    ...task,
    proposals: running,
    create: taskRun({ type: "PAUSED", state_details: { pause_timeout: inSeconds(70), pause_reschedule: true } }),
  },
  "task run of a pending flow": { ...task, proposals: running, create: taskRun({ type: "PENDING" }) },
  "task run of a completed flow": { ...task, proposals: running, create: taskRun({ type: "COMPLETED" }) },
  "background task run": {
    ...task,
    starts: mapStates(TASK_STARTS, (state) => deferred(state, { task_parameters_id: LEASE })),
    proposals: mapStates(TASK_PROPOSALS, (state) => deferred(state, {})),
    create: taskRun(null),
  },
};

function mapStates(states: Readonly<Record<string, StateBody>>, change: (state: StateBody) => StateBody) {
  return Object.fromEntries(Object.entries(states).map(([name, state]) => [name, change(state)]));
}
function deferred(state: StateBody, details: object): StateBody {
  return { ...state, state_details: { ...state.state_details, ...details, deferred: true } };
}

/** Sends every case of the given kinds. @param parallel how many at a time */
export async function runGrid(call: Call, kinds: Readonly<Record<string, Kind>>, parallel: number): Promise<Grid> {
  const cases = Object.entries(kinds).flatMap(([kindName, kind]) =>
    Object.entries(kind.starts).flatMap(([start, from]) =>
      Object.values(kind.proposals).map((to) => ({ kindName, kind, start, from, to, text: "" })),
    ),
  );
  const queue = [...cases];
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one; one = queue.shift()) one.text = await propose(call, one);
  };
  await Promise.all(Array.from({ length: parallel }, work));
  const numbers = new Map<string, number>();
  const cells: Record<string, Record<string, number[]>> = {};
  for (const { kindName, start, text } of cases) {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    ((cells[kindName] ??= {})[start] ??= []).push(number);
  }
  return { outcomes: [...numbers.keys()], cells };
}

async function propose(
  call: Call,
  { kind, from, to }: { readonly kind: Kind; readonly from: StateBody; readonly to: StateBody },
): Promise<string> {
  const id = await kind.create(call, from);
  const path = `/${kind.noun}/${id}`;
  const force = kind.force === true ? { force: true } : {};
  const answer = await call("POST", `${path}/set_state`, { body: { state: withInstants(to), ...force } });
  const run = (await call("GET", path)).json as Record<string, unknown>;
  const states = await call("GET", `/${kind.noun.slice(0, -1)}_states/?${kind.noun.slice(0, -1)}_id=${id}`);
  const outcome = {
    http: answer.status,
    ...(answer.json as object),
    run: summary(run),
    states: (states.json as unknown[]).length,
  };
  return shortText(normal(outcome) as Normal);
}

/** An outcome after {@link normal}. */
export interface Normal {
  readonly http: number;
  readonly status?: string;
  readonly details?: { readonly reason?: string; readonly delay_seconds?: number };
  readonly state?: Record<string, unknown>;
  readonly run: Record<string, unknown>;
  readonly states: number;
}

/** One line: what was answered, where the run stands, what else changed of it. */
export function shortText({ http, status, details, state = {}, run, states }: Normal): string {
  const { type, name, state_details, ...rest } = state;
  const { state: [...names] = [], ...changed } = run as { state?: string[] };
  const isWhereAnswered = names.includes(String(type)) && (names.includes(String(name)) || type === name);
  const delay = details?.delay_seconds === undefined ? "" : `${String(details.delay_seconds)} s`;
  const parts = [
    `${String(http)} ${String(status)}`,
    [details?.reason ?? "", delay].filter((part) => part !== "").join(" "),
    `${String(type)} ${String(name)}${isWhereAnswered ? "" : `, but the run is ${names.join(" ")}`}`,
    compact({ ...rest, ...(state_details as object) }),
    compact(changed),
    `${String(states)} states`,
  ];
  return parts.join(" | ");
}

function compact(value: object): string {
  return JSON.stringify(value).replaceAll('"', "").slice(1, -1);
}

/** What the rules change of a run. */
function summary(run: Record<string, unknown>): unknown {
  const { state_type, state_name, run_count, flow_run_run_count, start_time, end_time, next_scheduled_start_time } =
    run;
  const { pause_keys, resuming, retry_type } = run["empirical_policy"] as Record<string, unknown>;
  return {
    state: [state_type, state_name],
    run_count,
    ...(flow_run_run_count === undefined ? {} : { flow_run_run_count }),
    start_time: start_time !== null,
    end_time: end_time !== null,
    next_scheduled_start_time,
    ...(pause_keys === undefined ? {} : { pause_keys, resuming, retry_type }),
  };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)$/;
/** Times are compared in steps of this many seconds: a case takes less. */
const STEP_SECONDS = 10;
const OWN_IDS: ReadonlySet<string> = new Set(["flow_run_id", "task_run_id", "child_flow_run_id"]);

/** Replaces ids and times by what they mean, and leaves out what is null, false or empty. */
export function normal(value: unknown): unknown {
  if (typeof value === "string") {
    if (INSTANT.test(value))
      return inSeconds(Math.round((Date.parse(value) - Date.now()) / 1000 / STEP_SECONDS) * STEP_SECONDS);
    if (value === TRANSITION) return "<transition>";
    if (value === LEASE) return "<given>";
    return value.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<id>");
  }
  if (Array.isArray(value)) return value.map(normal).toSorted((one, other) => (String(one) < String(other) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([name, one]) =>
      one !== null &&
      one !== false &&
      !(OWN_IDS.has(name) && UUID.test(String(one))) &&
      name !== "id" &&
      name !== "timestamp",
  );
  return Object.fromEntries(
    entries
      .map(([name, one]): [string, unknown] => [name, normal(one)])
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** Makes instants of the times of a body. */
function withInstants(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(body).replaceAll(/"now([+-]\d+)"/g, (_whole, seconds: string) =>
      JSON.stringify(new Date(Date.now() + Number(seconds) * 1000).toISOString()),
    ),
  );
}
