import type { NodeOptions } from "../cluster/bridge-settings.ts";

/** Options of a {@link DaskTaskRunner}, checked, with every default filled in: plain data, which its description holds. */
export interface DaskOptions extends NodeOptions {
  /** Null: a temporary cluster is made. */
  readonly address: string | null;
  readonly clusterClass: string;
  readonly clusterKwargs: Readonly<Record<string, unknown>>;
  readonly adaptKwargs: Readonly<Record<string, unknown>> | null;
  readonly clientKwargs: Readonly<Record<string, unknown>>;
  readonly performanceReportPath: string | null;
  readonly python: string | null;
  readonly security: { readonly ca: string; readonly cert: string; readonly key: string } | null;
  /** 0: as many as the worker has threads. */
  readonly flowsPerWorker: number;
  readonly apiUrl: string | null;
  readonly external: readonly string[];
  readonly idleSeconds: number;
}
