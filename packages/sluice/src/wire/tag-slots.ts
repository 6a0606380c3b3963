/**
 * Asks for one slot of each concurrency limit `tag:<tag>` for a task run that is about to start: `POST /api/sluice/tag-slots`.
 *
 * 200 when the run has them (or there are no such limits), 423 when it is to ask again: the request is held for some seconds. The slots are kept, and
 * their lease renewed, until the run's final state is reported. On our server the run must have been reported before.
 */
export interface TagSlotsRequest {
  readonly task_run_id: string;
  readonly tags: readonly string[];
}

/** Answer of `GET /api/sluice/tag-limits`: the tags that have a limit now. */
export interface TagLimitsReply {
  readonly tags: readonly string[];
}
