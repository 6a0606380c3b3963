/** Block types, schemas and documents (the secret parts of whose data are encrypted), and variables. */
export const BLOCKS_LAYOUT = `
CREATE TABLE block_type (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, slug TEXT NOT NULL UNIQUE, logo_url TEXT, documentation_url TEXT,
  description TEXT, code_example TEXT, is_protected INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;

CREATE TABLE block_schema (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, checksum TEXT NOT NULL, block_type_id TEXT NOT NULL, fields TEXT NOT NULL,
  capabilities TEXT NOT NULL, version TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (checksum, version)
) STRICT;
CREATE INDEX block_schema_type ON block_schema (block_type_id);

CREATE TABLE block_document (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, block_type_id TEXT NOT NULL, block_schema_id TEXT NOT NULL,
  is_anonymous INTEGER NOT NULL, data TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  UNIQUE (block_type_id, name)
) STRICT;
CREATE TABLE block_document_reference (
  id TEXT PRIMARY KEY, parent_id TEXT NOT NULL, name TEXT NOT NULL, reference_id TEXT NOT NULL
) STRICT;
CREATE INDEX block_document_reference_parent ON block_document_reference (parent_id);

CREATE TABLE variable (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL, tags TEXT NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL
) STRICT;
`;
