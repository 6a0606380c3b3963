import { InvalidRequest } from "./api-reply.ts";
import { scanJson, type JsonLimits } from "./request/scan-json.ts";
import { faultOfUnusual, storable } from "./request/unusual-values.ts";

/** What the bodies of most routes may hold: no client sends anything deeper, or more things at once. */
export const JSON_LIMITS: JsonLimits = { maxDepth: 64, maxItems: 10_000 };

/** How a body is read. */
export interface BodyReading {
  /** Default {@link JSON_LIMITS}. */
  readonly limits?: JsonLimits;
  /** True puts the replacement character for text that cannot be kept, instead of refusing it. Default false. */
  readonly isRepaired?: boolean;
}

/**
 * Reads a JSON body, after its depth and its numbers of items were looked at. How long it may be is the business of whoever received it.
 *
 * @throws InvalidRequest for one that is no JSON, is too deep, has too many items, or holds what cannot be kept: see `unusual-values.ts`
 */
export function readBody(text: string, { limits = JSON_LIMITS, isRepaired = false }: BodyReading = {}): unknown {
  const scan = scanJson(text, limits);
  if ("fault" in scan) throw new InvalidRequest([scan.fault]);
  const given = parse(text);
  if (!scan.hasUnusual && !text.includes("__proto__") && !text.includes("constructor")) return given;
  const value = isRepaired ? storable(given) : given;
  const fault = faultOfUnusual(value);
  if (fault) throw new InvalidRequest([fault]);
  return value;
}

/**
 * {@link readBody} for the engine's own records, which are as deep as what users pass to their tasks: nothing is looked at before.
 *
 * @throws InvalidRequest for one that is no JSON
 */
export function readOwnBody(text: string): unknown {
  return parse(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidRequest([
      {
        loc: ["body", 0],
        msg: `JSON decode error: ${error instanceof Error ? error.message : String(error)}`,
        type: "json_invalid",
      },
    ]);
  }
}
