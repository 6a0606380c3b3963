import { adminHandlers } from "./admin.ts";
import { artifactHandlers } from "./artifacts.ts";
import { automationHandlers } from "./automations.ts";
import { blockDocumentHandlers } from "./block-documents.ts";
import { blockSchemaHandlers } from "./block-schemas.ts";
import { blockTypeHandlers } from "./block-types.ts";
import { collectionHandlers } from "./collections.ts";
import { concurrencyLimitHandlers } from "./concurrency-limits.ts";
import { concurrencyLimitV2Handlers } from "./concurrency-limits-v2.ts";
import { deploymentHandlers } from "./deployments.ts";
import { deploymentRunHandlers } from "./deployment-runs.ts";
import { deploymentScheduleHandlers } from "./deployment-schedules.ts";
import { eventHandlers } from "./events.ts";
import { flowHandlers } from "./flows.ts";
import { flowRunInputHandlers } from "./flow-run-inputs.ts";
import { flowRunHandlers } from "./flow-runs.ts";
import type { Handlers } from "./handler.ts";
import { ownHandlers } from "./own.ts";
import { READ_HANDLERS } from "./read-handlers.ts";
import { runStateHandlers } from "./run-states.ts";
import { savedSearchHandlers } from "./saved-searches.ts";
import { tagSlotHandlers } from "./tag-slots.ts";
import { tailHandlers } from "./tails.ts";
import { taskRunHandlers } from "./task-runs.ts";
import { taskWorkerHandlers } from "./task-workers.ts";
import { uiSchemaHandlers } from "./ui-schemas.ts";
import { variableHandlers } from "./variables.ts";
import { workerChannelHandlers } from "./worker-channels.ts";
import { workPoolHandlers } from "./work-pools.ts";
import { workQueueHandlers } from "./work-queues.ts";

/** Every operation that is answered; each noun adds its own. A route without a handler is no route. */
export const HANDLERS: Handlers = {
  ...adminHandlers,
  ...flowHandlers,
  ...flowRunHandlers,
  ...flowRunInputHandlers,
  ...taskRunHandlers,
  ...taskWorkerHandlers,
  ...artifactHandlers,
  ...automationHandlers,
  ...blockTypeHandlers,
  ...blockSchemaHandlers,
  ...blockDocumentHandlers,
  ...collectionHandlers,
  ...concurrencyLimitHandlers,
  ...concurrencyLimitV2Handlers,
  ...deploymentHandlers,
  ...deploymentRunHandlers,
  ...deploymentScheduleHandlers,
  ...eventHandlers,
  ...tagSlotHandlers,
  ...tailHandlers,
  ...runStateHandlers,
  ...uiSchemaHandlers,
  ...savedSearchHandlers,
  ...variableHandlers,
  ...workPoolHandlers,
  ...workerChannelHandlers,
  ...workQueueHandlers,
  ...READ_HANDLERS,
  ...ownHandlers,
};
