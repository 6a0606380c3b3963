/** Events: \`body\` is the JSON of the whole event as it came; \`event_resource\` finds events by what they are about. */
export const EVENTS_LAYOUT = `
DROP TABLE event;
CREATE TABLE event (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, occurred INTEGER NOT NULL, event TEXT NOT NULL, resource_id TEXT NOT NULL, follows TEXT,
  body TEXT NOT NULL, received INTEGER NOT NULL
) STRICT;
CREATE INDEX event_occurred ON event (occurred);
CREATE INDEX event_of_resource ON event (resource_id, occurred);
`;
