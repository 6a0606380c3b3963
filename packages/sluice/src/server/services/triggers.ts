import type { ActionResult } from "../automations/do-action.ts";
import type { TriggeredAction } from "../automations/trigger-engine.ts";
import { AUTOMATIONS_PLACE } from "../db/layout/automations.ts";
import { newId } from "../db/new-id.ts";
import type { ServerCore } from "../server-core.ts";
import type { Service } from "./service.ts";

/** Actions that are done at a time. */
const PORTION = 10;

/*
 * What automations are made of is large, and most servers have none: it is loaded when there is an automation, or once was one, and what does their actions
 * when there is an action to do.
 */

/** Lets automations hear events and looks at what should have happened by now. */
export const triggers: Service = {
  name: "TRIGGERS",
  isEnabled: ({ settings }) => settings.triggersEnabled,
  loopSeconds: ({ settings }) => settings.triggersProactiveSeconds,
  run: async (core) => {
    await hearAll(core);
    if (hasAutomations(core)) {
      const { passAutomationTime } = await import("../automations/trigger-engine.ts");
      await passAutomationTime(core);
    }
    await doActions(core);
  },
  start: (core) => {
    const stopping = new AbortController();
    let isRunning = false;
    let isAsked = false;
    const round = async (): Promise<void> => {
      isRunning = true;
      while (isAsked && !stopping.signal.aborted) {
        isAsked = false;
        await hearAll(core);
        await doActions(core);
      }
      isRunning = false;
    };
    const forget = core.events.listen(() => {
      isAsked = true;
      if (isRunning || stopping.signal.aborted) return;
      round().catch((error: unknown) => {
        isRunning = false;
        core.onError(error);
      });
    });
    return () => {
      stopping.abort();
      forget();
    };
  },
};

function hasAutomations({ store }: ServerCore): boolean {
  const sql = `SELECT EXISTS (SELECT 1 FROM automation) OR EXISTS (SELECT 1 FROM setting WHERE key = '${AUTOMATIONS_PLACE}') AS yes`;
  return store.statement(sql).get()?.["yes"] === 1;
}

async function hearAll(core: ServerCore): Promise<void> {
  if (!hasAutomations(core)) return;
  const { hearEvents } = await import("../automations/trigger-engine.ts");
  while (await hearEvents(core));
}

const rounds = new WeakMap<ServerCore, Promise<void>>();

/** Does what is asked for, one round after the other. */
function doActions(core: ServerCore): Promise<void> {
  const before = rounds.get(core) ?? Promise.resolve();
  const round = before.catch(() => undefined).then(() => doAll(core));
  rounds.set(core, round);
  return round;
}

async function doAll(core: ServerCore): Promise<void> {
  for (;;) {
    const rows = core.store.query(`SELECT no, body FROM automation_action ORDER BY no LIMIT ${PORTION}`, []);
    if (rows.length === 0) return;
    // An action that a killed server may have done is done again: runs of deployments have a key that makes that harmless.
    await Promise.all(
      // Only the engine of triggers writes this table.
      rows.map(({ no, body }) => doOne(core, Number(no), JSON.parse(String(body)) as TriggeredAction)),
    );
  }
}

async function doOne(core: ServerCore, no: number, triggered: TriggeredAction): Promise<void> {
  const { doAction, ActionFailed } = await import("../automations/do-action.ts");
  let outcome: { readonly result: ActionResult; readonly reason: string | null };
  try {
    outcome = { result: await doAction(core, triggered), reason: null };
  } catch (error) {
    if (error instanceof ActionFailed) outcome = { result: error.result, reason: error.message };
    else {
      core.onError(error);
      const reason = error instanceof Error ? error.message : String(error);
      outcome = { result: { related: [], details: {} }, reason };
    }
  }
  await core.store.write(() => {
    core.store.statement("DELETE FROM automation_action WHERE no = ?").run(no);
    tell(core, triggered, outcome);
  });
}

/** Tells that an action was asked for, and what came of it. */
function tell(
  { events, store }: ServerCore,
  triggered: TriggeredAction,
  { result, reason }: { readonly result: ActionResult; readonly reason: string | null },
): void {
  const { automation, action, index, event } = triggered;
  const id = newId(store.nowUs());
  const resource = {
    "prefect.resource.id": `prefect.automation.${automation.id}`,
    "prefect.resource.name": automation.name,
    "prefect.trigger-type": automation.triggerType,
    ...(automation.posture === null ? {} : { "prefect.posture": automation.posture }),
  };
  const related = [
    ...result.related,
    {
      "prefect.resource.id": `prefect.event.${triggered.triggeredEventId}`,
      "prefect.resource.role": "automation-triggered-event",
    },
    ...(event
      ? [{ "prefect.resource.id": `prefect.event.${event.id}`, "prefect.resource.role": "triggering-event" }]
      : []),
  ];
  const details = { action_index: index, action_type: action.type, invocation: triggered.id };
  events.append({
    id,
    occurredUs: triggered.triggeredUs,
    event: "prefect.automation.action.triggered",
    resource,
    related,
    payload: details,
    follows: event?.id ?? null,
  });
  events.append({
    event: `prefect.automation.action.${reason === null ? "executed" : "failed"}`,
    resource,
    related,
    payload: { ...details, ...(reason === null ? {} : { reason }), ...result.details },
    follows: id,
  });
}
