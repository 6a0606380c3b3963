import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { BoundedSocket, MAX_BUFFERED_BYTES } from "./bounded-socket.ts";

test("a client that does not read is cut before what waits for it fills the memory", async () => {
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const sockets = new WebSocketServer({ server: http, WebSocket: BoundedSocket });
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const [[served]] = (await Promise.all([once(sockets, "connection"), once(client, "open")])) as [[BoundedSocket], []];
  client.pause();
  const frame = "x".repeat(100_000);
  let most = 0;
  const closed = once(served, "close");
  while (served.readyState === served.OPEN) {
    served.send(frame);
    most = Math.max(most, served.bufferedAmount);
    await new Promise(setImmediate);
  }
  await closed;
  expect(most).toBeLessThan(MAX_BUFFERED_BYTES + 2 * frame.length);
  client.terminate();
  http.close();
});
