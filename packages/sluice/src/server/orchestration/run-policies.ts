/** The `empirical_policy` of runs as the contract reads and keeps it: complete, with the deprecated fields carried over. */
import type { FlowRunPolicy, TaskRunPolicy } from "../../wire/contract/shapes.ts";
import { InvalidRequest, type Fault } from "../api-reply.ts";
import { valueFault } from "../request/faults.ts";

const MOST_DELAYS = 50;

/** A flow run's policy, complete. @param request the whole body, for the refusal @throws InvalidRequest */
export function wholeFlowPolicy(given: FlowRunPolicy | undefined, request: unknown): Required<FlowRunPolicy> {
  const policy = withSuccessors(given ?? {});
  const { retry_delay: delay = null } = policy;
  if (delay !== null && !Number.isInteger(delay)) {
    const msg = "Input should be a valid integer, got a number with a fractional part";
    throw refusal(
      { loc: ["body", "empirical_policy", "retry_delay"], msg, type: "int_from_float", input: delay },
      request,
    );
  }
  return {
    max_retries: policy.max_retries ?? 0,
    retry_delay_seconds: policy.retry_delay_seconds ?? 0,
    retries: policy.retries ?? null,
    retry_delay: delay,
    pause_keys: policy.pause_keys ? [...new Set(policy.pause_keys)] : policy.pause_keys === null ? null : [],
    resuming: policy.resuming === undefined ? false : policy.resuming,
    retry_type: policy.retry_type ?? null,
  };
}

/** A task run's policy, complete. @param request the whole body, for the refusal @throws InvalidRequest */
export function wholeTaskPolicy(given: TaskRunPolicy | undefined, request: unknown): Required<TaskRunPolicy> {
  const policy = withSuccessors(given ?? {});
  const { retry_delay: delay = null, retry_jitter_factor: jitter = null } = policy;
  const loc = (field: string): string[] => ["body", "empirical_policy", field];
  if (Array.isArray(delay) && delay.length > MOST_DELAYS) {
    const reason = `Can not configure more than ${MOST_DELAYS} retry delays per task.`;
    throw refusal(valueFault(loc("retry_delay"), reason, delay), request);
  }
  if (jitter !== null && jitter < 0)
    throw refusal(valueFault(loc("retry_jitter_factor"), "`retry_jitter_factor` must be >= 0.", jitter), request);
  return {
    max_retries: policy.max_retries ?? 0,
    retry_delay_seconds: policy.retry_delay_seconds ?? 0,
    retries: policy.retries ?? null,
    retry_delay: delay,
    retry_jitter_factor: jitter,
  };
}

/** Older clients say `max_retries` and `retry_delay_seconds`: that stands for what they are called now. */
function withSuccessors<Policy extends FlowRunPolicy | TaskRunPolicy>(policy: Policy): Policy {
  const { max_retries: retries = 0, retry_delay_seconds: delay = 0 } = policy;
  return {
    ...policy,
    ...(!policy.retries && retries !== 0 ? { retries } : {}),
    ...(!policy.retry_delay && delay !== 0 ? { retry_delay: delay } : {}),
  };
}

function refusal(fault: Fault, request: unknown): InvalidRequest {
  return new InvalidRequest([fault], request);
}
