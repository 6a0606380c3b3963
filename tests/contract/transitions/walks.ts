/** Runs of deployments with a limit, moved one after the other: who gets a slot, who waits, and how many slots are taken after each step. */
import { randomUUID } from "node:crypto";
import { shortText, normal, type Call, type Normal, type StateBody } from "./grid.ts";

/** One proposal of a walk: for which of its runs, in which state, by which client. */
interface Step {
  readonly run: number;
  readonly state: StateBody;
  /** Version of the Prefect client; left out it is none. */
  readonly client?: string;
}

interface Walk {
  readonly deployment: Readonly<Record<string, unknown>>;
  /** What the runs are made with. */
  readonly run?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

const scheduled = { type: "SCHEDULED" };
const pending = { type: "PENDING" };
const submitting = { type: "PENDING", name: "Submitting" };
const running = { type: "RUNNING" };
const failed = { type: "FAILED", message: "no" };
const completed = { type: "COMPLETED" };
const cancelling = { type: "CANCELLING" };
const cancelled = { type: "CANCELLED" };
const paused = { type: "PAUSED", state_details: { pause_key: "p" } };
const suspended = { type: "PAUSED", name: "Suspended", state_details: { pause_key: "s", pause_reschedule: true } };
const NEW = "3.8.8";
const step = (run: number, state: StateBody, client = NEW): Step => ({ run, state, client });
const queue = { concurrency_limit: 1 };
const refuse = { concurrency_limit: 1, concurrency_options: { collision_strategy: "CANCEL_NEW" } };

/** Every walk, by what it shows. */
export const WALKS: Readonly<Record<string, Walk>> = {
  "a slot is taken, kept and given back": {
    deployment: queue,
    steps: [step(0, pending), step(0, submitting), step(0, running), step(0, completed)],
  },
  "who finds none waits, then has its turn": {
    deployment: queue,
    steps: [step(0, pending), step(1, pending), step(0, running), step(1, pending), step(0, failed), step(1, pending)],
  },
  "who finds none is cancelled": {
    deployment: refuse,
    steps: [step(0, pending), step(1, pending), step(1, pending), step(1, scheduled), step(1, pending)],
  },
  "a pause gives the slot back, and does not take it again": {
    deployment: queue,
    steps: [
      step(0, pending),
      step(0, running),
      step(0, paused),
      step(1, pending),
      step(0, running),
      step(0, completed),
    ],
  },
  "a suspended run takes a slot anew": {
    deployment: queue,
    steps: [
      step(0, pending),
      step(0, running),
      step(0, suspended),
      step(1, pending),
      step(0, { type: "SCHEDULED", name: "Resuming" }),
      step(0, pending),
    ],
  },
  "a cancel keeps the slot to its end": {
    deployment: queue,
    steps: [
      step(0, pending),
      step(0, running),
      step(0, cancelling),
      step(1, pending),
      step(0, cancelled),
      step(1, pending),
    ],
  },
  "a retry in its process keeps the slot": {
    deployment: queue,
    run: { empirical_policy: { retries: 1, retry_delay: 0 } },
    steps: [
      step(0, pending),
      step(0, running),
      step(0, failed),
      step(1, pending),
      step(0, running),
      step(0, failed),
      step(1, pending),
    ],
  },
  "an old client keeps the slot without renewing": {
    deployment: queue,
    steps: [
      step(0, pending, "3.4.10"),
      step(0, running, "3.4.10"),
      step(1, pending, "3.4.10"),
      step(0, completed, "3.4.10"),
      step(1, pending, "3.4.10"),
    ],
  },
  "a client that takes slots itself": {
    deployment: queue,
    steps: [step(0, pending, "3.0.0"), step(1, pending, "3.0.0")],
  },
  "any other client": {
    deployment: queue,
    steps: [
      { run: 0, state: pending },
      { run: 0, state: running },
      { run: 0, state: completed },
    ],
  },
  "a run that crashes before it runs": {
    deployment: queue,
    steps: [step(0, pending), step(0, { type: "CRASHED" }), step(1, pending)],
  },
};

/** Takes the walks on a server. @returns one line a step, by walk */
export async function takeWalks(call: Call): Promise<Record<string, string[]>> {
  const flow_id = idIn((await call("POST", "/flows/", { body: { name: `walks-${randomUUID()}` } })).json);
  const lines: Record<string, string[]> = {};
  for (const [name, walk] of Object.entries(WALKS)) {
    const deployment = { flow_id, name: randomUUID(), ...walk.deployment };
    const deployment_id = idIn((await call("POST", "/deployments/", { body: deployment })).json);
    const ids: string[] = [];
    for (let no = 0; no < 2; no++) {
      const body = { flow_id, deployment_id, state: scheduled, ...walk.run };
      const run = await call("POST", "/flow_runs/", { body });
      ids.push(idIn(run.json));
    }
    const taken: string[] = [];
    for (const { run, state, client } of walk.steps) {
      const userAgent = client === undefined ? undefined : `prefect/${client} (API 0.8.4)`;
      const answer = await call("POST", `/flow_runs/${ids[run] ?? ""}/set_state`, { body: { state }, userAgent });
      // An answer to a proposal, without what `normal` leaves out.
      const told = normal(answer.json) as Omit<Normal, "http" | "run" | "states">;
      const limit = (await call("GET", `/v2/concurrency_limits/deployment:${deployment_id}`)).json;
      const { active_slots } = limit as { active_slots: number };
      const now = { state: [told.state?.["type"], told.state?.["name"]], active_slots };
      const line = shortText({ ...told, http: answer.status, run: now, states: 0 });
      taken.push(`run ${String(run)} -> ${line.replace(" | 0 states", "")}`);
    }
    lines[name] = taken;
  }
  return lines;
}

function idIn(json: unknown): string {
  if (typeof json === "object" && json !== null && "id" in json) return String(json.id);
  throw new Error(`no id: ${JSON.stringify(json)}`);
}
