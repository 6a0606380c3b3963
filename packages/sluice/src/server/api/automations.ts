import type {
  AutomationCreate,
  AutomationPartialUpdate,
  AutomationUpdate,
  CountAutomationsBody,
  ReadAutomationsBody,
} from "../../wire/contract/shapes.ts";
import { ObjectNotFound, reply } from "../api-reply.ts";
import {
  automationBody,
  automationById,
  automationCondition,
  automationsOf,
  createAutomation,
  deleteAutomation,
  replaceAutomation,
  switchAutomation,
  type AutomationRow,
} from "../automations/automations.ts";
import type { Store } from "../db/store.ts";
import { combine } from "../queries/condition.ts";
import { bounds } from "../queries/read-runs.ts";
import { templateFault } from "../templates/render-template.ts";
import { param, type Handler, type Handlers, type RouteCall } from "./handler.ts";

const ORDER: Readonly<Record<string, string>> = {
  CREATED_DESC: "a.created DESC",
  UPDATED_DESC: "a.updated DESC",
  NAME_ASC: "a.name ASC",
  NAME_DESC: "a.name DESC",
};

const validateTemplate: Handler = (call) => {
  const template = typeof call.body === "string" ? call.body : "";
  const message = templateFault(template);
  if (message === undefined) return Promise.resolve(reply(204));
  // What is wrong with the whole is at no line.
  const line = Number(/\(line (\d+)\)$/.exec(message)?.[1] ?? 0);
  return Promise.resolve(reply(422, { error: { line, message, source: template } }));
};

/** Automations. Bodies have the shapes of the route table's schemas. */
export const automationHandlers: Handlers = {
  "POST /automations/": async (call, core) => {
    const row = await core.store.write(() => createAutomation(core, call.body as AutomationCreate));
    return reply(201, automationBody(row));
  },
  "GET /automations/{id}": async (call, { store }) =>
    reply(200, await store.read(() => automationBody(found(store, call)))),
  "PUT /automations/{id}": async (call, core) => {
    await core.store.write(() => replaceAutomation(core, found(core.store, call), call.body as AutomationUpdate));
    return reply(204);
  },
  "PATCH /automations/{id}": async (call, core) => {
    const { enabled = true } = call.body as AutomationPartialUpdate;
    await core.store.write(() => switchAutomation(core, found(core.store, call), enabled));
    return reply(204);
  },
  "DELETE /automations/{id}": async (call, core) => {
    await core.store.write(() => deleteAutomation(core, found(core.store, call)));
    return reply(204);
  },
  "POST /automations/filter": async (call, { store }) => {
    const body = call.body as ReadAutomationsBody;
    const rows = await store.read(() => {
      const where = combine([body.automations ? automationCondition(body.automations) : undefined]);
      const order = ORDER[body.sort ?? "NAME_ASC"] ?? "a.name";
      const sql = `SELECT a.* FROM automation a WHERE ${where.sql} ORDER BY ${order}, a.no LIMIT ? OFFSET ?`;
      // STRICT table: the columns have these types.
      return store.query(sql, [...where.parameters, ...bounds(body)]) as unknown as AutomationRow[];
    });
    return reply(200, rows.map(automationBody));
  },
  "POST /automations/count": async (call, { store }) => {
    const { automations } = call.body as CountAutomationsBody;
    const where = combine([automations ? automationCondition(automations) : undefined]);
    const rows = await store.read(() =>
      store.query(`SELECT count(*) AS n FROM automation a WHERE ${where.sql}`, where.parameters),
    );
    return reply(200, Number(rows[0]?.["n"]));
  },
  "GET /automations/related-to/{resource_id}": async (call, { store }) =>
    reply(200, await store.read(() => automationsOf(store, param(call, "resource_id"), false).map(automationBody))),
  "DELETE /automations/owned-by/{resource_id}": async (call, core) => {
    await core.store.write(() => {
      for (const row of automationsOf(core.store, param(call, "resource_id"), true)) deleteAutomation(core, row);
    });
    return reply(202, null);
  },
  "POST /templates/validate": validateTemplate,
  "POST /automations/templates/validate": validateTemplate,
};

function found(store: Store, call: RouteCall): AutomationRow {
  const row = automationById(store, param(call, "id"));
  if (!row) throw new ObjectNotFound("Automation not found");
  return row;
}
