import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";
import { blockChecksum } from "./block-checksum.ts";
import { readKeepingNumbers } from "./python-json.ts";
import { SecretBox } from "./secret-box.ts";
import { hideSecrets, keepHidden } from "./secret-fields.ts";

let folder: string;
let core: ServerCore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-blocks-"));
  core = ServerCore.open({ databaseFile: join(folder, "sluice.db") });
});
afterEach(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  // Bodies of many shapes: each test knows its own.
  readonly json: Record<string, unknown> & { readonly id: string };
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await core.handle({ method, path: `/api${path}`, ...text });
  return { status: answer.status, json: answer.body === "" ? {} : JSON.parse(answer.body) };
}

/** Makes a type with a schema; resolves to their ids. */
async function makeType(slug: string, fields: object = {}): Promise<{ typeId: string; schemaId: string }> {
  const type = await call("POST", "/block_types/", { name: slug, slug });
  const schema = await call("POST", "/block_schemas/", { block_type_id: type.json.id, fields });
  return { typeId: type.json.id, schemaId: schema.json.id };
}

test("the checksum of a schema is the one that Python clients make", () => {
  // Asked of `Block._calculate_schema_checksum` of prefect 3.8.8.
  const text = `{"title":"Ünï","type":"object","properties":{"x":{"type":"number","default":60.0},"b":{"default":1e-05}},
    "definitions":{"P":{"title":"P","type":"object"},"B":{"block_type_slug":"b","title":"B"}},"secret_fields":["x"],
    "required":["x"],"p":{"$ref":"#/definitions/P"},"q":{"$ref":"#/definitions/B"}}`;
  // An object, as written above.
  const fields = readKeepingNumbers(text) as Record<string, unknown>;
  expect(blockChecksum(fields)).toBe("sha256:2e80a25605631d62a60d864cbf5401685df248240728694556702d58772fff74");
});

test("a schema is found again by its checksum, whoever sends it", async () => {
  const { typeId, schemaId } = await makeType("mine", { title: "Mine", properties: { x: { default: 60.5 } } });
  const again = await call("POST", "/block_schemas/", {
    block_type_id: typeId,
    fields: { properties: { x: { default: 60.5 } }, title: "Mine" },
  });
  expect([again.status, again.json.id]).toEqual([200, schemaId]);
  expect((await call("GET", `/block_schemas/checksum/${String(again.json["checksum"])}`)).json.id).toBe(schemaId);
});

test("secrets are hidden, and what comes back hidden changes nothing", async () => {
  const { typeId, schemaId } = await makeType("safe", { secret_fields: ["token", "deep.*"] });
  const made = await call("POST", "/block_documents/", {
    name: "one",
    block_type_id: typeId,
    block_schema_id: schemaId,
    data: { token: "t0p", deep: { a: { b: "q" } }, open: 1 },
  });
  const path = `/block_documents/${made.json.id}`;
  const hidden = { token: "********", deep: { a: { b: "********" } }, open: 1 };
  expect(made.json["data"]).toEqual(hidden);
  expect((await call("PATCH", path, { data: { ...hidden, open: 2 } })).status).toBe(204);
  expect((await call("GET", `${path}?include_secrets=true`)).json["data"]).toEqual({
    token: "t0p",
    deep: { a: { b: "q" } },
    open: 2,
  });
});

test("the database file alone does not show a secret", async () => {
  const { typeId, schemaId } = await makeType("safe", { secret_fields: ["token"] });
  const data = { token: "needle-in-the-file" };
  await call("POST", "/block_documents/", { name: "one", block_type_id: typeId, block_schema_id: schemaId, data });
  for (const suffix of ["", "-wal"])
    expect(readFileSync(join(folder, `sluice.db${suffix}`)).includes("needle-in-the-file")).toBe(false);
});

test("a value that was sealed for another place, or with another key, is not opened", () => {
  const box = new SecretBox(Buffer.alloc(32, 1));
  const sealed = box.seal({ a: 1 }, "here");
  expect(box.open(sealed, "here")).toEqual({ a: 1 });
  expect(() => box.open(sealed, "there")).toThrow(/cannot be decrypted/);
  expect(() => new SecretBox(Buffer.alloc(32, 2)).open(sealed, "here")).toThrow(/cannot be decrypted/);
  expect(() => SecretBox.open(join(folder, "x.db"), { SLUICE_ENCRYPTION_KEY: "short" })).toThrow(/32 bytes in base64/);
});

test("a reference shows the other document's data, and goes when that goes", async () => {
  const { typeId, schemaId } = await makeType("child", { secret_fields: ["k"] });
  const kind = { block_type_id: typeId, block_schema_id: schemaId };
  const child = await call("POST", "/block_documents/", { name: "child", ...kind, data: { k: "v" } });
  const reference = { $ref: { block_document_id: child.json.id } };
  const parent = await call("POST", "/block_documents/", { name: "parent", ...kind, data: { c: reference } });
  expect(parent.json["data"]).toEqual({ c: { k: "********" } });
  const loop = await call("PATCH", `/block_documents/${child.json.id}`, {
    data: { p: { $ref: { block_document_id: parent.json.id } } },
  });
  expect(loop.status).toBe(400);
  await call("DELETE", `/block_documents/${child.json.id}`);
  expect((await call("GET", `/block_documents/${parent.json.id}`)).json["data"]).toEqual({});
});

test("a server has its own block types, which nobody can delete", async () => {
  const secret = await call("GET", "/block_types/slug/secret");
  expect(secret.json["is_protected"]).toBe(true);
  expect((await call("DELETE", `/block_types/${secret.json.id}`)).status).toBe(403);
  expect((await call("POST", "/block_types/", { name: "Prefect mine", slug: "mine" })).status).toBe(403);
});

test("hiding and keeping reach every depth", () => {
  expect(hideSecrets({ a: { b: 1, c: null }, d: [1] }, ["a.b", "a.c", "d", "x.y"])).toEqual({
    a: { b: "********", c: null },
    d: "********",
  });
  expect(keepHidden({ a: { b: "********" }, c: "********" }, { a: { b: 7 } }, ["a.*"])).toEqual({
    a: { b: 7 },
    c: "********",
  });
});

test("results are kept in a block that can be written to", async () => {
  const { typeId, schemaId } = await makeType("plain");
  const kind = { block_type_id: typeId, block_schema_id: schemaId };
  const plain = await call("POST", "/block_documents/", { name: "plain", ...kind });
  expect((await call("PUT", "/admin/storage", { default_result_storage_block_id: plain.json.id })).status).toBe(422);
  const files = await call("GET", "/block_types/slug/local-file-system");
  // A list of one schema, as asked.
  const [schema] = (
    await call("POST", "/block_schemas/filter", {
      block_schemas: { block_type_id: { any_: [files.json.id] } },
    })
  ).json as unknown as { id: string }[];
  const storage = await call("POST", "/block_documents/", {
    name: "files",
    block_type_id: files.json.id,
    block_schema_id: schema?.id,
  });
  const setting = { default_result_storage_block_id: storage.json.id };
  expect((await call("PUT", "/admin/storage", setting)).json).toEqual(setting);
  await call("DELETE", `/block_documents/${storage.json.id}`);
  expect((await call("GET", "/admin/storage")).json).toEqual({ default_result_storage_block_id: null });
});
