import { PAGE_LIMIT, type ApiCalls, type FlowRunRow, type TaskRunRow } from "./api-calls.ts";
import { RefusedError, UsageError } from "./command-error.ts";

const FULL_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ID_START = /^[0-9a-f][0-9a-f-]{3,}$/;
// A prefix is looked for among this many of the newest runs: the API has no search by prefix, and nobody types one of an old run.
const PAGES = 10;
// As many as fit a message.
const SHOWN = 5;

/** Finds the flow run that is meant by a full id, the beginning of one (four characters or more), or a run's name. */
export function findFlowRun(api: ApiCalls, text: string): Promise<FlowRunRow> {
  return findRun(text, {
    noun: "flow run",
    read: (id) => api.readFlowRun(id),
    named: (name) => api.filterFlowRuns({ flow_runs: { name: { any_: [name] } }, limit: 2 }),
    page: (offset) => api.filterFlowRuns({ sort: "ID_DESC", limit: PAGE_LIMIT, offset }),
  });
}

/** Finds the task run that is meant by a full id, the beginning of one (four characters or more), or a run's name. */
export function findTaskRun(api: ApiCalls, text: string): Promise<TaskRunRow> {
  return findRun(text, {
    noun: "task run",
    read: (id) => api.readTaskRun(id),
    named: (name) => api.filterTaskRuns({ task_runs: { name: { any_: [name] } }, limit: 2 }),
    page: (offset) => api.filterTaskRuns({ sort: "ID_DESC", limit: PAGE_LIMIT, offset }),
  });
}

interface Search<Run> {
  readonly noun: string;
  readonly read: (id: string) => Promise<Run | undefined>;
  readonly named: (name: string) => Promise<readonly Run[]>;
  readonly page: (offset: number) => Promise<readonly Run[]>;
}

async function findRun<Run extends { readonly id: string }>(given: string, search: Search<Run>): Promise<Run> {
  const text = given.trim();
  const id = text.toLowerCase();
  if (FULL_ID.test(id)) {
    const run = await search.read(id);
    if (run) return run;
    throw notFound(search.noun, text);
  }
  const found = ID_START.test(id) ? await withPrefix(id, search) : [];
  const runs = found.length > 0 ? found : await search.named(text);
  const [only, another] = runs;
  if (!only) throw notFound(search.noun, text);
  if (!another) return only;
  const ids = runs.slice(0, SHOWN).map((run) => run.id);
  throw new UsageError(
    `"${text}" means more than one ${search.noun}: ${ids.join(", ")}${runs.length > SHOWN ? ", …" : ""}.`,
  );
}

async function withPrefix<Run extends { readonly id: string }>(prefix: string, search: Search<Run>): Promise<Run[]> {
  const found: Run[] = [];
  for (let page = 0; page < PAGES; page++) {
    const runs = await search.page(page * PAGE_LIMIT);
    found.push(...runs.filter((run) => run.id.startsWith(prefix)));
    if (runs.length < PAGE_LIMIT) break;
  }
  return found;
}

function notFound(noun: string, text: string): RefusedError {
  return new RefusedError(`there is no ${noun} "${text}"; \`sluice ${noun.replace(" ", "-")} ls\` lists them.`);
}
