import { isMainThread, parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { FarMessage, FarSideStart, NearMessage } from "../messages.ts";
import type { RunnerDescription } from "../../wire/run-spec.ts";
import type { ThreadData } from "../pool/thread-executor.ts";

/** The cluster that a far side is on: what nested runs of its runner are carried to. */
export interface ClusterStart {
  readonly description: RunnerDescription;
  /** For the runner's own module, which knows its kind. */
  readonly connection: Readonly<Record<string, unknown>>;
  /** To the driver in the worker that this process runs under, where the cluster has one for it. */
  readonly line: {
    send(message: object, parts?: readonly Uint8Array[]): void;
    onEvent(listener: ClusterListener): void;
  };
}

/** Takes an event of that driver, and the bytes that come with it. */
export type ClusterListener = (event: { readonly event: string }, content: Buffer) => void;

/** A far side's end of the line to its near side, whichever kind of worker it is in. */
export interface FarChannel {
  readonly start: FarSideStart;
  /** To the root's home thread; null in a process. */
  readonly homePort: MessagePort | null;
  /** Null where the near side is a pool of this machine, which then also grants the slots. */
  readonly cluster: ClusterStart | null;
  /** Throws what the serializer throws when a value cannot be cloned. */
  post(message: FarMessage): void;
  onMessage(listener: (message: NearMessage) => void): void;
  /** Sends what was posted and ends this thread or process with `code`. */
  exit(code: number): void;
}

/** The first message to a process, before all others: what a thread finds in its `workerData`. */
export interface StartMessage {
  readonly role: "start";
  readonly start: FarSideStart;
}

/** Opens the line; resolves when the far side knows how it was started. */
export async function openChannel(): Promise<FarChannel> {
  const bridge = process.env["SLUICE_BRIDGE"];
  if (bridge !== undefined && isMainThread) {
    // A process that the user's code starts is no far side of the bridge.
    delete process.env["SLUICE_BRIDGE"];
    const { openBridgeChannel } = await import("./bridge-channel.ts");
    return openBridgeChannel(bridge);
  }
  return parentPort !== null && !isMainThread ? threadChannel(parentPort) : processChannel();
}

function threadChannel(port: MessagePort): FarChannel {
  // startThread makes the data of every thread that runs this entry.
  const { sluice } = workerData as ThreadData;
  return {
    start: sluice.start,
    homePort: sluice.homePort,
    cluster: null,
    post: (message) => port.postMessage(message),
    onMessage: (listener) => port.on("message", listener),
    // What was posted is in the near side's queue already.
    exit: (code) => process.exit(code),
  };
}

async function processChannel(): Promise<FarChannel> {
  const started = Promise.withResolvers<FarSideStart>();
  const early: NearMessage[] = [];
  let receive = (message: NearMessage): void => void early.push(message);
  // One listener from the beginning: runs may follow the start at once. Only startProcess writes to this channel.
  process.on("message", (message: StartMessage | NearMessage) => {
    if (message.role === "start") started.resolve(message.start);
    else receive(message);
  });
  const start = await started.promise;
  let unsent = 0;
  let onSent: (() => void) | undefined;
  return {
    start,
    homePort: null,
    cluster: null,
    post: (message) => {
      // Once the near side is gone, "disconnect" ends this process.
      if (!process.connected) return;
      process.send?.(message, undefined, undefined, () => {
        unsent -= 1;
        if (unsent === 0) onSent?.();
      });
      // After the call: one that throws sends nothing, and calls back never.
      unsent += 1;
    },
    onMessage: (listener) => {
      receive = listener;
      for (const message of early.splice(0)) listener(message);
    },
    exit: (code) => {
      onSent = () => process.exit(code);
      if (unsent === 0) onSent();
    },
  };
}
