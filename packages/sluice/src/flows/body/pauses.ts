import type { StandardSchemaV1 } from "@standard-schema/spec";
import { requireFrame, type Frame } from "../../engine/context/frame.ts";
import type { EngineHost } from "../../engine/host.ts";
import type { FlowRun } from "../../engine/run.ts";
import { pauseRun, type Pause } from "../../engine/store/pause.ts";
import { describeIssue, schemaInJson } from "../../engine/values/parameters.ts";
import { SluiceError } from "../../wire/errors.ts";
import { callStore } from "./call-store.ts";
import { openSession } from "../session.ts";

/** How a flow run pauses. */
export interface PauseOptions {
  /**
   * What tells this pause from others of the run: lower-case letters, digits and dashes. A pause fires once in a run, so one with a key of yours is passed when a retry
   * of the run comes to it again. Default: the number of the pause in this attempt of the run, which asks again in a retry.
   */
  readonly key?: string;
  /** Seconds after which a run that nobody has resumed fails. Default 3600. */
  readonly timeoutSeconds?: number;
  /** Seconds between two looks at the server. Default 1; 10 at a Prefect server. */
  readonly pollIntervalSeconds?: number;
}

/** How a flow run pauses until it is given something. */
export interface PauseForInputOptions<Schema extends StandardSchemaV1> extends PauseOptions {
  /** What is asked for: the Standard Schema of an object that its library can say as a JSON schema (zod, arktype, typebox and others). */
  readonly waitForInput: Schema;
  /** Markdown that is shown with the form. */
  readonly inputDescription?: string;
}

/** What a paused run is given. */
export interface ResumeOptions {
  /** Fits what the run asks for. */
  readonly input?: Readonly<Record<string, unknown>>;
}

const DEFAULT_TIMEOUT_SECONDS = 3600;
const OUR_POLL_SECONDS = 1;
const PREFECT_POLL_SECONDS = 10;
const KEY = /^[a-z0-9-]+$/;

/**
 * Pauses the flow run that the calling code is the body of, until somebody resumes it: {@link resumeFlowRun}, `sluice flow-run resume`, the UI, or the REST API. The process
 * waits; tasks and subflows that run go on; a slot of a pool is free meanwhile.
 *
 * @returns what the run was given, as the schema makes it; undefined without `waitForInput`
 * @throws SluiceError `SLUICE_PAUSE_TIMED_OUT` when nobody resumes the run in time; `SLUICE_RUN_REFUSED` when the server does not let it pause; `SLUICE_NO_RUN_CONTEXT` outside
 *   the body of a flow; `SLUICE_OPTION_INVALID`; `SLUICE_PARAMETERS_INVALID` for an input that the schema refuses
 */
export function pauseFlowRun(options?: PauseOptions): Promise<undefined>;
export function pauseFlowRun<Schema extends StandardSchemaV1>(
  options: PauseForInputOptions<Schema>,
): Promise<StandardSchemaV1.InferOutput<Schema>>;
export async function pauseFlowRun(
  options: PauseOptions & Partial<PauseForInputOptions<StandardSchemaV1>> = {},
): Promise<unknown> {
  const frame = requireFrame("pauseFlowRun()");
  frame.throwIfStopped();
  const { run, scope } = frame;
  if (run.kind !== "flow") {
    const message = `pauseFlowRun() was called in task run "${run.name}". Only the body of a flow can pause its run.`;
    throw new SluiceError("SLUICE_NO_RUN_CONTEXT", message);
  }
  const pause = readOptions(options, frame);
  const { waitForInput: schema } = options;
  if (schema === undefined || pause.keyset === undefined) {
    await pauseRun(frame, run, pause);
    return undefined;
  }
  const inputs = new RunInputs(scope.host, run);
  // A retry of the run takes what was given to its earlier attempt.
  const given = run.runCount > 1 ? await inputs.read(pause.keyset.response) : undefined;
  if (given !== undefined) return checkInput(schema, given, run.name);
  // The run must be known to the server before it has inputs, and must have its schema before anybody can answer.
  await scope.host.tracker.flush();
  await inputs.write(pause.keyset.schema, jsonSchemaOf(schema));
  if (options.inputDescription !== undefined) await inputs.write(pause.keyset.description, options.inputDescription);
  await pauseRun(frame, run, pause);
  return checkInput(schema, (await inputs.read(pause.keyset.response)) ?? {}, run.name);
}

