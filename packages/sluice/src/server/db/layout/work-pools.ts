/**
 * Work pools, their queues and their workers, and the messages that ask workers to tear infrastructure down. JSON in templates, configurations, filters,
 * targets and data.
 */
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

CREATE TABLE cleanup_message (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, idempotency_key TEXT NOT NULL, work_pool_id TEXT NOT NULL, work_queue_id TEXT,
  kind TEXT NOT NULL, target TEXT NOT NULL, data TEXT NOT NULL, status TEXT NOT NULL, delivery_count INTEGER NOT NULL,
  token TEXT, lease_expires INTEGER, reason TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (work_pool_id, idempotency_key)
) STRICT;
CREATE INDEX cleanup_message_open ON cleanup_message (work_pool_id, no) WHERE status = 'OPEN';
`;
