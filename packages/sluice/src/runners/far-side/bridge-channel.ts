import { hash } from "node:crypto";
import { Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deserialize, serialize } from "node:v8";
import {
  BUNDLE_FILE,
  cloneVersion,
  KEPT_FROM_BYTES,
  PART,
  type BridgeSettings,
  type BridgeStart,
  type CarriedOrder,
} from "../cluster/carried-order.ts";
import { frameOf, FrameSplitter } from "../cluster/frames.ts";
import type { FarMessage, NearMessage } from "../messages.ts";
import type { ClusterListener, FarChannel } from "./channel.ts";
import { killOwnGroup, watchParent } from "./parent-watch.ts";

/** What the bridge says, in the headers of its frames (node_bridge.py). */
type BridgeHeader =
  | ({ readonly role: "start" } & BridgeStart)
  | ({ readonly role: "run" } & RunOrder)
  | { readonly role: "cancel"; readonly message: string }
  | { readonly role: "cancel-run"; readonly runId: string }
  | { readonly role: "resumed" }
  /** An event of the cluster's driver (ray_driver.py). */
  | { readonly role: "down"; readonly event: string }
  | { readonly role: "shutdown" };

interface RunOrder {
  readonly parts: readonly number[];
  readonly started_us: number;
  /** Whether the bridge wants to know when the body begins: it bounds its time. */
  readonly tells_start: boolean;
}

/**
 * The line of a far side whose near side is a bridge in Python: the worker of a cluster.
 *
 * One body at a time runs here, so messages carry no number. Values travel in the engine's own clone format, which the bridge does not look into.
 *
 * @param given `descriptor of the line, descriptor that ends with the parent, folder of the code`, separated by commas
 */
export async function openBridgeChannel(given: string): Promise<FarChannel> {
  const [line = "", parent = "", ...folder] = given.split(",");
  const root = folder.join(",");
  watchParent(Number(parent));
  const socket = new Socket({ fd: Number(line), readable: true, writable: true });
  socket.on("error", killOwnGroup);
  socket.on("close", killOwnGroup);
  const frames = new FrameSplitter<BridgeHeader>();
  const started = Promise.withResolvers<BridgeStart>();
  const early: NearMessage[] = [];
  let receive = (message: NearMessage): void => void early.push(message);
  let fromCluster: ClusterListener = () => undefined;
  let body = 0;
  let tellsStart = false;
  socket.on("data", (chunk) => {
    for (const { header, content } of frames.take(chunk)) {
      if (header.role === "start") started.resolve(header);
      else if (header.role === "down") fromCluster(header, content);
      else if (header.role === "run") {
        tellsStart = header.tells_start;
        const message = runMessage(header, content, { body: ++body, root });
        if (message.isJob === true) leaveSignalToBridge();
        receive(message);
      } else receive(nearMessage(header, body));
    }
  });
  const start = await started.promise;
  const settings = JSON.parse(start.settings) as BridgeSettings; // written by the near side
  const write: WriteFrame = (header, parts) => {
    const [first = Buffer.alloc(0), ...others] = frameOf(header, parts);
    if (others.length > 0) socket.cork();
    for (const part of [first, ...others]) socket.write(part);
    if (others.length > 0) socket.uncork();
  };
  refuseOtherClone(settings.clone, (message) => write({ role: "start-failed", message }));
  return {
    start: { ...settings.far, engineUrl: new URL(settings.engine, packageUrl(root, settings.sdk)).href },
    homePort: null,
    cluster: {
      description: settings.cluster.description,
      connection: { ...settings.cluster.connection, ...start },
      line: {
        send: (message, parts) => {
          for (const part of frameOf({ ...message, role: "up" }, parts)) socket.write(part);
        },
        onEvent: (listener) => (fromCluster = listener),
      },
    },
    post: posterOf(write, () => tellsStart),
    onMessage: (listener) => {
      receive = listener;
      for (const message of early.splice(0)) listener(message);
    },
    exit: (code) => {
      // What was written goes out first; the end of the line is no accident then.
      socket.off("close", killOwnGroup);
      socket.end(() => process.exit(code));
    },
  };
}

function valueOf(message: FarMessage & { readonly role: "ended" }, sent: Uint8Array | undefined): Uint8Array {
  if (message.valueSent && sent !== undefined) return sent;
  return serialize(message.end.type === "completed" ? message.end.value : undefined);
}

type WriteFrame = (header: object, parts?: readonly Uint8Array[]) => void;

