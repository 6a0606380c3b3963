import { expect, test } from "vitest";
import { renderTemplate } from "./render-template.ts";
import { uiFilters } from "./ui-links.ts";

/* What is expected here is what Prefect 3.8.8's filters give, but for links of resources: it means to give them, and gives None. */

const ID = "0198f2a1-0000-7000-8000-000000000001";
const OTHER = "0198f2a1-0000-7000-8000-000000000002";
const values = {
  automation: { id: OTHER, name: "notify" },
  flow_run: { id: ID, name: "agile-moose" },
  work_pool: { id: OTHER.replace("2", "3"), name: "local" },
  event: {
    id: OTHER.replace("0198", "0199"),
    occurred: "2026-11-27T20:00:00.000000Z",
    resource: { "prefect.resource.id": `prefect.flow-run.${ID}`, "prefect.resource.name": "agile-moose" },
    related: [{ "prefect.resource.id": "my.thing.1", "prefect.resource.role": "thing" }],
  },
  text: `see http://x/runs/flow-run/${ID}?tab=logs`,
};
const render = (template: string, base: string | null = "http://ui.example:4200/"): string =>
  renderTemplate(template, values, uiFilters(base, values));

test.each([
  ["{{ flow_run|ui_url }}", `http://ui.example:4200/runs/flow-run/${ID}`],
  ["{{ work_pool|ui_url }}", "http://ui.example:4200/work-pools/work-pool/local"],
  ["{{ automation|ui_url }}", `http://ui.example:4200/automations/automation/${OTHER}`],
  ["{{ event.resource|ui_url }}", `http://ui.example:4200/runs/flow-run/${ID}`],
  ["{{ event|ui_url }}", `http://ui.example:4200/events/event/2026-11-27/${values.event.id}`],
  ["{{ event.related[0]|ui_url }}", "None"],
  ["{{ flow_run|ui_resource_events_url }}", `http://ui.example:4200/events?resource=prefect.flow-run.${ID}`],
  ["{{ event.resource|ui_resource_events_url }}", `http://ui.example:4200/events?resource=prefect.flow-run.${ID}`],
  ["{{ event.related[0]|ui_resource_events_url }}", "http://ui.example:4200/events?resource=my.thing.1"],
  ["{{ text|flow_run_id }} {{ 'none'|flow_run_id }}", `${ID} None`],
  ["{{ nothing|ui_url }}", "None"],
])("%s is a link", (template, link) => {
  expect(render(template)).toBe(link);
});

test("where nobody knows the address there is no link", () => {
  expect(render("{{ flow_run|ui_url }}", null)).toBe("None");
});
