import { join } from "node:path";
import { SERVER_SETTINGS, type ServerSettings } from "../wire/server-settings.ts";
import { profilesFile, readProfiles } from "./profiles.ts";
import {
  choiceSetting,
  flagSetting,
  listSetting,
  numberSetting,
  parseSetting,
  pathSetting,
  type Setting,
  textSetting,
  urlSetting,
} from "./setting-kinds.ts";

/**
 * Every setting: the one table from which values, `sluice config view` and the documentation come.
 *
 * A value comes from the environment, else from Prefect's variable of the same meaning (where one is named), else from the active profile
 * in `<home>/profiles.toml`, else from here. An empty variable means "not set", except for texts and addresses, where it means "none"
 * and so hides what a profile says.
 */
export const settingsTable = {
  home: pathSetting("SLUICE_HOME", {
    defaultFor: (home) => home,
    description: "Directory of the database, results, profiles and the socket that the processes of this home share.",
  }),
  profile: textSetting("SLUICE_PROFILE", { description: "Profile to use instead of the active one of profiles.toml." }),
  apiUrl: urlSetting(
    "SLUICE_API_URL",
    { description: "API of a running server. Without it a flow brings its own embedded server along." },
    { fallbacks: ["PREFECT_API_URL"] },
  ),
  apiKey: textSetting(
    "SLUICE_API_KEY",
    { description: "Key sent to the server as a bearer token." },
    { fallbacks: ["PREFECT_API_KEY"], secret: true },
  ),
  apiAuthString: textSetting(
    "SLUICE_API_AUTH_STRING",
    { description: "user:password sent to the server by HTTP basic authentication." },
    { fallbacks: ["PREFECT_API_AUTH_STRING"], secret: true },
  ),
  apiRetrySeconds: numberSetting("SLUICE_API_RETRY_SECONDS", {
    default: 30,
    min: 0,
    max: 3600,
    description: "How long a request to the server is tried again while the server is away or overloaded.",
  }),
  apiChangesAtOnce: numberSetting("SLUICE_API_CHANGES_AT_ONCE", {
    default: 1,
    min: 1,
    max: 64,
    integer: true,
    description: "How many changes a Prefect server is asked for at once; raise it for one on PostgreSQL.",
  }),
  flowsHeartbeatSeconds: {
    ...numberSetting("SLUICE_FLOWS_HEARTBEAT_SECONDS", {
      default: 180,
      min: 30,
      max: 86_400,
      description: "How often a running flow run tells a Prefect server that it lives.",
    }),
    fallbacks: ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"],
  },
  databaseUrl: textSetting("SLUICE_DATABASE_URL", {
    description: "Database of the embedded server: a path or sqlite:///path; by default sluice.db in the home.",
  }),
  synchronous: choiceSetting("SLUICE_SYNCHRONOUS", ["NORMAL", "FULL"], {
    default: "NORMAL",
    description: "NORMAL survives the death of any process, FULL also a loss of power (slower).",
  }),
  loggingLevel: choiceSetting("SLUICE_LOGGING_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], {
    default: "INFO",
    description: "Lowest level of run logs that is kept and shown.",
  }),
  loggingConsoleLevel: choiceSetting(
    "SLUICE_LOGGING_CONSOLE_LEVEL",
    ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    {
      default: "WARNING",
      description: "Lowest level of run logs that is also written to standard error.",
    },
  ),
  logPrints: flagSetting("SLUICE_LOG_PRINTS", {
    default: false,
    description: "Whether console output inside a run goes to its log, for flows and tasks that do not say.",
  }),
  resultsPersistByDefault: flagSetting("SLUICE_RESULTS_PERSIST_BY_DEFAULT", {
    default: false,
    description: "Whether results are persisted, for flows and tasks that do not say.",
  }),
  localStoragePath: pathSetting("SLUICE_LOCAL_STORAGE_PATH", {
    defaultFor: (home) => join(home, "storage"),
    description: "Directory of persisted results.",
  }),
  leaseSeconds: numberSetting("SLUICE_LEASE_SECONDS", {
    default: 30,
    min: 1,
    max: 3600,
    description: "After how long without a sign of life the runs of a process count as crashed.",
  }),
  outboxLimitMb: numberSetting("SLUICE_OUTBOX_LIMIT_MB", {
    default: 1024,
    min: 1,
    max: 1_048_576,
    description: "Disk that records may take while a remote server is away; beyond it runs wait.",
  }),
  progress: choiceSetting("SLUICE_PROGRESS", ["auto", "off", "plain", "tree"], {
    default: "auto",
    description: "How the progress of a root flow is shown: a live tree on a terminal, plain lines, or not.",
  }),
  debug: flagSetting("SLUICE_DEBUG", { default: false, description: "Whether errors are shown with their stacks." }),
  testing: flagSetting("SLUICE_TESTING", {
    default: false,
    description: "Whether a server offers the routes that empty it between tests.",
  }),
  serverHost: textSettingWithDefault("SLUICE_SERVER_HOST", "127.0.0.1", "Address that `sluice server start` binds."),
  serverPort: numberSetting("SLUICE_SERVER_PORT", {
    default: 4200,
    min: 0,
    max: 65_535,
    integer: true,
    description: "Port that `sluice server start` listens on; 0 takes a free one.",
  }),
  serverApiAuthString: textSetting(
    "SLUICE_SERVER_API_AUTH_STRING",
    { description: "user:password that a server asks of its clients." },
    { secret: true },
  ),
  serverCsrfProtectionEnabled: {
    ...flagSetting("SLUICE_SERVER_CSRF_PROTECTION_ENABLED", {
      default: false,
      description: "Whether every change must bring a CSRF token, as Prefect's clients do when they are asked to.",
    }),
    fallbacks: ["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"],
  },
  serverCsrfTokenExpirationSeconds: numberSetting("SLUICE_SERVER_CSRF_TOKEN_EXPIRATION", {
    default: 3600,
    min: 1,
    max: 31_536_000,
    description: "How many seconds a CSRF token is good.",
  }),
  serverCorsAllowedOrigins: listSetting("SLUICE_SERVER_CORS_ALLOWED_ORIGINS", {
    description: "Origins whose pages may call the server; none by default.",
  }),
  serverAllowedHosts: listSetting("SLUICE_SERVER_ALLOWED_HOSTS", {
    description:
      "Public names by which a server that asks for no credentials is reached; addresses and names of a local network need no listing.",
  }),
  serverUiStaticDirectory: textSetting(
    "SLUICE_SERVER_UI_STATIC_DIRECTORY",
    {
      description:
        "Folder of a web UI built for Prefect's API, or with such UIs in its folders v1 and v2; none is served by default.",
    },
    { fallbacks: ["PREFECT_UI_STATIC_DIRECTORY"] },
  ),
  uiUrl: textSetting(
    "SLUICE_UI_URL",
    { description: "Address of the web UI, for links in what automations send; by default the server's own." },
    { fallbacks: ["PREFECT_UI_URL"] },
  ),
  serverUiApiUrl: textSetting(
    "SLUICE_SERVER_UI_API_URL",
    { description: "Address of the API as browsers see it; by default the one that a page was asked from." },
    { fallbacks: ["PREFECT_UI_API_URL"] },
  ),
  serverBodyLimitMb: numberSetting("SLUICE_SERVER_BODY_LIMIT_MB", {
    default: 1,
    min: 1,
    max: 1024,
    description:
      "Largest body of a request that a server reads; batches of logs, events and run records may be larger.",
  }),
};

