import { artifactListHandlers } from "./artifacts.ts";
import { eventListHandlers } from "./events.ts";
import { graphHandlers } from "./graph.ts";
import type { ReadHandlers } from "./handler.ts";
import { logHandlers } from "./logs.ts";
import { runListHandlers } from "./run-lists.ts";
import { backfillHandlers } from "./tails.ts";
import { uiHandlers } from "./ui.ts";

/** The operations that look through what there may be very much of: a thread beside the server can answer them as well. */
export const READ_HANDLERS: ReadHandlers = {
  ...artifactListHandlers,
  ...backfillHandlers,
  ...eventListHandlers,
  ...graphHandlers,
  ...logHandlers,
  ...runListHandlers,
  ...uiHandlers,
};
