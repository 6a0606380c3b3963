import { SERVER_SETTINGS } from "../wire/server-settings.ts";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { profilesFile, readProfiles, writeProfiles } from "./profiles.ts";
import { explainSettings, homeOf, loadSettings, settingsTable } from "./settings.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-settings-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const profiles = (text: string) => writeFileSync(join(home, "profiles.toml"), text);

describe("loadSettings", () => {
  test("gives defaults without environment and profile", () => {
    expect(homeOf({})).toBe(join(homedir(), ".sluice"));
    const settings = loadSettings({ SLUICE_HOME: home });
    expect(settings).toMatchObject({ apiUrl: null, synchronous: "NORMAL", leaseSeconds: 30, serverPort: 4200 });
  });

  test("puts the result storage inside the home unless told otherwise", () => {
    expect(loadSettings({ SLUICE_HOME: home }).localStoragePath).toBe(join(home, "storage"));
    expect(loadSettings({ SLUICE_HOME: home, SLUICE_LOCAL_STORAGE_PATH: "/r" }).localStoragePath).toBe("/r");
  });

  test("prefers the environment to Prefect's variable, that to the profile, that to the default", () => {
    profiles('active = "a"\n[profiles.a]\nSLUICE_API_URL = "http://profile/api"\nSLUICE_LEASE_SECONDS = 7\n');
    const read = (env: Record<string, string>) => loadSettings({ SLUICE_HOME: home, ...env }).apiUrl;
    expect(read({ SLUICE_API_URL: "http://own/api/", PREFECT_API_URL: "http://prefect/api" })).toBe("http://own/api");
    expect(read({ PREFECT_API_URL: "http://prefect/api" })).toBe("http://prefect/api");
    expect(read({})).toBe("http://profile/api");
    expect(loadSettings({ SLUICE_HOME: home }).leaseSeconds).toBe(7);
  });

  test("takes an empty address as none, over the profile and Prefect's variable", () => {
    profiles('[profiles.default]\nSLUICE_API_URL = "http://profile/api"\n');
    const env = { SLUICE_HOME: home, SLUICE_API_URL: "", PREFECT_API_URL: "http://prefect/api" };
    expect(loadSettings(env).apiUrl).toBeNull();
  });

  test.each([
    ["SLUICE_LEASE_SECONDS", "soon"],
    ["SLUICE_LEASE_SECONDS", "-1"],
    ["SLUICE_SERVER_PORT", "80.5"],
    ["SLUICE_SYNCHRONOUS", "OFF"],
    ["SLUICE_LOG_PRINTS", "perhaps"],
    ["SLUICE_API_URL", "localhost:4200"],
  ])("refuses %s=%s and names the variable and the text", (variable, text) => {
    const expected = expect.objectContaining({
      code: "SLUICE_OPTION_INVALID",
      message: expect.stringContaining(`${variable} (from the environment) must be`),
    });
    expect(() => loadSettings({ SLUICE_HOME: home, [variable]: text })).toThrow(expected);
    expect(() => loadSettings({ SLUICE_HOME: home, [variable]: text })).toThrow(text);
  });

  test("names the profile of a bad value", () => {
    profiles('[profiles.default]\nSLUICE_SYNCHRONOUS = "OFF"\n');
    expect(() => loadSettings({ SLUICE_HOME: home })).toThrow(/SLUICE_SYNCHRONOUS \(from profile "default"\)/);
  });

  test("refuses a profile that is not there and lists those that are", () => {
    profiles("[profiles.team]\nSLUICE_LEASE_SECONDS = 3\n");
    expect(() => loadSettings({ SLUICE_HOME: home, SLUICE_PROFILE: "tea" })).toThrow(/no profile "tea".*team/);
  });

  test.each(["active = 3", "profiles = 1", "[profiles.a]\nX = 1979-05-27", "not toml at all"])(
    "refuses the profiles file %j and names it",
    (text) => {
      profiles(text);
      expect(() => loadSettings({ SLUICE_HOME: home })).toThrow(join(home, "profiles.toml"));
    },
  );
});

test("tells where each value comes from and which are secret", () => {
  const rows = explainSettings({ SLUICE_HOME: home, PREFECT_API_KEY: "k" });
  expect(rows.find((row) => row.name === "apiKey")).toMatchObject({
    value: "k",
    origin: { source: "environment", name: "PREFECT_API_KEY" },
    setting: { secret: true },
  });
  expect(rows).toHaveLength(Object.keys(settingsTable).length + Object.keys(SERVER_SETTINGS).length);
});

test("writes profiles that only their owner can read, and reads them back", () => {
  const file = profilesFile(home);
  writeProfiles(file, readProfiles(file).with("team", { SLUICE_API_KEY: "s" }).activate("team"));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readProfiles(file).select(undefined)).toEqual({ name: "team", values: { SLUICE_API_KEY: "s" } });
  writeProfiles(file, readProfiles(file).with("team", undefined));
  expect(readProfiles(file).select(undefined)).toEqual({ name: "default", values: {} });
});

test("shows every setting with a variable of its own and a description", () => {
  const variables = Object.values(settingsTable).map((setting) => setting.variable);
  expect(new Set(variables).size).toBe(variables.length);
  for (const setting of Object.values(settingsTable)) expect(setting.description).toMatch(/\.$/);
});
