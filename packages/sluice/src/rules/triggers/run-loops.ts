/** Which automations would start runs without end: each run that they start is a reason for the next one. Pure. */
import type { ResourceMatch } from "./event-match.ts";

/** What an automation waits for, as far as loops go. */
export interface LoopingTrigger {
  readonly type?: string | undefined;
  readonly posture?: string | undefined;
  readonly expect?: readonly string[] | undefined;
  readonly match?: ResourceMatch | undefined;
  readonly match_related?: ResourceMatch | readonly ResourceMatch[] | undefined;
}

/** What an automation does, as far as loops go. */
export interface LoopingAction {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
}

/** Every run of a deployment goes through these. */
const STATES_OF_EVERY_RUN: ReadonlySet<string> = new Set([
  "prefect.flow-run.Scheduled",
  "prefect.flow-run.Pending",
  "prefect.flow-run.Running",
  "prefect.flow-run.*",
]);

/** Says why an automation that is switched on may not run deployments on what it waits for; undefined when it may. */
export function loopReason(trigger: LoopingTrigger, actions: readonly LoopingAction[]): string | undefined {
  if (trigger.posture !== "Reactive") return undefined;
  if (!(trigger.expect ?? []).some((event) => STATES_OF_EVERY_RUN.has(event))) return undefined;
  const sources = new Set(actions.filter(({ type }) => type === "run-deployment").map(({ source }) => source));
  if (sources.has("inferred"))
    return "Running an inferred deployment from a flow run state change event will lead to an infinite loop of flow runs. Name the deployment, and give match or match_related more labels.";
  if (sources.has("selected") && isOfEveryRun(trigger.match) && relatedOf(trigger).some(isOfEveryRun))
    return "Running a selected deployment from a flow run state change event may lead to an infinite loop of flow runs. Give match or match_related labels that the runs of this deployment do not have.";
  return undefined;
}

function relatedOf({ match_related: related }: LoopingTrigger): readonly (ResourceMatch | undefined)[] {
  // A list is told by being one: a match is an object.
  return Array.isArray(related) ? (related as readonly ResourceMatch[]) : [related as ResourceMatch | undefined];
}

function isOfEveryRun(match: ResourceMatch = {}): boolean {
  const labels = Object.keys(match);
  if (labels.length === 0) return true;
  const ids = match["prefect.resource.id"];
  return labels.length === 1 && ids !== undefined && [ids].flat().includes("prefect.flow-run.*");
}
