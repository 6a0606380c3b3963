import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { SluiceError } from "../../../wire/errors.ts";
import type { CheckedJobs } from "./jobs-options.ts";

/** How long a request is tried again while the head does not answer. */
const RETRY_FOR_MS = 30_000;
const RETRY_MS = 500;
const ANSWER_MS = 60_000;
/** Answers of whoever stands before the head while it is away. */
const AWAY_STATUSES: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/** A job as the server tells of it (Ray's `JobDetails`). */
export interface JobState {
  readonly status: "PENDING" | "RUNNING" | "STOPPED" | "SUCCEEDED" | "FAILED";
  /** Ray's own words. */
  readonly message: string | null;
}

/** What a job server says of its cluster. */
export interface JobServerFacts {
  readonly hosts: readonly string[];
  readonly cpus: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * The job server of a Ray cluster, by the REST API of its dashboard.
 *
 * @see Ray `dashboard/modules/job/job_head.py`, `dashboard/modules/state/state_head.py`
 */
export class JobServer {
  readonly #jobs: CheckedJobs;

  constructor(jobs: CheckedJobs) {
    this.#jobs = jobs;
  }

  /** Finds out whether this is a job server, and what its cluster has. @throws SluiceError SLUICE_CLUSTER_UNREACHABLE, SLUICE_CLUSTER_UNFIT with the cure */
  async facts(): Promise<JobServerFacts> {
    const version = await this.#once("GET", "/api/version").catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    if (!isRayVersion(version)) throw this.#noJobServer(version);
    const nodes = await this.#nodes();
    const cpus = nodes.reduce((sum, { resources_total: total }) => sum + (total["CPU"] ?? 0), 0);
    return { hosts: nodes.map(({ node_ip: host }) => host), cpus };
  }

  /** The nodes that are there; a head that has just started has none yet. */
  async #nodes(): Promise<readonly NodeFacts[]> {
    const end = performance.now() + RETRY_FOR_MS;
    for (;;) {
      const answer = await this.#ask("GET", "/api/v0/nodes?limit=10000");
      const nodes = dataOf(answer).filter(({ state }) => state === "ALIVE");
      if (nodes.length > 0 || performance.now() > end) return nodes;
      await delay(RETRY_MS);
    }
  }

