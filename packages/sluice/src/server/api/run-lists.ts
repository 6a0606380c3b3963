import type {
  AverageFlowRunLatenessBody,
  CountFlowRunsBody,
  CountFlowsBody,
  CountTaskRunsBody,
  FlowRunHistoryBody,
  PaginateFlowRunsBody,
  PaginateFlowsBody,
  PaginateTaskRunsBody,
  ReadFlowRunsBody,
  ReadFlowsBody,
  ReadTaskRunsBody,
  TaskRunHistoryBody,
} from "../../wire/contract/shapes.ts";
import { reply, replyJson } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import { countRows, readFlowRuns, readFlows, readTaskRuns } from "../queries/read-runs.ts";
import { flowRunsText, flowRunView } from "../queries/render-flow-run.ts";
import { flowBody, taskRunBody, taskRunOfPage } from "../queries/render.ts";
import { whereFlowRuns, type JoinedFilters } from "../queries/run-filters.ts";
import { readHistory } from "../queries/run-history.ts";
import { latenessSql } from "../queries/run-times.ts";
import { pageLimit } from "../request/check-request.ts";
import type { ReadHandlers } from "./handler.ts";

/** Lists, counts, pages, histories and averages of flows and runs. Bodies have the shapes of the route table's schemas. */
export const runListHandlers: ReadHandlers = {
  "POST /flows/filter": async (call, { store }) => {
    const body = call.body as ReadFlowsBody;
    const rows = await store.read(() => readFlows(store, body, body));
    return reply(200, rows.map(flowBody));
  },
  "POST /flows/count": async (call, { store }) =>
    reply(200, await store.read(() => countRows(store, "flow", call.body as CountFlowsBody))),
  "POST /flow_runs/filter": async (call, { store }) => {
    const body = call.body as ReadFlowRunsBody;
    const rows = await store.read(() => readFlowRuns(store, body, body));
    return replyJson(200, flowRunsText(store, rows));
  },
  "POST /flow_runs/count": async (call, { store }) =>
    reply(200, await store.read(() => countRows(store, "flow_run", call.body as CountFlowRunsBody))),
  "POST /task_runs/filter": async (call, { store }) => {
    const body = call.body as ReadTaskRunsBody;
    const rows = await store.read(() => readTaskRuns(store, body, body));
    return reply(
      200,
      rows.map((row) => taskRunBody(row, store.nowUs())),
    );
  },
  "POST /task_runs/count": async (call, { store }) =>
    reply(200, await store.read(() => countRows(store, "task_run", call.body as CountTaskRunsBody))),
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
