/** Which events a trigger is about. Pure. */

/** Labels of a resource; `prefect.resource.id` is its id. */
export type Labels = Readonly<Record<string, string>>;

/** An event as far as triggers look at it. */
export interface TriggeringEvent {
  readonly id: string;
  readonly event: string;
  readonly occurred: string;
  readonly resource: Labels;
  readonly related?: readonly Labels[];
}

/** Patterns by label: a label matches when any of its patterns does. */
export type ResourceMatch = Readonly<Record<string, string | readonly string[]>>;

/** What an event trigger says of events. */
export interface EventMatch {
  readonly after: readonly string[];
  readonly expect: readonly string[];
  readonly match: ResourceMatch;
  readonly match_related: ResourceMatch | readonly ResourceMatch[];
}

/** The event is one of those that the trigger starts after or expects, about the resources that it names. */
export function coversEvent(trigger: EventMatch, event: TriggeringEvent): boolean {
  const isNamed =
    trigger.expect.length === 0 || [...trigger.expect, ...trigger.after].some((name) => matchesGlob(name, event.event));
  return isNamed && coversResources(trigger, event);
}

function coversResources({ match, match_related: related }: EventMatch, event: TriggeringEvent): boolean {
  if (!matchesResource(match, event.resource)) return false;
  // A list is told by being one: a match is an object.
  const matches = Array.isArray(related) ? (related as readonly ResourceMatch[]) : [related as ResourceMatch];
  return matches.every(
    (one) => Object.keys(one).length === 0 || (event.related ?? []).some((resource) => matchesResource(one, resource)),
  );
}

function matchesResource(match: ResourceMatch, resource: Labels): boolean {
  return Object.entries(match).every(([label, expected]) => {
    const value = resource[label];
    if (value === undefined) return false;
    const patterns = typeof expected === "string" ? [expected] : expected;
    return patterns.some((pattern) =>
      pattern.startsWith("!") ? !matchesGlob(pattern.slice(1), value) : matchesGlob(pattern, value),
    );
  });
}

/** The trigger starts to count after this event. */
export function startsAfter({ after }: EventMatch, event: string): boolean {
  return after.some((pattern) => matchesGlob(pattern, event));
}

/** The trigger counts this event. */
export function expectsEvent({ expect }: EventMatch, event: string): boolean {
  return expect.length === 0 || expect.some((pattern) => matchesGlob(pattern, event));
}

/** The values by which events are counted apart: of labels of the resource, or of related ones as `related:<role>:<label>`. */
export function countingKey(labels: readonly string[], event: TriggeringEvent): string[] {
  return labels.toSorted().map((label) => labelOf(label, event) ?? "");
}

function labelOf(label: string, event: TriggeringEvent): string | undefined {
  const parts = /^related:([^:]*):(.*)$/s.exec(label);
  if (!parts) return event.resource[label];
  const [, role, name = ""] = parts;
  const related = event.related?.find((one) => one["prefect.resource.role"] === role && one[name] !== undefined);
  return related?.[name];
}

const globs = new Map<string, RegExp>();
const MOST_GLOBS = 1000;

/** `*` stands for any text, `?` for any character, `[…]` for one of several. Without backtracking: stars are few, and texts are labels. */
export function matchesGlob(pattern: string, text: string): boolean {
  if (!/[*?[]/.test(pattern)) return pattern === text;
  let regex = globs.get(pattern);
  if (!regex) {
    if (globs.size >= MOST_GLOBS) globs.clear();
    regex = new RegExp(`^${globSource(pattern)}$`, "s");
    globs.set(pattern, regex);
  }
  return regex.test(text);
}

function globSource(pattern: string): string {
  return pattern
    .replaceAll(/\*+/g, "*")
    .replaceAll(
      /\[([!^]?)([^\]]+)\]|[\\^$.|+(){}*?[\]]/g,
      (part, sign: string | undefined, set: string | undefined) => {
        if (set !== undefined) return `[${sign ? "^" : ""}${set.replaceAll(/[\\^[]/g, String.raw`\$&`)}]`;
        return part === "*" ? ".*?" : part === "?" ? "." : `\\${part}`;
      },
    );
}
