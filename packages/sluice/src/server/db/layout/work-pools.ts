/** Work pools, their queues and their workers. JSON in templates, configurations and filters. */
export const WORK_POOLS_LAYOUT = `
CREATE TABLE work_pool (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL, description TEXT,
  base_job_template TEXT NOT NULL, storage_configuration TEXT NOT NULL, is_paused INTEGER NOT NULL, concurrency_limit INTEGER,
  default_queue_id TEXT, status TEXT NOT NULL, last_status_event_id TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;

CREATE TABLE work_queue (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, work_pool_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
  is_paused INTEGER NOT NULL, concurrency_limit INTEGER, priority INTEGER NOT NULL, filter TEXT, last_polled INTEGER, status TEXT NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (work_pool_id, name)
) STRICT;

CREATE TABLE worker (
  id TEXT PRIMARY KEY, work_pool_id TEXT NOT NULL, name TEXT NOT NULL, last_heartbeat INTEGER NOT NULL, heartbeat_interval_seconds INTEGER,
  status TEXT NOT NULL, details TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (work_pool_id, name)
) STRICT;
`;
