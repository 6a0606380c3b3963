/**
 * Asks for one slot of each concurrency limit `tag:<tag>` for a task run that is about to start: `POST /api/sluice/tag-slots`.
 *
 * 200 when the run has them (or there are no such limits), 423 when it is to ask again: the request is held for some seconds. The slots are kept, and
 * their lease renewed, until the run's final state is reported.
 */
export interface TagSlotsRequest {
  readonly task_run_id: string;
  readonly tags: readonly string[];
}
