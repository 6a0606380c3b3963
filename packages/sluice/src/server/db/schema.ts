import { AUTOMATIONS_LAYOUT } from "./layout/automations.ts";
import { BLOCKS_LAYOUT } from "./layout/blocks.ts";
import { CONCURRENCY_LAYOUT } from "./layout/concurrency.ts";
import { DEPLOYMENTS_LAYOUT } from "./layout/deployments.ts";
import { EVENTS_LAYOUT } from "./layout/events.ts";
import { RUN_EVENTS_LAYOUT } from "./layout/run-events.ts";
import { RUNS_LAYOUT } from "./layout/runs.ts";
import { WORK_POOLS_LAYOUT } from "./layout/work-pools.ts";

/** Marks a database file as Sluice's: "Slce". */
export const APPLICATION_ID = 0x536c6365;

/**
 * The layout, one entry a version; version N is what the first N entries make. Never edit one that was released, append.
 *
 * Times are integer microseconds since the epoch, durations integer microseconds. A run keeps its whole history as one JSON array of
 * transitions; the columns beside it repeat what queries need of the newest. `end_time` is null exactly while a run is open.
 *
 * Hot path: a task run costs one row, one entry in the key of ids (made in order of time, so appended) and one in the index by flow run
 * (appended too; a number stands for the flow run's id, as every byte of the row is written twice: to the log and to its page). Columns that most rows
 * leave empty stand last. There is deliberately no unique index on (flow_run_id, task_key, dynamic_key): its random order doubled the cost of an insert
 * and dirtied every page of the index in each batch of a flow with a million tasks. The one writer looks keys up where they may repeat.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE flow (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, tags TEXT NOT NULL, labels TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;

CREATE TABLE flow_run (
  no INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  flow_id TEXT NOT NULL,
  name TEXT NOT NULL,
  state_type TEXT, state_name TEXT, state_timestamp INTEGER,
  start_time INTEGER, end_time INTEGER, expected_start_time INTEGER, next_scheduled_start_time INTEGER,
  run_count INTEGER NOT NULL, total_run_time INTEGER NOT NULL,
  transitions TEXT NOT NULL,
  parent_task_run_id TEXT, parent_flow_run_id TEXT,
  process_id TEXT,
  deployment_id TEXT, idempotency_key TEXT, flow_version TEXT, infrastructure_pid TEXT,
  parameters TEXT NOT NULL, tags TEXT NOT NULL, labels TEXT NOT NULL, empirical_policy TEXT NOT NULL,
  context TEXT NOT NULL, job_variables TEXT NOT NULL, entrypoint TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX flow_run_idempotency ON flow_run (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX flow_run_flow ON flow_run (flow_id);
CREATE INDEX flow_run_parent ON flow_run (parent_flow_run_id) WHERE parent_flow_run_id IS NOT NULL;
CREATE INDEX flow_run_parent_task ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE INDEX flow_run_started ON flow_run (coalesce(start_time, expected_start_time));
CREATE INDEX flow_run_open ON flow_run (process_id) WHERE end_time IS NULL;

CREATE TABLE flow_run_key (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE task_run (
  no INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  flow_run_no INTEGER,
  name TEXT NOT NULL, task_key TEXT NOT NULL, dynamic_key TEXT NOT NULL,
  state_type TEXT, state_name TEXT, state_timestamp INTEGER,
  start_time INTEGER, end_time INTEGER, expected_start_time INTEGER,
  run_count INTEGER NOT NULL, total_run_time INTEGER NOT NULL,
  transitions TEXT NOT NULL,
  details TEXT,
  next_scheduled_start_time INTEGER,
  child_flow_run_id TEXT,
  process_id TEXT,
  created INTEGER
) STRICT;
CREATE INDEX task_run_flow_run ON task_run (flow_run_no);
CREATE INDEX task_run_open ON task_run (process_id) WHERE end_time IS NULL;
CREATE VIEW task_run_row AS
  SELECT t.no, t.id, k.id AS flow_run_id, t.flow_run_no, t.name, t.task_key, t.dynamic_key, t.state_type, t.state_name, t.state_timestamp,
    t.start_time, t.end_time, t.expected_start_time, t.next_scheduled_start_time, t.run_count, t.total_run_time, t.transitions,
    t.child_flow_run_id, t.process_id, t.details, coalesce(t.created, t.expected_start_time, 0) AS created
  FROM task_run t LEFT JOIN flow_run_key k ON k.no = t.flow_run_no;

CREATE TABLE task_group (
  flow_run_id TEXT NOT NULL, task_key TEXT NOT NULL, name TEXT NOT NULL, first_seen INTEGER NOT NULL,
  scheduled INTEGER NOT NULL, pending INTEGER NOT NULL, running INTEGER NOT NULL, completed INTEGER NOT NULL, failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL, crashed INTEGER NOT NULL, paused INTEGER NOT NULL, cancelling INTEGER NOT NULL,
  first_start INTEGER, last_end INTEGER, total_run_time INTEGER NOT NULL,
  PRIMARY KEY (flow_run_id, task_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  no INTEGER PRIMARY KEY, flow_run_id TEXT, task_run_id TEXT, name TEXT NOT NULL, level INTEGER NOT NULL, message TEXT NOT NULL,
  timestamp INTEGER NOT NULL, created INTEGER NOT NULL
) STRICT;
CREATE INDEX log_flow_run ON log (flow_run_id, timestamp);
CREATE INDEX log_task_run ON log (task_run_id) WHERE task_run_id IS NOT NULL;

CREATE TABLE artifact (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT, type TEXT, description TEXT, data TEXT, metadata TEXT,
  flow_run_id TEXT, task_run_id TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE INDEX artifact_key ON artifact (key) WHERE key IS NOT NULL;
CREATE INDEX artifact_flow_run ON artifact (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE TABLE artifact_collection (key TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, latest_id TEXT NOT NULL, created INTEGER NOT NULL) STRICT;

CREATE TABLE event (
  id TEXT PRIMARY KEY, occurred INTEGER NOT NULL, event TEXT NOT NULL, resource_id TEXT NOT NULL, body TEXT NOT NULL, received INTEGER NOT NULL
) STRICT;
CREATE INDEX event_occurred ON event (occurred);

CREATE TABLE process (
  id TEXT PRIMARY KEY, pid INTEGER NOT NULL, hostname TEXT NOT NULL, boot_id TEXT NOT NULL, start_ticks INTEGER, lease_until INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE purge (flow_run_id TEXT PRIMARY KEY) STRICT;
`,
  [
    RUNS_LAYOUT,
    DEPLOYMENTS_LAYOUT,
    WORK_POOLS_LAYOUT,
    CONCURRENCY_LAYOUT,
    BLOCKS_LAYOUT,
    EVENTS_LAYOUT,
    AUTOMATIONS_LAYOUT,
  ].join(""),
  // The order in which command lines list runs.
  "CREATE INDEX flow_run_expected ON flow_run (expected_start_time);",
  RUN_EVENTS_LAYOUT,
];
