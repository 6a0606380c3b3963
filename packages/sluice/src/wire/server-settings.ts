/** A setting of a server that is a number or a switch. */
export interface ServerSetting<T extends number | boolean> {
  /** Environment variable; Prefect's of the same name with `PREFECT_` in place of `SLUICE_` is a fallback. */
  readonly variable: string;
  readonly default: T;
  readonly description: string;
}

const flag = (variable: string, otherwise: boolean, description: string): ServerSetting<boolean> => ({
  variable: `SLUICE_SERVER_${variable}`,
  default: otherwise,
  description,
});
const number = (variable: string, otherwise: number, description: string): ServerSetting<number> => ({
  variable: `SLUICE_SERVER_${variable}`,
  default: otherwise,
  description,
});

/**
 * What the server's services are switched and paced by: one row a setting, from which values, `sluice config view` and the documentation come.
 * Durations are in seconds unless the name says otherwise.
 */
export const SERVER_SETTINGS = {
  schedulerEnabled: flag("SERVICES_SCHEDULER_ENABLED", true, "Whether runs are scheduled for deployments."),
  schedulerLoopSeconds: number("SERVICES_SCHEDULER_LOOP_SECONDS", 60, "Time between two rounds of the scheduler."),
  schedulerRecentDeploymentsLoopSeconds: number(
    "SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS",
    5,
    "Time between two looks for deployments that were just made or changed.",
  ),
  schedulerMinRuns: number("SERVICES_SCHEDULER_MIN_RUNS", 3, "Least runs that a schedule has ahead."),
  schedulerMaxRuns: number("SERVICES_SCHEDULER_MAX_RUNS", 100, "Most runs that a schedule has ahead."),
  schedulerMinScheduledTimeSeconds: number(
    "SERVICES_SCHEDULER_MIN_SCHEDULED_TIME",
    3600,
    "How far ahead runs are scheduled at least.",
  ),
  schedulerMaxScheduledTimeSeconds: number(
    "SERVICES_SCHEDULER_MAX_SCHEDULED_TIME",
    8_640_000,
    "How far ahead runs are scheduled at most.",
  ),
  lateRunsEnabled: flag("SERVICES_LATE_RUNS_ENABLED", true, "Whether runs that nobody started in time become Late."),
  lateRunsLoopSeconds: number("SERVICES_LATE_RUNS_LOOP_SECONDS", 5, "Time between two looks for late runs."),
  lateRunsAfterSeconds: number("SERVICES_LATE_RUNS_AFTER_SECONDS", 15, "How long after its time a run counts as late."),
  pauseExpirationsEnabled: flag(
    "SERVICES_PAUSE_EXPIRATIONS_ENABLED",
    true,
    "Whether pauses that timed out fail their runs.",
  ),
  pauseExpirationsLoopSeconds: number(
    "SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS",
    5,
    "Time between two looks for expired pauses.",
  ),
  cancellationCleanupEnabled: flag(
    "SERVICES_CANCELLATION_CLEANUP_ENABLED",
    true,
    "Whether what a cancelled run left open is cancelled.",
  ),
  cancellationCleanupLoopSeconds: number(
    "SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS",
    20,
    "Time between two such clean-ups.",
  ),
  cancellingTimeoutSeconds: number(
    "SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS",
    300,
    "How long a run may be Cancelling before it counts as cancelled.",
  ),
  deploymentSlotWaitSeconds: number(
    "DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS",
    30,
    "After how long a run tries again that found no slot of its deployment.",
  ),
  initialDeploymentLeaseSeconds: number(
    "CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION",
    300,
    "How long a run keeps the slot of its deployment before its process renews it.",
  ),
  tagSlotWaitSeconds: number(
    "TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS",
    10,
    "The longest time after which a task run tries again that found no slot of its tags.",
  ),
  maxParameterSize: number(
    "API_MAX_PARAMETER_SIZE",
    524_288,
    "The largest parameters of a run or a deployment, in bytes of their JSON; 0 for no limit.",
  ),
  maxCacheKeyLength: number("TASKS_MAX_CACHE_KEY_LENGTH", 2000, "The longest cache key of a task run, in characters."),
  foremanEnabled: flag(
    "SERVICES_FOREMAN_ENABLED",
    true,
    "Whether the status of workers, pools, queues and deployments is kept.",
  ),
  foremanLoopSeconds: number("SERVICES_FOREMAN_LOOP_SECONDS", 15, "Time between two looks at workers and pools."),
  foremanInactivityHeartbeatMultiple: number(
    "SERVICES_FOREMAN_INACTIVITY_HEARTBEAT_MULTIPLE",
    3,
    "After how many missed heartbeats a worker is offline.",
  ),
  foremanFallbackHeartbeatSeconds: number(
    "SERVICES_FOREMAN_FALLBACK_HEARTBEAT_INTERVAL_SECONDS",
    30,
    "Heartbeat interval of a worker that names none.",
  ),
  foremanDeploymentLastPolledTimeoutSeconds: number(
    "SERVICES_FOREMAN_DEPLOYMENT_LAST_POLLED_TIMEOUT_SECONDS",
    60,
    "After how long without a look for its runs a deployment is not ready.",
  ),
  foremanWorkQueueLastPolledTimeoutSeconds: number(
    "SERVICES_FOREMAN_WORK_QUEUE_LAST_POLLED_TIMEOUT_SECONDS",
    60,
    "After how long without a look for its runs a work queue is not ready.",
  ),
  repossessorEnabled: flag("SERVICES_REPOSSESSOR_ENABLED", true, "Whether slots whose lease ended are given back."),
  repossessorLoopSeconds: number(
    "SERVICES_REPOSSESSOR_LOOP_SECONDS",
    15,
    "Time between two looks for leases that ended.",
  ),
  cleanupLeaseSeconds: number(
    "WORKER_CHANNEL_CLEANUP_LEASE_SECONDS",
    30,
    "How long a worker may be silent about infrastructure that it was asked to tear down before another is asked.",
  ),
  cleanupMaxDeliveryAttempts: number(
    "WORKER_CHANNEL_CLEANUP_MAX_DELIVERY_ATTEMPTS",
    3,
    "How often workers are asked to tear the same infrastructure down.",
  ),
  dbVacuumEnabled: flag("SERVICES_DB_VACUUM_ENABLED", true, "Whether old events are deleted."),
  dbVacuumLoopSeconds: number("SERVICES_DB_VACUUM_LOOP_SECONDS", 3600, "Time between two looks for old events."),
  eventsRetentionSeconds: number("EVENTS_RETENTION_PERIOD", 604_800, "How long events are kept."),
  eventsBackfillSeconds: number(
    "EVENTS_MAXIMUM_WEBSOCKET_BACKFILL",
    900,
    "How far back a stream of events begins at most.",
  ),
  triggersEnabled: flag("SERVICES_TRIGGERS_ENABLED", true, "Whether automations hear events and act."),
  triggersProactiveSeconds: number(
    "EVENTS_PROACTIVE_GRANULARITY",
    5,
    "Time between two looks for what should have happened by now.",
  ),
} as const;

/** Values of {@link SERVER_SETTINGS}, by name. */
export type ServerSettings = {
  readonly [K in keyof typeof SERVER_SETTINGS]: (typeof SERVER_SETTINGS)[K] extends ServerSetting<boolean>
    ? boolean
    : number;
};

/** All settings with their default values. */
export function defaultServerSettings(): ServerSettings {
  const entries = Object.entries(SERVER_SETTINGS).map(([name, setting]) => [name, setting.default] as const);
  // Each value is the default of the setting of its name.
  return Object.fromEntries(entries) as ServerSettings;
}
