import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { HttpTransport } from "./http-transport.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A real server on a free port, or on the address of one that is gone. */
async function serve(answer: RequestListener, listen: object = { port: 0, host: "127.0.0.1" }): Promise<Server> {
  const server = createServer(answer).listen(listen);
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

// A TCP server that listens has an address of this shape.
const portOf = (server: Server) => (server.address() as AddressInfo).port;

function connect(url: string, options = {}): HttpTransport {
  const transport = new HttpTransport({ url, apiKey: "key" }, { retryForMs: 5_000, ...options });
  closing.push(() => transport.close());
  return transport;
}

describe("HttpTransport", () => {
  test("sends body, version and key, and returns status and body", async () => {
    const server = await serve((request, response) => {
      const { method, url, headers } = request;
      response.writeHead(201);
      request
        .setEncoding("utf8")
        .on("data", (body: string) => response.end(JSON.stringify({ method, url, headers, body })));
    });
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}/api`);
    const { status, body } = await transport.send({ method: "POST", path: "/api/flows/", body: '{"name":"ü"}' });
    expect(status).toBe(201);
    expect(JSON.parse(body)).toMatchObject({
      method: "POST",
      url: "/api/flows/",
      body: '{"name":"ü"}',
      headers: { authorization: "Bearer key", "x-prefect-api-version": "0.8.4", "content-type": "application/json" },
    });
  });

  test("passes on whose request it is, and the headers that belong to the answer", async () => {
    const server = await serve((request, response) => {
      response.writeHead(423, { "content-type": "text/csv", "x-nothing": "", "retry-after": "7" });
      response.end(request.headers["user-agent"]);
    });
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}/api`);
    const answer = await transport.send({ method: "GET", path: "/api/x", userAgent: "prefect/3.1" });
    expect(answer).toEqual({
      status: 423,
      body: "prefect/3.1",
      headers: { "content-type": "text/csv", "x-nothing": "", "retry-after": "7" },
    });
  });

  test("puts the path of the address in the place of /api", async () => {
    const server = await serve((request, response) => response.end(request.url));
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}/api/accounts/a`);
    expect((await transport.send({ method: "GET", path: "/api/health" })).body).toBe("/api/accounts/a/health");
  });

  test("uses one connection for one request after the other", async () => {
    const ports = new Set<number | undefined>();
    const server = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}`);
    for (let i = 0; i < 5; i++) await transport.send({ method: "GET", path: "/api/health" });
    expect(ports.size).toBe(1);
  });

  test.each([408, 429, 502, 503])("tries again after %i as Retry-After says", async (status) => {
    let calls = 0;
    const server = await serve((_, response) => {
      calls++;
      if (calls === 1) response.writeHead(status, { "retry-after": "0" }).end();
      else response.end("ok");
    });
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}`);
    expect(await transport.send({ method: "GET", path: "/api/x" })).toEqual({ status: 200, body: "ok" });
  });

  test("returns the refusal when Retry-After lies beyond its deadline", async () => {
    const server = await serve((_, response) => response.writeHead(429, { "retry-after": "3600" }).end("slow down"));
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}`);
    expect(await transport.send({ method: "GET", path: "/api/x" })).toEqual({
      status: 429,
      body: "slow down",
      headers: { "retry-after": "3600" },
    });
  });

  test("tries as often as it is told to, also past the time for which it tries", async () => {
    let asked = 0;
    const server = await serve((_, response) =>
      response.writeHead(++asked < 3 ? 503 : 200, { "retry-after": "0" }).end(),
    );
    const address = { url: `http://127.0.0.1:${String(portOf(server))}` };
    const status = async (attempts: number) => {
      asked = 0;
      const transport = new HttpTransport(address, { retryForMs: 0, attempts });
      const answer = await transport.send({ method: "GET", path: "/api/x" });
      await transport.close();
      return answer.status;
    };
    expect([await status(2), await status(3)]).toEqual([503, 200]);
  });

  test("sends again when the connection breaks before or in the middle of the answer", async () => {
    let calls = 0;
    const server = await serve((request, response) => {
      calls++;
      if (calls === 1) request.socket.destroy();
      else if (calls === 2) {
        response.writeHead(200, { "content-length": "100" }).write("half", () => request.socket.destroy());
      } else response.end("whole");
    });
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}`);
    expect((await transport.send({ method: "POST", path: "/api/x", body: "{}" })).body).toBe("whole");
  });

  test("waits for a socket that is not there yet", async () => {
    const directory = mkdtempSync(join(tmpdir(), "sluice-http-"));
    closing.push(() => rmSync(directory, { recursive: true }));
    const socketPath = join(directory, "s.sock");
    const transport = new HttpTransport({ socketPath });
    closing.push(() => transport.close());
    const answer = transport.send({ method: "GET", path: "/api/health" });
    await serve((_, response) => response.end("true"), { path: socketPath });
    expect((await answer).body).toBe("true");
  });

  test("names address and reason when nobody answers in time", async () => {
    const server = await serve(() => {});
    const port = portOf(server);
    server.close();
    const transport = connect(`http://127.0.0.1:${String(port)}`, { retryForMs: 0 });
    await expect(transport.send({ method: "GET", path: "/api/health" })).rejects.toMatchObject({
      code: "SLUICE_API_UNREACHABLE",
      message: expect.stringMatching(/GET \/api\/health: http:\/\/127.0.0.1:\d+ does not answer \(.*ECONNREFUSED/),
    });
  });

  test("gives up on an answer that does not come within its time", async () => {
    const server = await serve(() => {});
    const transport = connect(`http://127.0.0.1:${String(portOf(server))}`, { retryForMs: 0 });
    await expect(transport.send({ method: "GET", path: "/api/x", timeoutMs: 30 })).rejects.toThrow(
      "no answer for 0.03 s",
    );
  });

  test("rejects with the signal's reason, under way and while it waits to try again", async () => {
    const hanging = await serve(() => {});
    const busy = await serve((_, response) => response.writeHead(503, { "retry-after": "2" }).end());
    for (const server of [hanging, busy]) {
      const abort = new AbortController();
      const transport = connect(`http://127.0.0.1:${String(portOf(server))}`);
      const answer = transport.send({ method: "GET", path: "/api/x" }, abort.signal);
      await once(server, "request");
      abort.abort(new Error("enough"));
      await expect(answer).rejects.toThrow("enough");
    }
  });
});
