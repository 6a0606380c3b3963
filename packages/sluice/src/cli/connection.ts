import type { Settings } from "../client/settings.ts";
import { loadSettings } from "../client/settings.ts";
import type { Transport } from "../client/transport.ts";
import { ApiCalls } from "./api-calls.ts";

/**
 * Opens the way to the store that the settings name, hands the calls to `use`, and closes it.
 *
 * With `SLUICE_API_URL` requests go straight to that server; otherwise through the home, which some other process may lead.
 */
export async function withApi<T>(use: (api: ApiCalls, settings: Settings) => Promise<T>): Promise<T> {
  const settings = loadSettings();
  const opened = await openTransport(settings);
  try {
    return await use(new ApiCalls(opened.transport), settings);
  } finally {
    await opened.close();
  }
}

interface Opened {
  readonly transport: Transport;
  close(): Promise<void>;
}

async function openTransport(settings: Settings): Promise<Opened> {
  const { apiUrl, apiKey, apiAuthString } = settings;
  if (apiUrl === null) {
    const { openHome } = await import("../home/home.ts");
    return openHome(settings);
  }
  const [{ HttpTransport }, { CsrfTransport }] = await Promise.all([
    import("../client/http-transport.ts"),
    import("../client/csrf-transport.ts"),
  ]);
  const address = {
    url: apiUrl,
    ...(apiKey === null ? {} : { apiKey }),
    ...(apiAuthString === null ? {} : { authString: apiAuthString }),
  };
  // A person waits: a server that is not there is told within seconds, not after the time that a run would wait for it.
  const http = new HttpTransport(address, { retryForMs: Math.min(settings.apiRetrySeconds * 1000, 3000) });
  const transport = new CsrfTransport(http);
  return { transport, close: () => transport.close() };
}
