/** The graph of a flow run: its task runs and subflows, and which waited for the result of which. */
import type { DependencyResult, Graph, GraphArtifact, GraphState, Node } from "../../../wire/contract/shapes.ts";
import type { StateType } from "../../../wire/state-types.ts";
import { microsToIso } from "../../../wire/timestamp.ts";
import { ObjectNotFound, Refusal } from "../../api-reply.ts";
import type { FlowRunRow } from "../../db/flow-run-table.ts";
import type { Store } from "../../db/store.ts";
import type { TaskRunRow } from "../../db/task-run-table.ts";
import { detailsOfTaskRun, isoOrNull, newestStateBody, statesBody } from "../render.ts";

/** Most nodes in one graph, and most artifacts; the contract's own limits. */
const MAX_NODES = 10_000;
const MAX_ARTIFACTS = 10_000;
/** Task runs that are read in one go: other requests are answered in between. */
const PORTION = 1000;

/** A task run with the flow run that it tracks. */
interface GraphRow extends TaskRunRow {
  readonly no: number;
  readonly child_id: string | null;
  readonly child_label: string | null;
  readonly child_state_type: StateType | null;
  readonly child_start: number | null;
  readonly child_end: number | null;
}

/** A node before it is drawn. */
interface Drawn {
  readonly id: string;
  readonly row: GraphRow;
  readonly startUs: number;
  readonly endUs: number | null;
  readonly parents: readonly string[];
  readonly encapsulating: readonly string[];
}

/**
 * Reads the graph of a flow run.
 *
 * @param sinceUs only runs that are open, or ended at this time or later
 * @throws ObjectNotFound, Refusal 400 when it is too large
 */
export async function readGraph(store: Store, flowRunId: string, sinceUs: number): Promise<Graph> {
  const run = await store.read(() => store.flowRuns.byId(flowRunId));
  if (!run) throw new ObjectNotFound(`Flow run ${flowRunId} not found`);
  const drawn = drawRows(await rowsOf(store, run.id, GRAPH_COLUMNS));
  const shown = drawn.filter(({ endUs }) => endUs === null || endUs >= sinceUs);
  if (shown.length > MAX_NODES)
    throw new Refusal(400, `The graph of flow run ${run.id} has more than ${String(MAX_NODES)} nodes.`);
  const artifacts = await store.read(() => artifactsOf(store, run.id));
  const children = childrenOf(drawn);
  return {
    start_time: isoOrNull(run.start_time ?? run.expected_start_time),
    end_time: isoOrNull(run.end_time),
    root_node_ids: shown.filter(({ parents }) => parents.length === 0).map(({ id }) => id),
    nodes: shown.map((node) => [node.id, nodeBody(node, { children, artifacts })]),
    artifacts: artifacts.get(null) ?? [],
    states: statesOf(run),
  };
}

/** Reads which task run of a flow run waited for which. @throws ObjectNotFound */
export async function readDependencies(store: Store, flowRunId: string): Promise<DependencyResult[]> {
  const run = await store.read(() => store.flowRuns.byId(flowRunId));
  if (!run) throw new ObjectNotFound(`Flow run with id ${flowRunId} not found`);
  const rows = await rowsOf(store, run.id, "SELECT t.* FROM task_run_row t");
  return rows.toReversed().map((row) => {
    const state = newestStateBody(row);
    return {
      id: row.id,
      name: row.name,
      upstream_dependencies: upstreamOf(row).flatMap(({ input_type, id }) =>
        input_type === "task_run" && id !== undefined ? [{ input_type, id }] : [],
      ),
      state,
      expected_start_time: isoOrNull(row.expected_start_time),
      start_time: isoOrNull(row.start_time),
      end_time: isoOrNull(row.end_time),
      total_run_time: row.total_run_time / 1e6,
      estimated_run_time: row.total_run_time / 1e6,
      untrackable_result: state?.state_details?.untrackable_result ?? false,
    };
  });
}

const GRAPH_COLUMNS = `SELECT t.*, r.id AS child_id, f.name || ' / ' || r.name AS child_label, r.state_type AS child_state_type,
  coalesce(r.start_time, r.expected_start_time) AS child_start, r.end_time AS child_end
  FROM task_run_row t LEFT JOIN flow_run r ON r.parent_task_run_id = t.id LEFT JOIN flow f ON f.id = r.flow_id`;

async function rowsOf(store: Store, flowRunId: string, select: string): Promise<GraphRow[]> {
  const sql = `${select} WHERE t.flow_run_no = (SELECT no FROM flow_run_key WHERE id = ?) AND t.no > ? ORDER BY t.no LIMIT ${String(PORTION)}`;
  const rows: GraphRow[] = [];
  for (let last = 0; rows.length <= MAX_NODES; last = rows.at(-1)?.no ?? 0) {
    const read = await store.read(() => store.statement(sql).all(flowRunId, last));
    // STRICT tables: the columns have these types; what is not selected is not read.
    const portion = read as unknown as GraphRow[];
    rows.push(...(portion.length < PORTION ? portion : wholeRuns(portion)));
    if (portion.length < PORTION) break;
  }
  return rows;
}

