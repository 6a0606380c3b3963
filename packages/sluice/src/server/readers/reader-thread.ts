/** A thread that answers requests which only read, over a connection of its own. */
import { inspect } from "node:util";
import { parentPort, workerData } from "node:worker_threads";
import { READ_HANDLERS } from "../api/read-handlers.ts";
import { replyToError, type ApiReply } from "../api-reply.ts";
import { Store } from "../db/store.ts";
import type { ReadAnswer, ReaderData, ReadQuestion } from "./reader-messages.ts";

// `Readers` starts this file with exactly this value.
const { databaseFile, settings } = workerData as ReaderData;
let nowUs = 0;
const store = Store.openToRead(databaseFile, () => nowUs);

async function answer({ id, route, call, search, nowUs: now }: ReadQuestion): Promise<ReadAnswer> {
  nowUs = now;
  let fault: string | undefined;
  let reply: ApiReply;
  try {
    const handler = READ_HANDLERS[route];
    if (handler === undefined) throw new Error(`The reader has no handler for ${route}.`);
    reply = await handler({ ...call, query: new URLSearchParams(search) }, { store, settings });
  } catch (error) {
    reply = replyToError(error, (unforeseen) => (fault = inspect(unforeseen)));
  }
  return fault === undefined ? { id, reply } : { id, reply, fault };
}

parentPort?.on("message", (question: ReadQuestion) => {
  void answer(question).then((answered) => parentPort?.postMessage(answered));
});
