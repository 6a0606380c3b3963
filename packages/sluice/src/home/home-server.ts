import type { ApiRequest, ApiResponse } from "../client/transport.ts";
import type { ServerSettings } from "../wire/server-settings.ts";
import type { HomePaths } from "./home-paths.ts";

/** The server inside the leader, as the home thread needs it. */
export interface HomeServer {
  /** Answers one request: the hot routes directly, the others through the whole app, which is loaded at the first need. */
  handle(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse>;
  /** Answers at once the requests that are being held until something happens. */
  stopHolding(): void;
  /** Writes what is accepted and closes the database. */
  close(): Promise<void>;
}

/** What the server needs to know of the settings. */
export interface HomeServerOptions {
  readonly paths: HomePaths;
  readonly synchronous: "NORMAL" | "FULL";
  readonly leaseSeconds: number;
  readonly testing: boolean;
  /** Address of the web UI, null when nobody knows it. */
  readonly uiUrl: string | null;
  readonly server: ServerSettings;
}
