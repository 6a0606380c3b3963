import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ended, sluice } from "./sluice-process.fixture.ts";

let home = "";

// One home for all commands of this file: they are told apart by the names that they use.
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-pools-cli-"));
});
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

const run = (line: string): Promise<Ended> => sluice(line.split(" "), { home });

/** Runs commands one after the other; resolves to what each printed, ids left out. */
async function printed(...lines: string[]): Promise<string[]> {
  const texts = [];
  for (const line of lines) {
    const { stdout, stderr } = await run(line);
    texts.push((stdout + stderr).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>").trimEnd());
  }
  return texts;
}

test("a work pool is made with the template of its kind, changed, and deleted", async () => {
  writeFileSync(
    join(home, "template.json"),
    '{"job_configuration": {"c": "x"}, "variables": {"properties": {}, "type": "object"}}',
  );
  expect(
    await printed(
      "work-pool create etl --concurrency-limit 2 --description nightly",
      "work-pool ls",
      "work-pool pause etl",
      "work-pool clear-concurrency-limit etl",
      "work-pool update etl --base-job-template template.json",
    ),
  ).toEqual([
    "Made the work pool etl of type process (<id>).",
    "NAME  TYPE     STATUS     LIMIT  DESCRIPTION\netl   process  NOT_READY      2  nightly",
    "Paused etl.",
    "Unlimited etl.",
    "Changed etl.",
  ]);
  const shown: unknown = JSON.parse((await run("work-pool inspect etl -o json")).stdout);
  expect(shown).toMatchObject({
    is_paused: true,
    status: "PAUSED",
    concurrency_limit: null,
    base_job_template: { job_configuration: { c: "x" } },
  });
  expect(await printed("work-pool resume etl", "work-pool delete etl", "work-pool ls")).toEqual([
    "Resumed etl.",
    "Deleted etl.",
    "no work pools",
  ]);
});

test("what the server refuses is one line, and exit code 1", async () => {
  expect(await run("work-pool delete nothing")).toEqual({
    code: 1,
    stdout: "",
    stderr: 'error: Work pool "nothing" not found.\n',
  });
  expect(await run("gcl create bad --limit many")).toMatchObject({ code: 2, stdout: "" });
  expect(await run("gcl update some")).toMatchObject({ code: 2 });
});

test("work queues are made, moved and paused, those of no pool in the agents' pool", async () => {
  expect(
    await printed(
      "work-pool create queued",
      "work-queue create urgent -p queued -q 1 -l 3",
      "work-queue create loose",
      "work-queue set-priority default 1 -p queued",
      "work-queue pause urgent -p queued",
      "work-queue ls -p queued",
      "work-queue delete default -p queued",
      "work-queue delete loose",
    ),
  ).toEqual([
    "Made the work pool queued of type process (<id>).",
    "Made the work queue urgent of queued (<id>).",
    "Made the work queue loose of default-agent-pool (<id>).",
    "Moved default.",
    "Paused urgent.",
    [
      "POOL    NAME     PRIORITY  STATUS     LIMIT  LAST POLLED",
      "queued  default         1  NOT_READY",
      "queued  urgent          2  PAUSED         3",
    ].join("\n"),
    "error: Can't delete a pool's default queue.",
    "Deleted loose.",
  ]);
});

test("limits of tags and global ones are made, shown, changed and deleted", async () => {
  expect(
    await printed(
      "concurrency-limit create db 3",
      "concurrency-limit ls",
      "concurrency-limit reset db",
      "global-concurrency-limit create api --limit 5 --slot-decay-per-second 0.0001",
      "gcl disable api",
      "gcl update api --limit 7 --active-slots 2",
      "gcl ls",
      "concurrency-limit delete db",
      "gcl delete api",
    ),
  ).toEqual([
    "Task runs of the tag db: at most 3 at once (<id>).",
    "TAG  ID                                    LIMIT  ACTIVE\ndb   <id>      3       0",
    "Freed the slots of db.",
    "Made the limit api of 5 slots (<id>).",
    "Disabled api.",
    "Changed api.",
    [
      "NAME    ID                                    LIMIT  ACTIVE  DECAY/S  ENABLED",
      "api     <id>      7       2   0.0001  no",
      "tag:db  <id>      3       0        0  yes",
    ].join("\n"),
    "Deleted the limit of db.",
    "Deleted api.",
  ]);
});
