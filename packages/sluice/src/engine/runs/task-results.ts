import type { ResultReference } from "../../wire/run-record.ts";
import { computeCacheKey } from "../results/cache-policy.ts";
import { namedArguments, type RunOptions, type TaskDefinition } from "../definition.ts";
import type { FlowScope } from "../context/frame.ts";
import type { EngineHost } from "../host.ts";
import type { ResultStore } from "../ports.ts";
import { decodeResult, encodeResult, isExpired } from "../results/result-codec.ts";

/** A cached value and where it is kept. */
export interface CachedResult {
  readonly value: unknown;
  readonly reference: ResultReference;
}

/** Keeps a value in the result store where the options, or the settings, ask for it. Resolves when it is written. */
export async function persistValue(
  host: EngineHost,
  options: RunOptions,
  result: { readonly key: string; readonly value: unknown; readonly expiresAtMs?: number | null },
): Promise<ResultReference | undefined> {
  if (!(options.persistResult ?? host.settings.persistResultsByDefault)) return undefined;
  const { reference, write } = prepare(options.resultStorage ?? host.results(), result);
  await write();
  return reference;
}

/** A value ready to be kept: where it will be, and the write itself. */
export interface PreparedResult {
  readonly reference: ResultReference;
  readonly write: () => Promise<void>;
}

function prepare(
  store: ResultStore,
  result: { readonly key: string; readonly value: unknown; readonly expiresAtMs?: number | null },
): PreparedResult {
  const stored = encodeResult(result.value, { key: result.key, expiresAtMs: result.expiresAtMs ?? null });
  return { reference: stored.reference, write: () => store.write(result.key, stored) };
}

/** The cache and the persisted result of one task run. */
export class TaskResults {
  /** Undefined when the run is not cached. */
  readonly cacheKey: string | undefined;
  private readonly definition: TaskDefinition;
  private readonly host: EngineHost;
  private readonly runId: string;

  private constructor(parts: {
    definition: TaskDefinition;
    host: EngineHost;
    runId: string;
    cacheKey: string | undefined;
  }) {
    this.definition = parts.definition;
    this.host = parts.host;
    this.runId = parts.runId;
    this.cacheKey = parts.cacheKey;
  }

  /** Whether a task's values are looked up or kept at all: most are not, and pay nothing. */
  static isWanted(definition: TaskDefinition, scope: FlowScope): boolean {
    const { options } = definition;
    return options.cachePolicy !== undefined || (options.persistResult ?? scope.host.settings.persistResultsByDefault);
  }

  static open(
    call: { definition: TaskDefinition; scope: FlowScope; runId: string; onNoKey: (reason: string) => void },
    args: readonly unknown[],
  ): TaskResults {
    const { definition, scope, runId } = call;
    const { cachePolicy } = definition.options;
    const cacheKey =
      cachePolicy === undefined
        ? undefined
        : computeCacheKey({
            policy: cachePolicy,
            taskName: definition.name,
            taskRunId: runId,
            flowRunId: scope.flowRun?.id ?? null,
            taskSourceHash: definition.reference.source_hash,
            inputs: namedArguments(definition, args),
            flowParameters: scope.parameters,
            onNoKey: call.onNoKey,
          });
    return new TaskResults({ definition, host: scope.host, runId, cacheKey });
  }

  /** The stored value of an equal call, undefined where there is none, it has expired, or it is to be refreshed. */
  async read(): Promise<CachedResult | undefined> {
    const { options } = this.definition;
    if (this.cacheKey === undefined || options.refreshCache === true) return undefined;
    const stored = await this.store().read(this.cacheKey);
    if (stored === undefined || isExpired(stored.reference, this.host.clock.nowUs() / 1000)) return undefined;
    return { value: decodeResult(stored), reference: stored.reference };
  }

  /** The value that an earlier execution of this run has kept. */
  async readOwn(): Promise<CachedResult | undefined> {
    if (this.cacheKey !== undefined) return undefined;
    const stored = await this.store().read(this.runId);
    return stored === undefined ? undefined : { value: decodeResult(stored), reference: stored.reference };
  }

  /** Makes the value of the run ready to be kept; undefined where the options say that it is not kept. */
  prepare(value: unknown): PreparedResult | undefined {
    const { options } = this.definition;
    if (options.persistResult === false) return undefined;
    const { cacheExpiration } = options;
    const expiresAtMs = cacheExpiration === undefined ? null : this.host.clock.nowUs() / 1000 + cacheExpiration * 1000;
    return prepare(this.store(), { key: this.cacheKey ?? this.runId, value, expiresAtMs });
  }

  private store(): ResultStore {
    return this.definition.options.resultStorage ?? this.host.results();
  }
}
