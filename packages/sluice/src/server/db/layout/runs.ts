/**
 * What flow runs keep of deployments and pools, and their inputs; the background task runs that wait for a worker, and the states of task runs that are
 * kept under their cache keys; the searches that users save.
 */
export const RUNS_LAYOUT = `
ALTER TABLE flow_run ADD COLUMN deployment_version TEXT;
ALTER TABLE flow_run ADD COLUMN work_queue_id TEXT;
ALTER TABLE flow_run ADD COLUMN work_queue_name TEXT;
ALTER TABLE flow_run ADD COLUMN auto_scheduled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flow_run ADD COLUMN created_by TEXT;
ALTER TABLE flow_run ADD COLUMN infrastructure_document_id TEXT;
CREATE INDEX flow_run_deployment ON flow_run (deployment_id) WHERE deployment_id IS NOT NULL;
CREATE INDEX flow_run_schedule ON flow_run (deployment_id, next_scheduled_start_time) WHERE auto_scheduled = 1 AND state_type = 'SCHEDULED';
CREATE INDEX flow_run_next ON flow_run (next_scheduled_start_time) WHERE state_type = 'SCHEDULED';
CREATE INDEX flow_run_queue ON flow_run (work_queue_id, state_type, next_scheduled_start_time) WHERE work_queue_id IS NOT NULL;
CREATE INDEX flow_run_paused ON flow_run (no) WHERE state_type = 'PAUSED';
CREATE INDEX flow_run_cancelling ON flow_run (no) WHERE state_type = 'CANCELLING';
CREATE INDEX flow_run_cancelled ON flow_run (no) WHERE state_type = 'CANCELLED';
CREATE INDEX flow_run_open_child ON flow_run (no) WHERE end_time IS NULL AND parent_flow_run_id IS NOT NULL;

CREATE TABLE flow_run_input (
  id TEXT PRIMARY KEY, flow_run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, sender TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, UNIQUE (flow_run_id, key)
) STRICT;

CREATE INDEX task_run_loose ON task_run (dynamic_key) WHERE flow_run_no IS NULL;
CREATE TABLE task_queue (
  no INTEGER PRIMARY KEY AUTOINCREMENT, task_run_id TEXT NOT NULL UNIQUE, task_key TEXT NOT NULL, again INTEGER NOT NULL
) STRICT;
CREATE INDEX task_queue_key ON task_queue (task_key, again DESC, no);
CREATE TABLE task_run_cache (
  no INTEGER PRIMARY KEY, key TEXT NOT NULL, expires INTEGER, task_run_id TEXT NOT NULL, state_index INTEGER NOT NULL
) STRICT;
CREATE INDEX task_run_cache_key ON task_run_cache (key);

CREATE TABLE saved_search (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, filters TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
`;
