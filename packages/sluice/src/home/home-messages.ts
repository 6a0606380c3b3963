import type { MessagePort } from "node:worker_threads";
import type { UrlAddress } from "../client/http-transport.ts";
import type { ErrorCode } from "../wire/errors.ts";
import type { ProcessNotice } from "../wire/processes.ts";
import type { ServerSettings } from "../wire/server-settings.ts";
import type { HomePaths } from "./home-paths.ts";

/** What a home thread is started with. */
export interface HomeThreadData {
  readonly processId: string;
  /** Requests of the main thread arrive here. */
  readonly port: MessagePort;
  readonly paths: HomePaths;
  /** The server to forward to; null to share the home's own. */
  readonly remote: UrlAddress | null;
  readonly retryForMs: number;
  /** Seconds between two heartbeats of a flow run, told to a Prefect server. */
  readonly heartbeatSeconds: number;
  /** How many changes a Prefect server is asked for at once. */
  readonly changesAtOnce: number;
  readonly outboxLimitBytes: number;
  readonly synchronous: "NORMAL" | "FULL";
  readonly leaseSeconds: number;
  readonly testing: boolean;
  readonly uiUrl: string | null;
  readonly server: ServerSettings;
}

/** How this process stands to its home. */
export type HomeRole = "leader" | "follower" | "remote";

/** Main thread to home thread. */
export type HomeCommand =
  /** A thread worker's port. */
  { readonly type: "connect"; readonly port: MessagePort } | { readonly type: "close" };

/** Home thread to main thread. */
export type HomeReport =
  /** `relayPath`: the socket at which child processes reach this thread; set exactly when the store is a Prefect server. */
  | { readonly type: "ready"; readonly relayPath: string | null }
  | { readonly type: "role"; readonly role: HomeRole }
  | { readonly type: "notice"; readonly notice: ProcessNotice }
  | { readonly type: "failed"; readonly code: ErrorCode | null; readonly message: string };
