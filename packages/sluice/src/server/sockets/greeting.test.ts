import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../index.ts";

const AUTH = "ann:secret";
let folder: string;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-greeting-"));
  server = await startServer({ port: 0, home: folder, authString: AUTH });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function connect(options: { path?: string; protocol?: string; authorization?: string } = {}): WebSocket {
  const { path = "/events/in", protocol, authorization } = options;
  const headers = authorization === undefined ? {} : { authorization };
  return new WebSocket(server.apiUrl.replace("http", "ws") + path, protocol === undefined ? [] : [protocol], {
    headers,
  });
}

/** What becomes of a socket after one frame: the answer, or the code and reason of the close. */
async function answerTo(frame: string): Promise<unknown> {
  const socket = connect({ protocol: "prefect" });
  await once(socket, "open");
  const answered = Promise.race([
    once(socket, "message").then(([data]) => JSON.parse(String(data)) as unknown),
    once(socket, "close").then(([code, reason]) => [code, String(reason)]),
  ]);
  socket.send(frame);
  const answer = await answered;
  socket.terminate();
  return answer;
}

test("a ping is answered before the greeting", async () => {
  const socket = connect({ protocol: "prefect" });
  await once(socket, "open");
  socket.ping("x");
  expect(String((await once(socket, "pong"))[0])).toBe("x");
  socket.terminate();
});

test.each([
  [{ type: "auth", token: AUTH }, { type: "auth_success" }],
  [{ type: "auth", token: "ann:wrong" }, [1008, "Invalid token"]],
  [{ type: "auth", token: null }, [1008, "Auth required but no token provided"]],
  [{ type: "auth" }, [1008, "Auth required but no token provided"]],
  [{ type: "filter" }, [1008, "Expected 'auth' message"]],
])("a server with an auth string answers the greeting %j", async (frame, expected) => {
  expect(await answerTo(JSON.stringify(frame))).toEqual(expected);
});

test("a first frame that is no JSON is refused", async () => {
  expect(await answerTo("hello")).toEqual([1008, "Expected 'auth' message"]);
});

test.each([
  ["without the sub-protocol", {}],
  ["of an unknown path", { path: "/no/such", protocol: "prefect" }],
  [
    "with wrong credentials",
    { protocol: "prefect", authorization: `Basic ${Buffer.from("ann:wrong").toString("base64")}` },
  ],
])("a socket %s is refused before it is opened", async (_name, options) => {
  const [error] = (await once(connect(options), "error")) as [Error];
  expect(error.message).toContain("403");
});
