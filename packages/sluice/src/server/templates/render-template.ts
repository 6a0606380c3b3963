/** Renders what users write as Jinja templates: without code, and with a bound on the work that one may cause. */
import { Environment } from "minijinja-js";

/** Steps that one rendering may take: some milliseconds. */
const FUEL = 50_000;
/** Longest template that is read, in characters. */
const MAX_CHARACTERS = 100_000;

/** Filters by name; objects come to them as maps. */
export type TemplateFilters = Readonly<Record<FilterName, (value: unknown) => string>>;
/** The filters that templates have beside Jinja's own. */
const FILTERS = ["ui_url", "ui_resource_events_url", "flow_run_id"] as const;
type FilterName = (typeof FILTERS)[number];

let shared: Environment | undefined;
/** Those of the rendering that is under way: one is over before the next begins. */
let filters: TemplateFilters | undefined;

/** What is wrong with a template, told with its place. */
export class TemplateFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TemplateFault";
  }
}

function environment(): Environment {
  if (shared) return shared;
  const made = new Environment();
  made.fuel = FUEL;
  made.enablePyCompat();
  made.keepTrailingNewline = false;
  for (const name of FILTERS) made.addFilter(name, (value: unknown) => filters?.[name](value) ?? null);
  return (shared = made);
}

/**
 * Renders a template with values by name.
 *
 * @param used what the filters of {@link TemplateFilters} do; without them their values are none
 * @throws TemplateFault when it is none, or takes too long
 */
export function renderTemplate(
  template: string,
  values: Readonly<Record<string, unknown>>,
  used?: TemplateFilters,
): string {
  if (template.length > MAX_CHARACTERS)
    throw new TemplateFault(`The template has ${template.length} characters, the limit is ${MAX_CHARACTERS}.`);
  filters = used;
  try {
    return environment().renderStr(template, values);
  } catch (error) {
    throw new TemplateFault(reasonOf(error));
  } finally {
    filters = undefined;
  }
}

/** Says what keeps a text from being a template that is taken; undefined when nothing does. Names that are not known are no fault. */
export function templateFault(template: string): string | undefined {
  if (template.length > MAX_CHARACTERS)
    return `The template has ${template.length} characters, the limit is ${MAX_CHARACTERS}.`;
  const probe = new Environment();
  try {
    probe.addTemplate("probe", template);
    return loopFault(template);
  } catch (error) {
    return reasonOf(error);
  } finally {
    probe.free();
  }
}

const MAX_LOOPS = 10;
const MAX_LOOP_DEPTH = 2;
/** What is no code: comments, and what stands in raw blocks. */
const NO_CODE = /\{#[\s\S]*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}[\s\S]*?\{%[-+]?\s*endraw\s*[-+]?%\}/g;
const LOOP_WORDS = /\{%[-+]?\s*(for|endfor)\b/g;

/** Says whether a template, which is a valid one, has more loops than are taken. */
function loopFault(template: string): string | undefined {
  let [loops, depth, deepest] = [0, 0, 0];
  for (const [, word] of template.replaceAll(NO_CODE, "").matchAll(LOOP_WORDS)) {
    depth += word === "for" ? 1 : -1;
    if (word === "for") loops++;
    deepest = Math.max(deepest, depth);
  }
  if (loops > MAX_LOOPS)
    return `Contains ${loops} for loops. Templates can contain no more than ${MAX_LOOPS} for loops.`;
  if (deepest > MAX_LOOP_DEPTH)
    return `Contains nested for loops at a depth of ${deepest}. Templates can nest for loops no more than ${MAX_LOOP_DEPTH} loops deep.`;
  return undefined;
}

/** The library tells the reason in the first line, then shows the place. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n")[0]?.replace(/ \(in \S+:(\d+)\)$/, " (line $1)") ?? message;
}
