/** Automations, and what their triggers have counted so far. */
export const AUTOMATIONS_LAYOUT = `
CREATE TABLE automation (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL, enabled INTEGER NOT NULL, tags TEXT NOT NULL,
  trigger TEXT NOT NULL, actions TEXT NOT NULL, actions_on_trigger TEXT NOT NULL, actions_on_resolve TEXT NOT NULL, owner_resource TEXT,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE INDEX automation_owner ON automation (owner_resource) WHERE owner_resource IS NOT NULL;
`;
