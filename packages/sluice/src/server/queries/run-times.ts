/** SQL of what is estimated of a run from its columns, in microseconds. `table` is `r` or `t`; the parameter `now` is bound by the caller as `:now`. */
const OPEN = "state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')";

/** How long it has run: its finished time, and that of the state it is in when it is running. */
export function runTimeSql(table: "r" | "t"): string {
  return `(${table}.total_run_time + CASE WHEN ${table}.state_type = 'RUNNING' THEN max(0, :now - ${table}.state_timestamp) ELSE 0 END)`;
}

/** How much later than planned it started, or has not started yet. */
export function latenessSql(table: "r" | "t"): string {
  return `CASE WHEN ${table}.start_time IS NOT NULL THEN max(0, ${table}.start_time - ${table}.expected_start_time)
    WHEN ${table}.expected_start_time < :now AND (${table}.state_type IS NULL OR ${table}.${OPEN}) THEN :now - ${table}.expected_start_time
    ELSE 0 END`;
}
