/** The schemas of what is served, by the names that the route table uses. Loads the schema library: only servers and tests import it. */
import { Type } from "typebox";
import * as filters from "./filters.ts";
import * as records from "./records.ts";
import * as runs from "./runs.ts";
import * as states from "./state.ts";
import type { SchemaName } from "../routes.ts";
import type { TSchema } from "typebox";

/** Every schema of the route table. */
export const SCHEMAS: Readonly<Record<SchemaName, TSchema>> = {
  Anything: Type.Unknown(),
  Artifact: records.Artifact,
  ArtifactCollectionList: Type.Array(records.ArtifactCollection),
  ArtifactCreate: records.ArtifactCreate,
  ArtifactList: Type.Array(records.Artifact),
  ArtifactUpdate: records.ArtifactUpdate,
  CountFlowRuns: filters.CountFlowRuns,
  CountFlows: filters.CountFlows,
  CountTaskRuns: filters.CountTaskRuns,
  EventList: Type.Array(states.Event),
  FilterArtifacts: filters.FilterArtifacts,
  FilterFlowRuns: filters.FilterFlowRuns,
  FilterFlows: filters.FilterFlows,
  FilterLatestArtifacts: filters.FilterLatestArtifacts,
  FilterLogs: filters.FilterLogs,
  FilterTaskRuns: filters.FilterTaskRuns,
  Flow: runs.Flow,
  FlowCreate: runs.FlowCreate,
  FlowList: Type.Array(runs.Flow),
  FlowRunCreate: runs.FlowRunCreate,
  FlowRunList: Type.Array(runs.FlowRunResponse),
  FlowRunResponse: runs.FlowRunResponse,
  FlowRunUpdate: runs.FlowRunUpdate,
  FlowUpdate: runs.FlowUpdate,
  IncrementWithLease: records.IncrementWithLease,
  IncrementWithLeaseResult: records.IncrementWithLeaseResult,
  Integer: Type.Integer(),
  LogCreateList: records.LogCreateList,
  LogList: Type.Array(records.Log),
  OrchestrationResult: states.OrchestrationResult,
  ServerDefaultResultStorage: records.ServerDefaultResultStorage,
  SetState: states.SetState,
  StateList: Type.Array(states.State),
  Text: Type.String(),
  TaskRun: runs.TaskRun,
  TaskRunCreate: runs.TaskRunCreate,
  TaskRunList: Type.Array(runs.TaskRun),
  TaskRunUpdate: runs.TaskRunUpdate,
  Truth: Type.Boolean(),
};