/** What the far side says, in the frames of the bridge. */
function posterOf(write: WriteFrame, tellsStart: () => boolean): FarChannel["post"] {
  // Serialized when the body has ended, sent with the run's end.
  let value: Uint8Array | undefined;
  let startedUs = 0;
  return (message) => {
    switch (message.role) {
      case "ready":
        return write({ role: "ready" });
      case "started":
        value = undefined;
        startedUs = message.startedUs;
        if (tellsStart()) write({ role: "started" });
        return;
      case "body-ended":
        value = message.result === null ? undefined : serialize(message.result.value);
        return;
      case "ended": {
        const end = { ...message.end, value: undefined, started_us: startedUs };
        if (message.end.type !== "completed") return write({ role: "ended" }, endParts(end));
        const content = valueOf(message, value);
        return write({ role: "ended" }, endParts({ ...end, ...hashOfLarge(content) }, content));
      }
      case "start-failed":
        return write({ role: "start-failed", message: message.error.message });
      case "crashed":
      case "secede":
      case "resume":
        return write(message);
      default:
        throw new Error(`a far side on a cluster asked its bridge for ${message.role}`);
    }
  };
}

/** The end of a run as the bridge gives it on: `u32 length of the header | header (JSON) | value`. */
function endParts(end: object, value?: Uint8Array): readonly Uint8Array[] {
  const text = Buffer.from(JSON.stringify(end));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(text.length);
  const first = Buffer.concat([head, text]);
  return value === undefined ? [first] : [first, value];
}

/** What a value that stays here counts as where it is only referred to. */
function hashOfLarge(content: Uint8Array): { readonly value_hash?: string } {
  return content.length > KEPT_FROM_BYTES ? { value_hash: hash("sha256", content) } : {};
}

/** Values are written by one Node and read by another: both must write the same form. */
function refuseOtherClone(wanted: number, tell: (message: string) => void): void {
  if (wanted === cloneVersion()) return;
  tell(
    `the flow's Node.js writes values in version ${wanted} of V8's clone format, Node.js ${process.version} on this worker in version ${cloneVersion()}; install the same major version on both`,
  );
}

function packageUrl(root: string, sdk: string): URL {
  return pathToFileURL(join(root, "sdk", sdk, "/"));
}

function runMessage(
  order: RunOrder,
  content: Buffer,
  here: { readonly body: number; readonly root: string },
): NearMessage & { readonly role: "run" } {
  const [first = 0, ...others] = order.parts;
  // Written by the near side, of the same version of the package (its files are those of this process).
  const carried = deserialize(content.subarray(0, first)) as CarriedOrder;
  const bundle = bundleUrl(here.root, carried.code);
  const values = partsOf(content.subarray(first), others).map((part) =>
    carried.valuesAre === "bare" ? (deserialize(part) as unknown) : valueOfEnd(part),
  );
  const args = values.length === 0 ? carried.spec.args : carried.spec.args.map((arg) => withParts(arg, values));
  const spec = { ...carried.spec, args, function: { ...carried.spec.function, bundle } };
  return {
    role: "run",
    body: here.body,
    spec,
    graceMs: carried.graceMs,
    timeoutMs: carried.timeoutMs,
    startedUs: order.started_us,
    ...(carried.isJob === true && { isJob: true }),
  };
}

/** Ray stops a job by a signal to each of its processes. The body hears of it from its bridge, and gets its time to end. */
function leaveSignalToBridge(): void {
  if (process.listenerCount("SIGTERM") === 0) process.on("SIGTERM", () => undefined);
}

const bundleUrls = new Map<string, string>();

/** Where a bundle lies; the same text for all runs of it. */
function bundleUrl(root: string, code: string): string {
  const known = bundleUrls.get(code);
  if (known !== undefined) return known;
  const url = pathToFileURL(join(root, "code", code, BUNDLE_FILE)).href;
  bundleUrls.set(code, url);
  return url;
}

function partsOf(content: Buffer, lengths: readonly number[]): readonly Buffer[] {
  let at = 0;
  return lengths.map((length) => content.subarray(at, (at += length)));
}

/** The value of another run, which came as its end: `u32 length of the header | header | value` (node_bridge.py). */
function valueOfEnd(end: Buffer): unknown {
  return deserialize(end.subarray(4 + end.readUInt32LE(0)));
}

/** Puts the values of parts in the places that stand for them: at the top of the arguments, or in lists, two deep. */
function withParts(arg: unknown, values: readonly unknown[], depth = 2): unknown {
  if (typeof arg !== "object" || arg === null) return arg;
  if (Array.isArray(arg)) return depth === 0 ? arg : arg.map((item) => withParts(item, values, depth - 1));
  return PART in arg ? values[Number(arg[PART])] : arg;
}

function nearMessage(
  header: Exclude<BridgeHeader, { readonly role: "start" | "run" | "down" }>,
  body: number,
): NearMessage {
  switch (header.role) {
    case "cancel":
      return { role: "cancel", body, message: header.message };
    case "resumed":
      return { role: "resumed", body };
    default:
      return header;
  }
}
