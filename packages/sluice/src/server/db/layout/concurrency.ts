/** Concurrency limits (those of a tag are named \`tag:<tag>\`) and the leases of their slots. A lease is a row, so a restart gives nothing away. */
export const CONCURRENCY_LAYOUT = `
CREATE TABLE concurrency_limit (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, max_slots INTEGER NOT NULL, active INTEGER NOT NULL,
  active_slots INTEGER NOT NULL, denied_slots INTEGER NOT NULL, slot_decay_per_second REAL NOT NULL, avg_slot_occupancy_seconds REAL NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;

CREATE TABLE concurrency_lease (
  id TEXT PRIMARY KEY, slots INTEGER NOT NULL, expires INTEGER NOT NULL, holder_type TEXT, holder_id TEXT, created INTEGER NOT NULL
) STRICT;
CREATE INDEX concurrency_lease_expires ON concurrency_lease (expires);
CREATE INDEX concurrency_lease_holder ON concurrency_lease (holder_id) WHERE holder_id IS NOT NULL;
CREATE TABLE concurrency_lease_limit (lease_id TEXT NOT NULL, limit_id TEXT NOT NULL, PRIMARY KEY (lease_id, limit_id)) STRICT, WITHOUT ROWID;
CREATE INDEX concurrency_lease_limit_limit ON concurrency_lease_limit (limit_id);
`;
