/**
 * `WS /api/task_runs/subscriptions/scheduled`: a task worker takes background task runs, one at a time.
 *
 * *subscribing*: the first frame is `{"type": "subscribe", "keys": [task key …], "client_id": …}`, else the socket is closed with 4001. *waiting*: the core is
 * asked for a run of these tasks, again and again. *offered*: the run is sent as its bare JSON, and the answer `{"type": "ack"}` takes it out of the queue;
 * `{"type": "quit"}`, any other frame (4001) and a socket that closes put it back, before all others. A worker may quit while it waits, too.
 */
import type { WebSocket } from "ws";
import { isObject } from "../check-records.ts";
import { answerPings, closeWith, parseFrame, textOf } from "./greeting.ts";
import type { Served } from "./served.ts";

const PROTOCOL_VIOLATION = 4001;
/** Close code of the websocket protocol: come back soon. */
const SERVICE_RESTART = 1012;

/** What the worker subscribes to. */
interface Subscription {
  readonly keys: readonly string[];
  readonly clientId: string;
}

/** Serves one greeted socket until it closes. */
export function serveTaskWorker(served: Served, socket: WebSocket): void {
  answerPings(socket);
  const closing = new AbortController();
  let heard: ((type: unknown) => void) | undefined;
  let subscription: Subscription | undefined;
  socket.on("message", (data) => {
    const message = parseFrame(textOf(data));
    if (subscription) return heard?.(isObject(message) ? message["type"] : undefined);
    const asked = subscriptionOf(message);
    if (typeof asked === "string") return closeWith(socket, PROTOCOL_VIOLATION, `Protocol violation: ${asked}`);
    subscription = asked;
    deliver(asked).catch((error: unknown) => {
      if (closing.signal.aborted) return;
      served.onError(error);
      closeWith(socket, 1011, "The queue does not answer: connect again");
    });
  });
  socket.once("close", () => {
    closing.abort();
    heard?.("gone");
    if (!subscription) return;
    const leave = { client_id: subscription.clientId };
    tell("/api/sluice/task-workers/leave", leave).catch((error: unknown) => served.onError(error));
  });

  /** Resolves to the type of the next frame. */
  const nextFrame = (): Promise<unknown> => new Promise((resolve) => (heard = resolve));

  const deliver = async ({ keys, clientId }: Subscription): Promise<void> => {
    while (!closing.signal.aborted) {
      heard = (type) => type === "quit" && socket.close();
      const offer = await ask(served, { keys, client_id: clientId }, closing.signal);
      if (offer === "closing") return closeWith(socket, SERVICE_RESTART, "The server is going away");
      if (!offer) continue;
      const answer = nextFrame();
      if (!closing.signal.aborted) socket.send(JSON.stringify(offer.taskRun));
      const type = closing.signal.aborted ? "gone" : await answer;
      await tell("/api/sluice/task-queue/settle", { no: offer.no, taken: type === "ack" });
      if (type === "quit") return socket.close();
      if (type !== "ack") return closeWith(socket, PROTOCOL_VIOLATION, "Protocol violation: expected 'ack' message");
    }
  };

  const tell = async (path: string, body: unknown): Promise<void> => {
    const { status, body: answer } = await served.handle({ method: "POST", path, body: JSON.stringify(body) });
    if (status >= 300) throw new Error(`${path} answered ${String(status)}: ${answer}`);
  };
}

/** The subscription of a first frame, or what is wrong with it. */
function subscriptionOf(message: unknown): Subscription | string {
  if (!isObject(message) || message["type"] !== "subscribe") return "expected 'subscribe' message";
  const { keys, client_id: clientId } = message;
  if (!Array.isArray(keys) || keys.length === 0) return "expected 'keys' in subscribe message";
  if (typeof clientId !== "string" || clientId === "") return "expected 'client_id' in subscribe message";
  return { keys: keys.map(String), clientId };
}

/** Asks the core for a run; undefined when there was none for a while, "closing" when it holds nobody any more. */
async function ask(
  served: Served,
  request: { readonly keys: readonly string[]; readonly client_id: string },
  signal: AbortSignal,
): Promise<{ readonly no: number; readonly taskRun: unknown } | "closing" | undefined> {
  const path = "/api/sluice/task-queue/next";
  const { status, body } = await served.handle({ method: "POST", path, body: JSON.stringify(request) }, signal);
  if (status === 204) return undefined;
  if (status === 503) return "closing";
  const answer: unknown = status === 200 ? JSON.parse(body) : undefined;
  if (!isObject(answer)) throw new Error(`${path} answered ${String(status)}: ${body}`);
  return { no: Number(answer["no"]), taskRun: answer["task_run"] };
}
