import type { JsonSchema } from "../../wire/routes.ts";
import { SERVER_SETTINGS, type ServerSettings } from "../../wire/server-settings.ts";
import { isObject } from "../check-records.ts";
import { findSchema } from "../request/check-request.ts";

const PREFIX = "SLUICE_SERVER_";

/**
 * Shows the settings as the contract lays them out: every setting that it knows with its default, and over those what this server is set to. Secrets are
 * never part of it.
 */
export function settingsView(settings: ServerSettings): Record<string, unknown> {
  const view = defaultsOf(findSchema("Settings") ?? {});
  const server = isObject(view) ? view["server"] : undefined;
  if (!isObject(view) || !isObject(server)) throw new Error("the contract's Settings have no server part");
  for (const [name, { variable }] of Object.entries(SERVER_SETTINGS)) {
    // Every name of the table is a setting.
    put(server, variable.slice(PREFIX.length).toLowerCase(), settings[name as keyof ServerSettings]);
  }
  return view;
}

function defaultsOf(schema: JsonSchema): unknown {
  const { $ref: reference, properties } = schema;
  if ("default" in schema) return schema["default"];
  if (typeof reference === "string") return defaultsOf(findSchema(reference.slice("#/$defs/".length)) ?? {});
  if (!isObject(properties)) return schema["type"] === "object" ? {} : schema["type"] === "array" ? [] : null;
  const entries = Object.entries(properties).map(
    ([name, one]) => [name, isObject(one) ? defaultsOf(one) : null] as const,
  );
  return Object.fromEntries(entries);
}

/** Puts a value where its variable's name leads: `services_scheduler_enabled` is `services.scheduler.enabled`. */
function put(place: Record<string, unknown>, name: string, value: unknown): void {
  if (name in place && !isObject(place[name])) {
    place[name] = value;
    return;
  }
  for (const [key, inner] of Object.entries(place)) {
    if (isObject(inner) && name.startsWith(`${key}_`)) {
      put(inner, name.slice(key.length + 1), value);
      return;
    }
  }
}
