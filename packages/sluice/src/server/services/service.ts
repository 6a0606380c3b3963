import type { ServerCore } from "../server-core.ts";

/** A duty that is done again and again: a file a duty in this folder. */
export interface Service {
  /** In Prefect's words, as `SCHEDULER`. */
  readonly name: string;
  /** Whether it runs, by the settings. */
  isEnabled(core: ServerCore): boolean;
  /** Seconds between the end of a round and the next. */
  loopSeconds(core: ServerCore): number;
  /** One round. Rejects when it failed; the next round comes all the same. */
  run(core: ServerCore): Promise<unknown>;
  /** Called once, before the first round; what it returns is called when the server closes. For services that hear of things rather than look for them. */
  start?(core: ServerCore): () => void;
}