function textSettingWithDefault(variable: string, fallback: string, description: string): Setting<string> {
  const base = textSetting(variable, { description });
  return { ...base, defaultFor: () => fallback, parse: (text) => (text === "" ? fallback : text) };
}

/** The settings of the server's services, made of the rows in `wire/server-settings.ts`. */
const serverSettingsTable: Readonly<Record<string, Setting<number> | Setting<boolean>>> = Object.fromEntries(
  Object.entries(SERVER_SETTINGS).map(([name, { variable, default: otherwise, description }]) => {
    const more = { fallbacks: [variable.replace("SLUICE_", "PREFECT_")] };
    return [
      name,
      typeof otherwise === "boolean"
        ? { ...flagSetting(variable, { default: otherwise, description }), ...more }
        : {
            ...numberSetting(variable, { default: otherwise, min: 0, max: Number.MAX_SAFE_INTEGER, description }),
            ...more,
          },
    ];
  }),
);

/** All settings by their names in the program; plain data that may cross to a thread. Paths are absolute. */
export type Settings = {
  readonly [K in keyof typeof settingsTable]: (typeof settingsTable)[K] extends Setting<infer T> ? T : never;
} & {
  /** How the server's services are switched and paced. */
  readonly server: ServerSettings;
};

/** Name of a setting in the program. */
export type SettingName = keyof Settings;

