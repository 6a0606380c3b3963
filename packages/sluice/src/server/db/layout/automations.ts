/** Automations, and what their triggers have counted so far. */
export const AUTOMATIONS_LAYOUT = `
CREATE TABLE automation (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL, enabled INTEGER NOT NULL, tags TEXT NOT NULL,
  trigger TEXT NOT NULL, actions TEXT NOT NULL, actions_on_trigger TEXT NOT NULL, actions_on_resolve TEXT NOT NULL, owner_resource TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE TABLE automation_span (
  automation_id TEXT NOT NULL, trigger_id TEXT NOT NULL, key TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, count INTEGER NOT NULL,
  last_event TEXT, PRIMARY KEY (trigger_id, key)
) STRICT;
CREATE INDEX automation_span_end ON automation_span (end_us);
CREATE TABLE automation_firing (
  automation_id TEXT NOT NULL, trigger_id TEXT NOT NULL, child_id TEXT NOT NULL, fired INTEGER NOT NULL, event TEXT, PRIMARY KEY (trigger_id, child_id)
) STRICT;
CREATE TABLE automation_action (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
CREATE INDEX automation_owner ON automation (owner_resource) WHERE owner_resource IS NOT NULL;
`;

/** Key of the table of settings: up to where in the log of events automations have heard it. */
export const AUTOMATIONS_PLACE = "automations-place";
