import { UsageError } from "./command-error.ts";

/** What the command line says about the parameters of a run. */
export interface ParameterOptions {
  /** `k=v` texts in the order given; later ones win. */
  readonly assignments: readonly string[];
  /** A JSON object, whose keys `assignments` override. */
  readonly json?: string | undefined;
}

/**
 * Makes the named parameters of a run: a value of `k=v` is JSON where it parses as JSON, else the text as it stands.
 *
 * @throws UsageError for a text without a name before `=`, or JSON that is not an object
 */
export function runParameters({ assignments, json }: ParameterOptions): Record<string, unknown> {
  const parameters = json === undefined ? {} : parseObject(json);
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    if (at < 1) throw new UsageError(`--param takes name=value, got "${assignment}".`);
    parameters[assignment.slice(0, at)] = jsonOrText(assignment.slice(at + 1));
  }
  return parameters;
}

/** Reads a text as JSON where it is JSON, else takes it as it stands. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the text itself is the value, so that `--param city=Oslo` needs no quotes.
    return text;
  }
}

function parseObject(text: string): Record<string, unknown> {
  const value = jsonOrText(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(`--params-json takes a JSON object such as '{"n": 3}', got ${text.slice(0, 60)}`);
  }
  return { ...value };
}

/** A flow as named on the command line. */
export interface EntrypointText {
  readonly file: string;
  /** Absent when the file's only flow is meant. */
  readonly exportName?: string;
}

/**
 * Splits `path/file.ts:name`; a colon inside the path (a drive letter, a URL) is not taken for the separator. After the ending of a source file stands
 * a name, whatever it is made of: a flow's own name may hold colons, too.
 */
export function splitEntrypoint(text: string): EntrypointText {
  const match = /^(.+?\.[cm]?[jt]sx?):([^/]+)$/su.exec(text) ?? /^(.+):([\p{L}\p{N}_$. -]+)$/u.exec(text);
  const [, file, exportName] = match ?? [];
  if (file === undefined || exportName === undefined) return { file: text };
  return { file, exportName };
}
