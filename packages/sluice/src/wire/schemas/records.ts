import { Type, type Static } from "typebox";
import { AnyObject, closed, Instant, maybe, nullable, Uuid } from "./fields.ts";

const logLine = {
  name: Type.String(),
  level: Type.Integer(),
  message: Type.String(),
  timestamp: Instant,
  flow_run_id: maybe(Uuid),
  task_run_id: maybe(Uuid),
};

export const LogCreate = closed(logLine);
export const LogCreateList = Type.Array(LogCreate);
export const Log = Type.Object({ ...logLine, id: Uuid, created: nullable(Instant), updated: nullable(Instant) });
export type Log = Static<typeof Log>;

const artifactContent = {
  data: Type.Optional(Type.Union([AnyObject, Type.Unknown(), Type.Null()])),
  description: maybe(Type.String()),
  metadata_: maybe(Type.Record(Type.String(), Type.String())),
};
const artifactFields = {
  ...artifactContent,
  key: maybe(Type.String()),
  type: maybe(Type.String()),
  flow_run_id: maybe(Uuid),
  task_run_id: maybe(Uuid),
};

export const ArtifactCreate = closed(artifactFields);
export type ArtifactCreate = Static<typeof ArtifactCreate>;
export const ArtifactUpdate = closed(artifactContent);
export type ArtifactUpdate = Static<typeof ArtifactUpdate>;
export const Artifact = Type.Object({
  ...artifactFields,
  id: Type.Optional(Uuid),
  created: maybe(Instant),
  updated: maybe(Instant),
});
export type Artifact = Static<typeof Artifact>;
export const ArtifactCollection = Type.Object({
  ...artifactFields,
  key: Type.String(),
  latest_id: Uuid,
  id: Uuid,
  created: nullable(Instant),
  updated: nullable(Instant),
});
export type ArtifactCollection = Static<typeof ArtifactCollection>;

/** Body of `increment-with-lease`; there are no limits yet, so nothing is ever taken. */
export const IncrementWithLease = Type.Object({
  slots: Type.Integer({ exclusiveMinimum: 0 }),
  names: Type.Array(Type.String()),
  mode: Type.Optional(Type.Enum(["concurrency", "rate_limit"])),
  lease_duration: Type.Optional(Type.Number({ minimum: 60, maximum: 86_400 })),
  holder: maybe(Type.Unknown()),
});
export const IncrementWithLeaseResult = Type.Object({ lease_id: Uuid, limits: Type.Array(Type.Unknown()) });
export const ServerDefaultResultStorage = Type.Object({ default_result_storage_block_id: maybe(Uuid) });
