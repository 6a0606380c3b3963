/** The door of `sluice/client`: ways to an API, and the settings that say which. */
export { HttpTransport, readApiAddress } from "./http-transport.ts";
export type { ApiAddress, HttpTransportOptions } from "./http-transport.ts";
export { explainSettings, findSetting, loadSettings, settingsTable } from "./settings.ts";
export type { Environment, SettingName, SettingOrigin, Settings } from "./settings.ts";
export type { ApiRequest, ApiResponse, Transport } from "./transport.ts";
