import type { Route } from "../../wire/routes.ts";

/** What a path leads to. */
export interface Matched<Target> {
  readonly target: Target;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern<Target> {
  readonly route: Route;
  readonly segments: readonly (string | { readonly name: string; readonly isId: boolean })[];
  readonly target: Target;
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
/** The one parameter that is an id and yet takes any text in the path, to be refused with 422 instead of 404. */
const ANY_TEXT = "lease_id";

/**
 * Finds routes by method and path. Fixed paths are one look-up; those with parameters are compared segment by segment among the paths of equal length.
 *
 * A parameter that is an id takes only UUIDs, so `/flow_runs/abc` is no path at all, as in the contract.
 */
export class RouteMatcher<Target> {
  readonly #fixed = new Map<string, Map<string, Target>>();
  readonly #patterns = new Map<number, Pattern<Target>[]>();

  /** Adds a route under `/api`; earlier ones win. */
  add(route: Route, target: Target): void {
    const path = `/api${route.path}`;
    if (!path.includes("{")) {
      const methods = this.#fixed.get(path) ?? new Map<string, Target>();
      if (!methods.has(route.method)) methods.set(route.method, target);
      this.#fixed.set(path, methods);
      return;
    }
    const segments = path.split("/").map((segment) => {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      if (name === undefined) return segment;
      const parameter = route.parameters.find((one) => one.in === "path" && one.name === name);
      return { name, isId: parameter?.schema["format"] === "uuid" && name !== ANY_TEXT };
    });
    const ofLength = this.#patterns.get(segments.length) ?? [];
    ofLength.push({ route, segments, target });
    this.#patterns.set(segments.length, ofLength);
  }

  /** Finds the route of a request: its target, "method" when the path has only others, or undefined. @param path without the query */
  match(method: string, path: string): Matched<Target> | "method" | undefined {
    const methods = this.#fixed.get(path);
    const target = methods?.get(method);
    if (target !== undefined) return { target, params: {} };
    const segments = path.split("/");
    let isKnown = methods !== undefined;
    for (const pattern of this.#patterns.get(segments.length) ?? []) {
      const params = paramsOf(pattern, segments);
      if (params === undefined) continue;
      if (pattern.route.method === method) return { target: pattern.target, params };
      isKnown = true;
    }
    return isKnown ? "method" : undefined;
  }
}

function paramsOf<Target>(pattern: Pattern<Target>, segments: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.segments.entries()) {
    const given = segments[index] ?? "";
    if (typeof wanted === "string") {
      if (given !== wanted) return undefined;
      continue;
    }
    const value = decode(given);
    if (value === undefined || value === "" || (wanted.isId && !UUID.test(value))) return undefined;
    params[wanted.name] = wanted.isId ? canonicalId(value) : value;
  }
  return params;
}

/** A UUID as it is stored: small letters, with dashes. */
export function canonicalId(value: string): string {
  const hex = value.replaceAll("-", "").toLowerCase();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Tells whether a text is a UUID, with or without dashes. */
export function isUuid(value: string): boolean {
  return UUID.test(value);
}

function decode(segment: string): string | undefined {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // No path of ours has such a segment.
  }
}