/** Where a value came from: "environment" (with the variable's name), "profile" (with the profile's name) or "default". */
export interface SettingOrigin {
  readonly source: "environment" | "profile" | "default";
  readonly name: string;
}

/** Variables of the environment as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface Texts {
  readonly home: string;
  readonly find: (setting: Setting<unknown>) => { readonly text: string; readonly origin: SettingOrigin } | undefined;
}

/**
 * Reads all settings from the environment, the active profile and the defaults.
 *
 * Synchronous; reads `<home>/profiles.toml` only when the file exists. Does not create anything.
 *
 * @throws SluiceError `SLUICE_OPTION_INVALID` naming the variable of a bad value; `SLUICE_PROFILE_INVALID` for a profiles file that cannot
 *   be read or lacks the wanted profile
 */
export function loadSettings(env: Environment = process.env): Settings {
  const texts = findTexts(env);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settingsTable)) values[name] = readOne(setting, texts).value;
  const server = Object.entries(serverSettingsTable).map(
    ([name, setting]) => [name, readOne(setting, texts).value] as const,
  );
  values["server"] = Object.fromEntries(server);
  // Every key of the table was just filled by the setting's own parser or default, whose types `Settings` is made of.
  return values as Settings;
}

/** Reads all settings and tells where each came from, for `sluice config view`. Secrets are in `value`: hide them when `secret`. */
export function explainSettings(env: Environment = process.env): {
  readonly name: string;
  readonly setting: Setting<unknown>;
  readonly value: unknown;
  readonly origin: SettingOrigin;
}[] {
  const texts = findTexts(env);
  return Object.entries<Setting<unknown>>({ ...settingsTable, ...serverSettingsTable }).map(([name, setting]) => {
    const { value, origin } = readOne(setting, texts);
    return { name, setting, value, origin };
  });
}

/** Finds the setting that a variable such as `SLUICE_API_URL` sets; undefined for an unknown one. */
export function findSetting(variable: string): Setting<unknown> | undefined {
  return Object.values<Setting<unknown>>({ ...settingsTable, ...serverSettingsTable }).find(
    (setting) => setting.variable === variable,
  );
}

function readOne(setting: Setting<unknown>, texts: Texts): { readonly value: unknown; readonly origin: SettingOrigin } {
  const found = texts.find(setting);
  if (found === undefined)
    return { value: setting.defaultFor(texts.home), origin: { source: "default", name: "default" } };
  const { source, name } = found.origin;
  const from =
    source === "profile"
      ? { name: setting.variable, source: `profile "${name}"` }
      : { name, source: "the environment" };
  return { value: parseSetting(setting, found.text, from), origin: found.origin };
}

function findTexts(env: Environment): Texts {
  const home = homeOf(env);
  const profile = readProfiles(profilesFile(home)).select(env["SLUICE_PROFILE"]);
  const find: Texts["find"] = (setting) => {
    for (const name of [setting.variable, ...setting.fallbacks]) {
      const text = env[name];
      if (text !== undefined && (text !== "" || keepsEmpty(setting)))
        return { text, origin: { source: "environment", name } };
    }
    const text = profile.values[setting.variable];
    return text === undefined ? undefined : { text, origin: { source: "profile", name: profile.name } };
  };
  return { home, find };
}

/** Whether an empty text is a value of its own ("none") rather than the absence of one. */
function keepsEmpty(setting: Setting<unknown>): boolean {
  return setting.kind === "text" || setting.kind === "http(s) address";
}

/** The home directory that `env` asks for: `SLUICE_HOME`, else `~/.sluice`. Absolute. */
export function homeOf(env: Environment = process.env): string {
  const text = env["SLUICE_HOME"];
  const from = { name: "SLUICE_HOME", source: "the environment" };
  return parseSetting(settingsTable.home, text === undefined || text === "" ? "~/.sluice" : text, from);
}
