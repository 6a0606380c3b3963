/** What a text is searched for. */
export interface TextSearch {
  /** One of these must be there, unless there are none. */
  readonly include: readonly string[];
  /** None of these may be there. */
  readonly exclude: readonly string[];
  /** All of these must be there. */
  readonly required: readonly string[];
}

/** An optional sign, then a quoted phrase (in which a backslash saves a quote) or a word. */
const TERM = /([-!+]?)(?:"((?:[^"\\]|\\.)*)"?|(\S+))/g;

/** Reads a search as users write it: `error -debug +"connection lost"`. A minus or an exclamation mark excludes, a plus requires. */
export function readTextSearch(query: string): TextSearch {
  const search = { include: [] as string[], exclude: [] as string[], required: [] as string[] };
  for (const [, sign = "", phrase, word] of query.matchAll(TERM)) {
    const term = phrase === undefined ? (word ?? "") : phrase.replaceAll(/\\(["\\])/g, "$1");
    if (term === "") continue;
    (sign === "" ? search.include : sign === "+" ? search.required : search.exclude).push(term);
  }
  return search;
}
