/**
 * Every error of the project: a stable code, whether trying again can help, and its page in the documentation.
 *
 * Recognised by symbol, so that two copies of the package, or an error that has crossed a process, are told apart from foreign errors
 * without `instanceof`.
 */
const BRAND = Symbol.for("sluice.error");

/** Code of each error and whether the same call may succeed when it is tried again. */
export const ERROR_CODES = {
  SLUICE_OPTION_INVALID: { retryable: false },
  SLUICE_NAME_MISSING: { retryable: false },
  SLUICE_DUPLICATE_NAME: { retryable: false },
  SLUICE_PARAMETERS_INVALID: { retryable: false },
  SLUICE_FLOW_NOT_FOUND: { retryable: false },
  SLUICE_NO_RUN_CONTEXT: { retryable: false },
  SLUICE_CALL_DURING_IMPORT: { retryable: false },
  SLUICE_NOT_PORTABLE: { retryable: false },
  SLUICE_FUNCTION_NOT_FOUND: { retryable: false },
  SLUICE_FUNCTION_CHANGED: { retryable: false },
  SLUICE_IMPORT_FAILED: { retryable: false },
  SLUICE_NOT_SERIALIZABLE: { retryable: false },
  SLUICE_CIRCULAR_FUTURE: { retryable: false },
  SLUICE_MAP_INVALID: { retryable: false },
  SLUICE_MAP_TOO_LARGE: { retryable: false },
  SLUICE_UPSTREAM_FAILED: { retryable: false },
  SLUICE_TIMED_OUT: { retryable: true },
  SLUICE_CANCELLED: { retryable: false },
  SLUICE_PAUSE_TIMED_OUT: { retryable: false },
  SLUICE_RUN_REFUSED: { retryable: false },
  SLUICE_RUN_OVER: { retryable: false },
  SLUICE_WORKER_CRASHED: { retryable: true },
  SLUICE_WORKER_OUT_OF_MEMORY: { retryable: true },
  SLUICE_WORKER_START_FAILED: { retryable: true },
  SLUICE_CLUSTER_UNREACHABLE: { retryable: true },
  SLUICE_CLUSTER_REFUSED: { retryable: false },
  SLUICE_CLUSTER_UNFIT: { retryable: false },
  SLUICE_PYTHON_MISSING: { retryable: false },
  SLUICE_RESULT_MISSING: { retryable: false },
  SLUICE_TRANSACTION_ROLLED_BACK: { retryable: false },
  SLUICE_HOME_UNWRITABLE: { retryable: false },
  SLUICE_DISK_FULL: { retryable: true },
  SLUICE_DATABASE_CORRUPT: { retryable: false },
  SLUICE_DATABASE_NEWER: { retryable: false },
  SLUICE_PORT_IN_USE: { retryable: false },
  SLUICE_API_UNREACHABLE: { retryable: true },
  SLUICE_API_REFUSED: { retryable: false },
  SLUICE_SECRET_UNREADABLE: { retryable: false },
  SLUICE_PROFILE_INVALID: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

/** A code in {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * An error of Sluice's own. Its message says what was expected, what was got and what to do.
 *
 * @param code stable, see {@link ERROR_CODES}
 */
export class SluiceError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SluiceError";
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether the same call may succeed when it is tried again. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** Tells whether `value` is an error of Sluice's, from whichever copy of the package, optionally with this code. */
export function isSluiceError(value: unknown, code?: ErrorCode): value is SluiceError {
  return value instanceof Error && BRAND in value && "code" in value && (code === undefined || value.code === code);
}
