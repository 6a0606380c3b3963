import { InvalidRequest, reply } from "../api-reply.ts";
import { isObject } from "../check-records.ts";
import { limitedTags } from "../concurrency/tag-slot-queue.ts";
import type { TagLimitsReply, TagSlotsRequest } from "../../wire/tag-slots.ts";
import type { Handlers } from "./handler.ts";

/** What the engine asks for before a task run with tags starts: see `wire/tag-slots.ts`. */
export const tagSlotHandlers: Handlers = {
  "GET /sluice/tag-limits": async (_call, { store }) => {
    const tags = await store.read(() => limitedTags(store));
    return reply(200, { tags } satisfies TagLimitsReply);
  },
  "POST /sluice/tag-slots": async ({ body, signal }, { tagSlots }) => {
    const hasSlots = await tagSlots.take(requestOf(body), signal);
    return reply(hasSlots ? 200 : 423, {});
  },
};

function requestOf(body: unknown): TagSlotsRequest {
  const { task_run_id, tags } = isObject(body) ? body : {};
  if (typeof task_run_id === "string" && Array.isArray(tags) && tags.every((tag) => typeof tag === "string"))
    return { task_run_id, tags };
  const msg = "Expected {task_run_id: the id of a task run, tags: a list of texts}";
  throw new InvalidRequest([{ loc: ["body"], msg, type: "value_error" }]);
}
