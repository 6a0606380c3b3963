import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ServerCore } from "../server-core.ts";
import { dbVacuum } from "./db-vacuum.ts";

test("events are deleted when they are older than they are kept for, with what finds them by related resources", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-vacuum-"));
  const core = ServerCore.open({
    databaseFile: join(folder, "sluice.db"),
    settings: { dbVacuumEnabled: false, eventsRetentionSeconds: 3600 },
  });
  const now = core.store.nowUs();
  const ages = [...Array.from({ length: 1200 }, () => 3700), 3500, 0];
  await core.store.write(() => {
    for (const age of ages) {
      core.events.append({
        event: "e",
        resource: { "prefect.resource.id": "r" },
        related: [{ "prefect.resource.id": "x", "prefect.resource.role": "owner" }],
        occurredUs: now - age * 1e6,
      });
    }
  });
  await dbVacuum.run(core);
  const left = ["event", "event_related"].map(
    (table) => core.store.query(`SELECT count(*) AS n FROM ${table}`, [])[0]?.["n"],
  );
  expect(left).toEqual([2, 2]);
  await core.close();
  rmSync(folder, { recursive: true });
});

test("events of one run that were written together go together, the first of them deciding", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-vacuum-"));
  const core = ServerCore.open({
    databaseFile: join(folder, "sluice.db"),
    settings: { dbVacuumEnabled: false, eventsRetentionSeconds: 3600 },
  });
  const now = core.store.nowUs();
  const told = (run: string, ages: readonly number[]): void =>
    core.events.appendTransitions({
      resourceId: run,
      name: run,
      related: [{ "prefect.resource.id": "x", "prefect.resource.role": "owner" }],
      before: null,
      events: ages.map((age) => ({
        id: `${run}-${age}`,
        occurredUs: now - age * 1e6,
        event: "e",
        follows: null,
        state: { type: "RUNNING", name: "Running" },
        runCount: 1,
      })),
    });
  await core.store.write(() => {
    told("old", [3700, 3650, 3640]);
    told("long", [3620, 3500, 3490]); // the last two are over a minute later: a group of their own
    told("young", [3590, 3580]);
  });
  await dbVacuum.run(core);
  expect(core.store.query("SELECT id, json_extract(body, '$.id') AS told FROM event_row ORDER BY no", [])).toEqual(
    ["long-3500", "long-3490", "young-3590", "young-3580"].map((id) => ({ id, told: id })),
  );
  expect(core.store.query("SELECT events FROM event_related ORDER BY event_no", [])).toEqual([
    { events: 2 },
    { events: 2 },
  ]);
  await core.close();
  rmSync(folder, { recursive: true });
});

test("numbers of events are not given again, so whoever has read up to one hears of the next", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-vacuum-"));
  const core = ServerCore.open({
    databaseFile: join(folder, "sluice.db"),
    settings: { dbVacuumEnabled: false, eventsRetentionSeconds: 3600 },
  });
  const old = core.store.nowUs() - 3700e6;
  const resource = { "prefect.resource.id": "r" };
  const state = { type: "RUNNING", name: "Running" };
  const transitions = ["a", "b", "c"].map((id) => ({
    id,
    occurredUs: old,
    event: "e",
    follows: null,
    state,
    runCount: 1,
  }));
  await core.store.write(() => {
    for (let count = 0; count < 5; count++) core.events.append({ event: "e", resource, occurredUs: old });
    core.events.appendTransitions({ resourceId: "r", name: "r", related: [], before: null, events: transitions });
  });
  const newest = core.events.newest();
  await dbVacuum.run(core);
  expect(core.store.query("SELECT id FROM event_row ORDER BY no", [])).toEqual([{ id: "a" }, { id: "b" }, { id: "c" }]);
  await core.store.write(() => core.events.append({ event: "e", resource }));
  expect(core.events.newest()).toBeGreaterThan(newest);
  await dbVacuum.run(core);
  expect(core.store.query("SELECT count(*) AS n FROM event", [])).toEqual([{ n: 1 }]);
  await core.close();
  rmSync(folder, { recursive: true });
});
