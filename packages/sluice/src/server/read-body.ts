import { InvalidRequest, Refusal } from "./api-reply.ts";

/** Largest body of most routes: Prefect's client sends logs in batches of 4 MB. */
const MAX_BODY_CHARACTERS = 8_000_000;
/** Deepest nesting of arrays and objects in a body. */
const MAX_DEPTH = 64;

/**
 * Reads a JSON body, after its size and its depth were looked at.
 *
 * Names that would change an object's prototype are refused.
 *
 * @throws Refusal 413 for one that is too large
 * @throws InvalidRequest for one that is too deep or no JSON
 */
export function readBody(text: string, maxCharacters = MAX_BODY_CHARACTERS): unknown {
  if (text.length > maxCharacters)
    throw new Refusal(413, `The body has ${text.length} characters, the limit is ${maxCharacters}.`);
  if (isTooDeep(text))
    throw new InvalidRequest([{ loc: ["body"], msg: `Nested deeper than ${MAX_DEPTH} levels`, type: "json_too_deep" }]);
  return parse(text);
}

/** {@link readBody} for the engine's own records: the depth is not looked at, the limit is higher. */
export function readOwnBody(text: string): unknown {
  const limit = 64_000_000;
  if (text.length > limit) throw new Refusal(413, `The body has ${text.length} characters, the limit is ${limit}.`);
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

function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (isInString) {
      if (character === 92) index++;
      else if (character === 34) isInString = false;
    } else if (character === 34) isInString = true;
    else if (character === 123 || character === 91) {
      if (++depth > MAX_DEPTH) return true;
    } else if (character === 125 || character === 93) depth--;
  }
  return false;
}
