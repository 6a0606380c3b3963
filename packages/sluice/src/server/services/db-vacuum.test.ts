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
