import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { ConnectionWatch, MAX_WAITING } from "./connection-watch.ts";

test("of the connections of one address that wait, those that have waited longest are cut", async () => {
  const watch = new ConnectionWatch();
  watch.stop();
  const http = createServer().on("connection", (socket) => watch.add(socket));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const clients = [];
  for (let count = 0; count < MAX_WAITING + 20; count++) {
    const client = connect(port, "127.0.0.1");
    client.on("error", () => undefined);
    clients.push(client);
    await Promise.all([once(client, "connect"), once(http, "connection")]);
  }
  watch.sweep();
  expect(clients.filter((client) => client.destroyed || client.readableEnded)).toHaveLength(0);
  const now = performance.now();
  const clock = vi.spyOn(performance, "now").mockReturnValue(now + 2000);
  const cut = Promise.all(clients.slice(0, 20).map((client) => once(client.resume(), "close")));
  watch.sweep();
  clock.mockRestore();
  await cut;
  expect(clients.filter((client) => client.destroyed)).toHaveLength(20);
  for (const client of clients) client.destroy();
  http.close();
});
