import type {
  AverageFlowRunLatenessBody,
  BulkDeleteFlowsBody,
  FlowRunHistoryBody,
  PaginateFlowRunsBody,
  PaginateFlowsBody,
  PaginateTaskRunsBody,
  TaskRunHistoryBody,
} from "../../wire/contract/shapes.ts";
import { reply } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { countRows, readFlowRuns, readFlows, readTaskRuns } from "../queries/read-runs.ts";
import { flowRunView } from "../queries/render-flow-run.ts";
import { flowBody, taskRunOfPage } from "../queries/render.ts";
import { whereFlowRuns, type JoinedFilters } from "../queries/run-filters.ts";
import { readHistory } from "../queries/run-history.ts";
import { latenessSql } from "../queries/run-times.ts";
import { pageLimit } from "../request/check-request.ts";
import { deleteFlow } from "../services/purge.ts";
import { type Handlers } from "./handler.ts";

/** Pages, histories and averages of flows and runs. Bodies have the shapes of the route table's schemas. */
export const runListHandlers: Handlers = {
  "POST /flows/paginate": async (call, { store }) => {
    const body = call.body as PaginateFlowsBody;
    return reply(
      200,
      await store.read(() =>
        pageOf(body, {
          count: countRows(store, "flow", body),
          read: (page) => readFlows(store, body, { ...page, sort: body.sort ?? null }).map(flowBody),
        }),
      ),
    );
  },
  "POST /flow_runs/paginate": async (call, { store }) => {
    const body = call.body as PaginateFlowRunsBody;
    return reply(
      200,
      await store.read(() =>
        pageOf(body, {
          count: countRows(store, "flow_run", body),
          read: (page) =>
            readFlowRuns(store, body, { ...page, sort: body.sort ?? null }).map((row) => flowRunView(store, row)),
        }),
      ),
    );
  },
  "POST /task_runs/paginate": async (call, { store }) => {
    const body = call.body as PaginateTaskRunsBody;
    const now = store.nowUs();
    return reply(
      200,
      await store.read(() =>
        pageOf(body, {
          count: countRows(store, "task_run", body),
          read: (page) =>
            readTaskRuns(store, body, { ...page, sort: body.sort ?? null }).map((row) => taskRunOfPage(row, now)),
        }),
      ),
    );
  },
  "POST /flow_runs/history": async (call, { store }) => {
    const body = call.body as FlowRunHistoryBody;
    return reply(200, await store.read(() => readHistory(store, "flow_run", { span: body, filters: body })));
  },
  "POST /task_runs/history": async (call, { store }) => {
    const body = call.body as TaskRunHistoryBody;
    return reply(200, await store.read(() => readHistory(store, "task_run", { span: body, filters: body })));
  },
  "POST /flow_runs/lateness": async (call, { store }) =>
    reply(200, await store.read(() => averageLateness(store, call.body as AverageFlowRunLatenessBody))),
  "POST /flows/bulk_delete": async (call, core) => {
    const body = call.body as BulkDeleteFlowsBody;
    const ids = await core.store.read(() =>
      readFlows(core.store, { flows: body.flows ?? null }, { limit: pageLimit(body.limit) }).map(({ id }) => id),
    );
    const deleted: string[] = [];
    for (const id of ids) if (await deleteFlow(core, id)) deleted.push(id);
    return reply(200, { deleted });
  },
};

/** A page as a list with counts. */
export interface CountedPage<T> {
  readonly results: readonly T[];
  readonly count: number;
  readonly limit: number;
  readonly pages: number;
  readonly page: number;
}

/** Makes the answer of a `/paginate` route. @throws Refusal 422 for a page longer than the contract allows */
export function pageOf<T>(
  body: { readonly limit?: number; readonly page?: number },
  list: {
    readonly count: number;
    readonly read: (page: { readonly limit: number; readonly offset: number }) => readonly T[];
  },
): CountedPage<T> {
  const limit = pageLimit(body.limit);
  const { page = 1 } = body;
  return {
    results: list.read({ limit, offset: (page - 1) * limit }),
    count: list.count,
    limit,
    pages: limit > 0 ? Math.ceil(list.count / limit) : 0,
    page,
  };
}

function averageLateness(store: Store, filters: JoinedFilters): number | null {
  const where = whereFlowRuns(filters);
  const lateness = latenessSql("r").replaceAll(":now", String(store.nowUs()));
  const [row] = store.query(`SELECT avg(${lateness}) AS us FROM flow_run r WHERE ${where.sql}`, where.parameters);
  const us = row?.["us"];
  return typeof us === "number" ? us / 1e6 : null;
}