  /** Asks whether the cluster has a package: it keeps it for some minutes then. */
  async hasPackage(name: string): Promise<boolean> {
    return (await this.#try("GET", `/api/packages/gcs/${name}`)).status === 200;
  }

  async putPackage(name: string, content: Uint8Array): Promise<void> {
    await this.#ask("PUT", `/api/packages/gcs/${name}`, { type: "application/octet-stream", content });
  }

  async submit(job: { readonly submission_id: string; readonly [option: string]: unknown }): Promise<void> {
    const content = Buffer.from(JSON.stringify(job));
    const answer = await this.#try("POST", "/api/jobs/", { type: "application/json", content });
    // The answer to an earlier try may have been lost.
    if (answer.status !== 200 && !/already exists/.test(answer.text)) throw this.#refused("POST", "/api/jobs/", answer);
  }

  /** Undefined when the server knows no such job. */
  async job(id: string): Promise<JobState | undefined> {
    const answer = await this.#try("GET", `/api/jobs/${id}`);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw this.#refused("GET", `/api/jobs/${id}`, answer);
    return JSON.parse(answer.text) as JobState; // Ray's JobDetails
  }

  /** All that a job has written so far; undefined when its node is gone. */
  async log(id: string): Promise<string | undefined> {
    const answer = await this.#try("GET", `/api/jobs/${id}/logs`);
    if (answer.status !== 200) return undefined;
    return (JSON.parse(answer.text) as { readonly logs: string }).logs; // Ray's JobLogsResponse
  }

  /** Asks a job to stop; false when it has not begun, or is over. */
  async stop(id: string): Promise<boolean> {
    const answer = await this.#try("POST", `/api/jobs/${id}/stop`);
    return answer.status === 200 && (JSON.parse(answer.text) as { readonly stopped: boolean }).stopped; // Ray's JobStopResponse
  }

  /** Follows what a job writes until it is over, or `signal` aborts. Best effort: {@link log} has all of it in the end. */
  async follow(id: string, onText: (text: string) => void, signal: AbortSignal): Promise<void> {
    const { WebSocket } = await import("ws");
    if (signal.aborted) return;
    const url = `${this.#jobs.url.replace(/^http/, "ws")}/api/jobs/${id}/logs/tail`;
    const socket = new WebSocket(url, { headers: this.#jobs.headers });
    const ended = Promise.withResolvers<void>();
    // One Buffer a message, unless another form is asked for.
    socket.on("message", (data) => onText((data as Buffer).toString("utf8")));
    socket.on("error", () => ended.resolve());
    socket.on("close", () => ended.resolve());
    const onAbort = (): void => socket.terminate();
    signal.addEventListener("abort", onAbort, { once: true });
    await ended.promise;
    signal.removeEventListener("abort", onAbort);
  }

  async #ask(method: string, path: string, body?: RequestBody): Promise<Answer> {
    const answer = await this.#try(method, path, body);
    if (answer.status !== 200) throw this.#refused(method, path, answer);
    return answer;
  }

  /** One answer, asked for again while the head is away. */
  async #try(method: string, path: string, body?: RequestBody): Promise<Answer> {
    const end = performance.now() + RETRY_FOR_MS;
    for (;;) {
      let trouble: unknown;
      try {
        const answer = await this.#once(method, path, body);
        if (!AWAY_STATUSES.has(answer.status)) return answer;
        trouble = this.#refused(method, path, answer);
      } catch (error) {
        trouble = error;
      }
      if (performance.now() > end) throw this.#lost(trouble);
      await delay(RETRY_MS);
    }
  }

  #once(method: string, path: string, body?: RequestBody): Promise<Answer> {
    const answer = Promise.withResolvers<Answer>();
    const url = new URL(this.#jobs.url + path);
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const headers = {
      ...(body === undefined ? {} : { "content-type": body.type, "content-length": body.content.length }),
      ...this.#jobs.headers,
    };
    const sent = request(url, { method, headers, timeout: ANSWER_MS }, (response) => {
      readText(response).then((text) => answer.resolve({ status: response.statusCode ?? 0, text }), answer.reject);
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer for ${ANSWER_MS / 1000} s`)));
    sent.on("error", answer.reject);
    sent.end(body?.content);
    return answer.promise;
  }

  #unreachable(cause: unknown): SluiceError {
    return new SluiceError(
      "SLUICE_CLUSTER_UNREACHABLE",
      `Expected the job server of a Ray cluster at ${this.#jobs.url}, and nobody answers there (${wordsOf(cause)}). ${CURE}`,
      { cause },
    );
  }

  #lost(cause: unknown): SluiceError {
    return new SluiceError(
      "SLUICE_CLUSTER_UNREACHABLE",
      `The job server of the Ray cluster at ${this.#jobs.url} has not answered for ${RETRY_FOR_MS / 1000} s (${wordsOf(cause)}).`,
      { cause },
    );
  }

  #noJobServer({ status, text }: Answer): SluiceError {
    if (status === 401 || status === 403) {
      return new SluiceError(
        "SLUICE_CLUSTER_UNFIT",
        `The Ray cluster at ${this.#jobs.url} wants credentials (${status}): give them by jobs.headers of the task runner, such as { Authorization: "Bearer …" }.`,
      );
    }
    return new SluiceError(
      "SLUICE_CLUSTER_UNFIT",
      `Expected the job server of a Ray cluster at ${this.#jobs.url}, got the answer ${status} ${JSON.stringify(text.slice(0, 200))}. ${CURE}`,
    );
  }

  #refused(method: string, path: string, { status, text }: Answer): SluiceError {
    return new SluiceError(
      "SLUICE_CLUSTER_REFUSED",
      `Ray's job server answered ${method} ${path} with ${status}: ${text.trim().slice(-2000)}`,
    );
  }
}

const CURE =
  'A cluster has one when Ray was installed there as "ray[default]" and its head was started with the dashboard, whose address this is: ray start --head --include-dashboard=true.';

interface RequestBody {
  readonly type: string;
  readonly content: Uint8Array;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  // A response without an encoding gives Buffers.
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function isRayVersion({ status, text }: Answer): boolean {
  if (status !== 200) return false;
  try {
    return typeof (JSON.parse(text) as { readonly ray_version?: unknown }).ray_version === "string";
  } catch {
    return false; // some other page
  }
}

interface NodeFacts {
  readonly state: string;
  readonly node_ip: string;
  readonly resources_total: Readonly<Record<string, number>>;
}

/** Ray's answer to a question of its state API. */
function dataOf({ text }: Answer): readonly NodeFacts[] {
  const answer = JSON.parse(text) as { readonly data: { readonly result: { readonly result: readonly NodeFacts[] } } };
  return answer.data.result.result;
}

/** An address with several answers fails with a list of errors and no words of its own. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  return "code" in error ? String(error.code) : error.name;
}
