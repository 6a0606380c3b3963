import { Refusal, type ApiCall, type ApiReply } from "./api-reply.ts";
import type { ServerCore } from "./server-core.ts";

/** All routes of the server. */
export interface App {
  handle(call: ApiCall): Promise<ApiReply>;
  close(): Promise<void>;
}

/** Makes the app over an open core. */
export function createApp(_core: ServerCore): App {
  return {
    handle: (call) => Promise.reject(new Refusal(404, `Not Found: ${call.path}`)),
    close: () => Promise.resolve(),
  };
}
