/**
 * What the body of a request may be: one megabyte, and more for the routes that take batches or what users made; nested no deeper, and with no more
 * items, than any client of ours sends.
 */
import { JSON_LIMITS } from "../read-body.ts";
import type { JsonLimits } from "../request/scan-json.ts";
import { LOGS_JSON } from "../take-logs.ts";

/** In bytes, like all sizes here. */
const MEGABYTE = 1_048_576;
/** Of most routes: Prefect refuses parameters of more than 512 kB, and nothing else that is sent singly is larger. */
const ORDINARY_MB = 1;
/** Prefect's client collects up to 4 MB of log lines before it sends them, and one more line may have 1 MB. */
const BATCH_MB = 5;
/** A table or an image that a run shows; Prefect sets no limit, and a page that shows more is of no use. */
const ARTIFACT_MB = 5;
/** A thousand runs of our own engine in one request, each with the parameters that it was called with. */
const RECORDS_MB = 32;
/** What users pass to their tasks may be nested deeper than anything of the contract; deeper than this, reading it would exhaust the stack. */
const RECORDS_JSON: JsonLimits = { maxDepth: 1000, maxItems: 1_000_000 };

/** What the body of a request may be. */
export interface BodyLimits {
  readonly maxBytes: number;
  readonly json: JsonLimits;
  /** Whether the body may also be the plain text that the JSON would be the string of. */
  readonly isText?: boolean;
}

/** Nothing is changed by what a page sends there without being asked. */
const TEXTS = /^\/api\/(?:automations\/)?templates\/validate$/;

interface Larger {
  readonly path: RegExp;
  readonly megabytes: number;
  readonly json?: JsonLimits;
}

const LARGER: readonly Larger[] = [
  { path: /^\/api\/logs\/?$/, megabytes: BATCH_MB, json: LOGS_JSON },
  { path: /^\/api\/events$/, megabytes: BATCH_MB },
  { path: /^\/api\/deployments\/[^/]+\/create_flow_run\/bulk$/, megabytes: BATCH_MB },
  { path: /^\/api\/artifacts\/[^/]*$/, megabytes: ARTIFACT_MB },
  { path: /^\/api\/sluice\/run-records$/, megabytes: RECORDS_MB, json: RECORDS_JSON },
];

/**
 * Makes the function that tells what the body of a request to a path may be.
 *
 * @param ordinaryMb what the server is set to take; raises the limit of every route that has a lower one
 */
export function bodyLimits(ordinaryMb = ORDINARY_MB): (path: string) => BodyLimits {
  const ordinary: BodyLimits = { maxBytes: ordinaryMb * MEGABYTE, json: JSON_LIMITS };
  const larger = LARGER.map(({ path, megabytes, json = JSON_LIMITS }) => ({
    path,
    limits: { maxBytes: Math.max(ordinaryMb, megabytes) * MEGABYTE, json },
  }));
  const text: BodyLimits = { ...ordinary, isText: true };
  return (path) => larger.find((one) => one.path.test(path))?.limits ?? (TEXTS.test(path) ? text : ordinary);
}