/**
 * Lets a paused flow run go on, also one of Python's.
 *
 * @param flowRunId the full id of the run
 * @throws SluiceError `SLUICE_PAUSE_TIMED_OUT` when its time was up; `SLUICE_RUN_REFUSED` when it is not paused, or the input is not what it asks for;
 *   `SLUICE_API_REFUSED` when there is no such run
 */
export async function resumeFlowRun(flowRunId: string, { input }: ResumeOptions = {}): Promise<void> {
  const path = `/api/flow_runs/${encodeURIComponent(flowRunId)}/resume`;
  const body = JSON.stringify(input === undefined ? {} : { run_input: input });
  const answer = await callStore(openSession().transport, { method: "POST", path, body });
  // The contract's answer to this path.
  const { status, state, details } = JSON.parse(answer.body) as {
    readonly status: string;
    readonly state: { readonly type: string } | null;
    readonly details: { readonly reason?: string | null };
  };
  if (status === "ACCEPT") return;
  const code = status === "REJECT" && state?.type === "FAILED" ? "SLUICE_PAUSE_TIMED_OUT" : "SLUICE_RUN_REFUSED";
  throw new SluiceError(code, `Flow run ${flowRunId} cannot be resumed: ${details.reason ?? status}`);
}

function readOptions(options: PauseOptions & { readonly waitForInput?: StandardSchemaV1 }, frame: Frame): Pause {
  const { timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = options;
  const { tracker } = frame.scope.host;
  const { pollIntervalSeconds = tracker.decides ? PREFECT_POLL_SECONDS : OUR_POLL_SECONDS } = options;
  for (const [name, seconds] of Object.entries({ timeoutSeconds, pollIntervalSeconds })) {
    if (typeof seconds === "number" && seconds > 0 && seconds < 1e9) continue;
    throw invalid(`${name} expected seconds above 0, got ${String(seconds)}`);
  }
  if (options.key !== undefined && !KEY.test(options.key)) {
    throw invalid(`key expected lower-case letters, digits and dashes, got ${JSON.stringify(options.key)}`);
  }
  const { runCount } = frame.run;
  const number = ++frame.pauses;
  const key = options.key ?? (runCount > 1 ? `${number}-attempt-${runCount}` : String(number));
  const base = `paused-${key}`;
  const keyset =
    options.waitForInput === undefined
      ? undefined
      : { schema: `${base}-schema`, response: `${base}-response`, description: `${base}-description` };
  return { key, timeoutMs: timeoutSeconds * 1000, pollMs: pollIntervalSeconds * 1000, keyset };
}

function jsonSchemaOf(schema: StandardSchemaV1): string {
  const { $schema: _, ...json } = schemaInJson(schema) ?? {};
  if (json["type"] === "object") return JSON.stringify(json);
  throw invalid(
    "waitForInput expected the schema of an object that can be said as a JSON schema, such as z.object({ approved: z.boolean() })",
  );
}

async function checkInput(schema: StandardSchemaV1, given: unknown, runName: string): Promise<unknown> {
  const checked = await schema["~standard"].validate(given);
  if (checked.issues === undefined) return checked.value;
  const reasons = checked.issues.map(describeIssue).join("; ");
  throw new SluiceError("SLUICE_PARAMETERS_INVALID", `The input of flow run "${runName}" is not valid: ${reasons}.`);
}

function invalid(reason: string): SluiceError {
  return new SluiceError("SLUICE_OPTION_INVALID", `pauseFlowRun(): ${reason}.`);
}

/** The inputs of a flow run at the store. */
class RunInputs {
  readonly #transport: EngineHost["transport"];
  readonly #run: FlowRun;

  constructor({ transport }: EngineHost, run: FlowRun) {
    this.#transport = transport;
    this.#run = run;
  }

  /** Writes a text; one that is there already stays, since a pause that comes again asks for the same. */
  async write(key: string, value: string): Promise<void> {
    const path = `/api/flow_runs/${this.#run.id}/input`;
    const body = JSON.stringify({ key, value });
    await callStore(this.#transport, { method: "POST", path, body }, [409]);
  }

  /** Reads a JSON value; undefined when there is none. */
  async read(key: string): Promise<unknown> {
    const path = `/api/flow_runs/${this.#run.id}/input/${key}`;
    const answer = await callStore(this.#transport, { method: "GET", path }, [404]);
    if (answer.status === 404) return undefined;
    // A server checks an answer by the run's JSON schema before it stores it.
    return JSON.parse(answer.body) as unknown;
  }
}
