/** Deployments and their schedules. JSON in labels, tags, parameters, schemas, job variables, pull steps, options and who made it. */
export const DEPLOYMENTS_LAYOUT = `
CREATE TABLE deployment (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, flow_id TEXT NOT NULL, name TEXT NOT NULL,
  version TEXT, version_info TEXT, description TEXT, path TEXT, entrypoint TEXT,
  paused INTEGER NOT NULL, enforce_parameter_schema INTEGER NOT NULL,
  tags TEXT NOT NULL, labels TEXT NOT NULL, parameters TEXT NOT NULL, parameter_openapi_schema TEXT, job_variables TEXT NOT NULL, pull_steps TEXT,
  concurrency_options TEXT, concurrency_limit_id TEXT,
  storage_document_id TEXT, infrastructure_document_id TEXT,
  work_queue_id TEXT, work_queue_name TEXT,
  last_polled INTEGER, status TEXT NOT NULL,
  created_by TEXT, updated_by TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (flow_id, name)
) STRICT;
CREATE INDEX deployment_queue ON deployment (work_queue_id) WHERE work_queue_id IS NOT NULL;

CREATE TABLE deployment_schedule (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, deployment_id TEXT NOT NULL, schedule TEXT NOT NULL, active INTEGER NOT NULL,
  max_scheduled_runs INTEGER, parameters TEXT NOT NULL, slug TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE INDEX deployment_schedule_deployment ON deployment_schedule (deployment_id);
`;
