import { serialize } from "node:v8";
import type { RunnerDescription, RunSpec } from "../../wire/run-spec.ts";
import type { FarSideStart } from "../messages.ts";

/** File of a bundle that is imported. */
export const BUNDLE_FILE = "bundle.mjs";

/** A value of more bytes stays on the node that made it until somebody wants it. */
export const KEPT_FROM_BYTES = 1024 * 1024 + 64 * 1024;

/** Stands in the arguments of a carried run for a value that comes in a part of its own: the part's number. */
export const PART = "sluice:part";

/** What travels to a node for one run, in the clone format of V8. */
export interface CarriedOrder {
  readonly spec: RunSpec;
  /** Hash of the bundle that holds its function. */
  readonly code: string;
  readonly graceMs: number;
  readonly timeoutMs: number | null;
  /** Whether values of other runs come bare (Ray), or in the ends of those (Dask). */
  readonly valuesAre: "bare" | "in-ends";
  /** See `FarSideHost.isJob`; left out for false. */
  readonly isJob?: boolean;
}

/** What a Node process of a node is started with; equal settings share warm processes. */
export interface BridgeSettings {
  /** Node.js on the nodes: names on their PATH, or paths, of which the first that fits is taken. */
  readonly node: readonly string[];
  /** Major and minor version that it must have at least. */
  readonly least_node: readonly [number, number];
  readonly exec_argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Hash of the package's files. */
  readonly sdk: string;
  /** The far side's entry, below the package's folder. */
  readonly entry: string;
  /** The clone format that values are written in: `cloneVersion`. */
  readonly clone: number;
  /** The engine's module, below the package's folder. */
  readonly engine: string;
  readonly far: FarSideStart;
  readonly cluster: {
    readonly description: RunnerDescription;
    readonly connection: Readonly<Record<string, unknown>>;
  };
}

/** What the bridge says first to a process that it has started. */
export interface BridgeStart {
  /** {@link BridgeSettings} as JSON: as text, since nested runs pass it on. */
  readonly settings: string;
  /** Address of the scheduler as this worker knows it. */
  readonly scheduler: string;
  /** The worker's own material for TLS, texts or paths; null where the cluster does without. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | null;
}

/** The version of the clone format that this Node writes: the second byte of whatever it writes. */
export function cloneVersion(): number {
  return serialize(0).readUInt8(1);
}
