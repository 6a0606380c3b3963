import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { PortTransport, servePort } from "./port-transport.ts";
import type { ApiRequest, ApiResponse } from "./transport.ts";

type Answer = (request: ApiRequest, signal?: AbortSignal) => Promise<ApiResponse>;

function connect(send: Answer) {
  const { port1, port2 } = new MessageChannel();
  const end = servePort(port2, { send });
  return { transport: new PortTransport(port1), end };
}

describe("PortTransport", () => {
  test("gives each request its own answer, in any order", async () => {
    const later = Promise.withResolvers<void>();
    const { transport } = connect(async ({ path, body }) => {
      if (path === "/api/slow") await later.promise;
      return { status: 200, body: `${path} ${body ?? ""}` };
    });
    const slow = transport.send({ method: "POST", path: "/api/slow", body: "1" });
    const fast = await transport.send({ method: "POST", path: "/api/fast", body: "2" });
    later.resolve();
    expect([fast.body, (await slow).body]).toEqual(["/api/fast 2", "/api/slow 1"]);
    await transport.close();
  });

  test("passes on the headers of an answer", async () => {
    const { transport } = connect(() => Promise.resolve({ status: 307, body: "", headers: { location: "/x/" } }));
    const answer = await transport.send({ method: "GET", path: "/x" });
    expect(answer).toEqual({ status: 307, body: "", headers: { location: "/x/" } });
    await transport.close();
  });

  test("passes a failure of the other end on as unreachable", async () => {
    const { transport } = connect(() => Promise.reject(new Error("disk on fire")));
    await expect(transport.send({ method: "GET", path: "/api/x" })).rejects.toMatchObject({
      code: "SLUICE_API_UNREACHABLE",
      message: expect.stringContaining("disk on fire"),
    });
    await transport.close();
  });

  test("aborts the request at the other end and rejects with the reason", async () => {
    const aborted = Promise.withResolvers<void>();
    const { transport } = connect((_, signal) => {
      signal?.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const answer = transport.send({ method: "GET", path: "/api/x" }, abort.signal);
    abort.abort(new Error("enough"));
    await expect(answer).rejects.toThrow("enough");
    await aborted.promise;
    await transport.close();
  });

  test("rejects what is under way when the other end goes", async () => {
    const { transport, end } = connect(() => new Promise(() => {}));
    const answer = transport.send({ method: "GET", path: "/api/x" });
    end();
    await expect(answer).rejects.toMatchObject({ code: "SLUICE_API_UNREACHABLE" });
    await expect(transport.send({ method: "GET", path: "/api/x" })).rejects.toThrow("is closed");
  });

  test("answers what is under way before it closes, and takes nothing new", async () => {
    const go = Promise.withResolvers<void>();
    const { transport } = connect(() => go.promise.then(() => ({ status: 200, body: "done" })));
    const answers = [1, 2].map(() => transport.send({ method: "GET", path: "/api/x" }));
    const closed = transport.close();
    go.resolve();
    await closed;
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(["done", "done"]);
    await expect(transport.send({ method: "GET", path: "/api/x" })).rejects.toThrow("is closed");
  });

  test("keeps its process alive while a request is under way and no longer", async () => {
    const source = `
      import { Worker, MessageChannel } from "node:worker_threads";
      import { PortTransport } from ${JSON.stringify(new URL("./port-transport.ts", import.meta.url).href)};
      const { port1, port2 } = new MessageChannel();
      const code = 'import { workerData as port } from "node:worker_threads"; port.on("message", ({ id }) => setTimeout(() => port.postMessage({ id, status: 200, body: "answered" }), 50));';
      new Worker(code, { eval: true, workerData: port2, transferList: [port2] }).unref();
      const transport = new PortTransport(port1);
      transport.send({ method: "GET", path: "/api/x" }).then(({ body }) => console.log(body));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", source], {
      timeout: 20_000,
    });
    expect(stdout).toBe("answered\n");
  });
});
