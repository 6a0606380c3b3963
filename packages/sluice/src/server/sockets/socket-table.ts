import type { WebSocket } from "ws";
import { serveEventsIn } from "./events-in.ts";
import type { Served } from "./served.ts";
import { serveEventsOut, serveLogsOut } from "./stream-out.ts";
import { serveTaskWorker } from "./task-workers.ts";
import { serveWorkerChannel } from "./worker-channel.ts";

/** Largest frame that is taken: Prefect's clients send no event of more than 1.5 MB, and few of more than some kilobytes. */
export const MAX_FRAME_BYTES = 2_097_152;

/** A path that takes websockets. */
export interface SocketRoute {
  /** Of the whole path; what its named groups match are the parameters. */
  readonly path: RegExp;
  /** True refuses clients without the sub-protocol `prefect`. Default false. */
  readonly needsProtocol?: boolean;
  /** Said to clients whose greeting is refused, in place of the usual reasons. */
  readonly refusal?: string;
  /** Serves one greeted socket until it closes: its frames, and its pings (`answerPings`). */
  readonly serve: (served: Served, socket: WebSocket, params: Readonly<Record<string, string>>) => void;
}

/** Every websocket of the server; a file each in this folder. */
const SOCKETS: readonly SocketRoute[] = [
  { path: /^\/api\/events\/in$/, serve: serveEventsIn },
  { path: /^\/api\/events\/out$/, serve: serveEventsOut },
  { path: /^\/api\/logs\/out$/, serve: serveLogsOut },
  { path: /^\/api\/task_runs\/subscriptions\/scheduled$/, serve: serveTaskWorker },
  {
    path: /^\/api\/work_pools\/(?<name>[^/]+)\/workers\/connect$/,
    needsProtocol: true,
    refusal: "authentication_failed",
    serve: serveWorkerChannel,
  },
];

/** Finds the route of a path, with its parameters; undefined when no websocket is there. @param path without the query */
export function findSocket(
  path: string,
): { readonly route: SocketRoute; readonly params: Readonly<Record<string, string>> } | undefined {
  for (const route of SOCKETS) {
    const match = route.path.exec(path);
    if (!match) continue;
    const params = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decode(value)] as const);
    return { route, params: Object.fromEntries(params) };
  }
  return undefined;
}

/** A segment that is no proper percent-encoding names nothing that exists. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
