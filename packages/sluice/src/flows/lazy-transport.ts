import type { ApiRequest, ApiResponse, Transport } from "../client/transport.ts";

/** A transport that can be handed out before it is there: requests wait until it is. */
export class LazyTransport implements Transport {
  private readonly opening: Promise<Transport>;

  constructor(opening: Promise<Transport>) {
    this.opening = opening;
    // Whoever sends hears of a failure to open; nobody else needs to.
    this.opening.catch(() => undefined);
  }

  async send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    const transport = await this.opening;
    return transport.send(request, signal);
  }

  async close(): Promise<void> {
    const transport = await this.opening;
    await transport.close();
  }
}
