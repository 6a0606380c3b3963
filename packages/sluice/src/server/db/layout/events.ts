/** Events: \`body\` is the JSON of the whole event as it came; \`event_related\` finds events by what they are about besides their resource. */
export const EVENTS_LAYOUT = `
DROP TABLE event;
CREATE TABLE event (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, occurred INTEGER NOT NULL, event TEXT NOT NULL, resource_id TEXT NOT NULL, follows TEXT,
  body TEXT NOT NULL, received INTEGER NOT NULL
) STRICT;
CREATE TABLE event_related (
  resource_id TEXT NOT NULL, event_no INTEGER NOT NULL, role TEXT NOT NULL, PRIMARY KEY (resource_id, event_no, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_occurred ON event (occurred);
CREATE INDEX event_of_resource ON event (resource_id, occurred);
`;