/** A task run may track several flow runs: the last one of a portion is read again with all of them. */
function wholeRuns(portion: readonly GraphRow[]): readonly GraphRow[] {
  const last = portion.at(-1)?.no;
  const whole = portion.filter(({ no }) => no !== last);
  return whole.length > 0 ? whole : portion;
}

function drawRows(rows: readonly GraphRow[]): Drawn[] {
  // A tracking task run stands in inputs for the subflow that is shown in its place.
  const nodeIds = new Map(rows.map((row) => [row.id, row.child_id ?? row.id]));
  const known = new Set(nodeIds.values());
  const nodesOf = (inputs: readonly RunInput[]): string[] => {
    const ids = inputs.flatMap(({ id = "" }) => (known.has(id) ? [id] : (nodeIds.get(id) ?? [])));
    return [...new Set(ids)];
  };
  const drawn = rows.flatMap((row): Drawn[] => {
    const startUs = row.child_start ?? row.start_time ?? row.expected_start_time;
    if (startUs === null) return [];
    const endUs = row.child_end ?? row.end_time ?? (row.state_type === "COMPLETED" ? row.expected_start_time : null);
    const { __parents__: encapsulating = [], ...inputs } = inputsOf(row);
    const parents = nodesOf(Object.values(inputs).flat());
    return [{ id: row.child_id ?? row.id, row, startUs, endUs, parents, encapsulating: nodesOf(encapsulating) }];
  });
  return drawn.toSorted((one, other) => one.startUs - other.startUs || (one.endUs ?? 0) - (other.endUs ?? 0));
}

function childrenOf(drawn: readonly Drawn[]): ReadonlyMap<string, readonly string[]> {
  const children = new Map<string, string[]>();
  for (const { id, parents } of drawn) {
    for (const parent of parents) {
      const known = children.get(parent);
      if (known) known.push(id);
      else children.set(parent, [id]);
    }
  }
  return children;
}

function nodeBody(
  { id, row, startUs, endUs, parents, encapsulating }: Drawn,
  of: {
    readonly children: ReadonlyMap<string, readonly string[]>;
    readonly artifacts: ReadonlyMap<string | null, GraphArtifact[]>;
  },
): Node {
  return {
    kind: row.child_id === null ? "task-run" : "flow-run",
    id,
    label: row.child_label ?? row.name,
    state_type: row.child_state_type ?? row.state_type ?? "PENDING",
    start_time: microsToIso(startUs),
    end_time: isoOrNull(endUs),
    parents: parents.map(edge),
    children: (of.children.get(id) ?? []).map(edge),
    encapsulating: encapsulating.map(edge),
    artifacts: of.artifacts.get(id) ?? [],
  };
}

function edge(id: string): { readonly id: string } {
  return { id };
}

interface RunInput {
  readonly input_type?: string;
  readonly id?: string;
}

function inputsOf(row: TaskRunRow): Readonly<Record<string, readonly RunInput[]>> {
  // Written from validated bodies or by the engine.
  return (detailsOfTaskRun(row).task_inputs ?? {}) as Readonly<Record<string, readonly RunInput[]>>;
}

function upstreamOf(row: TaskRunRow): RunInput[] {
  const inputs = Object.values(inputsOf(row)).flat();
  return [...new Map(inputs.map((input) => [JSON.stringify(input), input])).values()];
}

/** Artifacts of a flow run by task run; those of the flow run itself under null. */
function artifactsOf(store: Store, flowRunId: string): Map<string | null, GraphArtifact[]> {
  const query = store.statement(
    `SELECT a.id, a.created, a.key, a.type, a.data, a.task_run_id, (a.key IS NULL OR c.latest_id = a.id) AS is_latest
       FROM artifact a LEFT JOIN artifact_collection c ON c.key = a.key
       WHERE a.flow_run_id = ? AND a.type IS NOT NULL AND a.type <> 'result' ORDER BY a.created LIMIT ${String(MAX_ARTIFACTS)}`,
  );
  const artifacts = new Map<string | null, GraphArtifact[]>();
  for (const row of query.all(flowRunId)) {
    const taskRunId = row["task_run_id"] === null ? null : String(row["task_run_id"]);
    const { id, created, key, type, data } = row;
    const artifact: GraphArtifact = {
      id: String(id),
      created: microsToIso(Number(created)),
      key: key === null ? null : String(key),
      type: type === null ? null : String(type),
      is_latest: row["is_latest"] === 1,
      data: type === "progress" && data !== null ? JSON.parse(String(data)) : null,
    };
    artifacts.set(taskRunId, [...(artifacts.get(taskRunId) ?? []), artifact]);
  }
  return artifacts;
}

function statesOf(run: FlowRunRow): GraphState[] {
  return statesBody(run).map(({ id, timestamp, type, name }) => ({
    id,
    timestamp: timestamp ?? "",
    type,
    name: name ?? "",
  }));
}
