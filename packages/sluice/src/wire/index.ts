/** The shapes of the wire as types and plain data; the schemas are in `./schemas/`, which loads a schema library and so is not part of this door. */
export { ERROR_CODES, isSluiceError, SluiceError, type ErrorCode } from "./errors.ts";
export type { ProcessLease, ProcessNotice, ProcessRegistration, RenewRequest } from "./processes.ts";
export type {
  FlowRunIdentity,
  FlowRunRecord,
  RecordVerdict,
  ResultReference,
  RunInput,
  RunRecord,
  RunRecordBatch,
  RunRecordReply,
  TaskRunIdentity,
  TaskRunRecord,
  TransitionRecord,
} from "./run-record.ts";
export type { FunctionReference, RunEnd, RunnerDescription, RunSpec, WireError } from "./run-spec.ts";
export type { FlowRunNode, RunTree, StateCounts, TaskGroupNode } from "./run-tree.ts";
export { stateId } from "./state-id.ts";
export {
  FINAL_STATE_TYPES,
  isFinalStateType,
  STATE_TYPES,
  type FinalStateType,
  type StateType,
} from "./state-types.ts";
export { microsToIso, isoToMicros } from "./timestamp.ts";
