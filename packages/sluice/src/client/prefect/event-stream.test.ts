import { expect, test } from "vitest";
import type { ApiResponse } from "../transport.ts";
import { EventStream } from "./event-stream.ts";
import type { PrefectSocket } from "./prefect-socket.ts";
import type { PrefectEvent } from "./task-run-event.ts";

const event = (id: string): PrefectEvent => ({
  id,
  occurred: "2026-11-27T00:39:19.000000Z",
  event: "e",
  follows: null,
  resource: {},
  related: [],
  payload: {},
});
const idOf = (text: string): string => (JSON.parse(text) as PrefectEvent).id;

/** A server's end: which events each connection brought, and how the next ones behave. */
function open(connections: readonly ("works" | "breaks" | "refuses")[], post: (ids: string[]) => ApiResponse) {
  const streamed: string[][] = [];
  const posted: string[][] = [];
  const troubles: string[] = [];
  const left = [...connections];
  const connect = (): Promise<PrefectSocket> => {
    const kind = left.shift() ?? "works";
    if (kind === "refuses") return Promise.reject(new Error("Unexpected server response: 403"));
    const received: string[] = [];
    streamed.push(received);
    const ended = Promise.withResolvers<string>();
    return Promise.resolve({
      send: (text) => void received.push(idOf(text)),
      checkpoint: () => {
        if (kind === "works") return Promise.resolve();
        ended.resolve("cut");
        return Promise.reject(new Error("cut"));
      },
      onMessage: () => undefined,
      onEnd: (listener) => void ended.promise.then(listener),
      close: () => ended.resolve("closed"),
    });
  };
  const stream = new EventStream({
    connect,
    post: (body) => {
      const ids = (JSON.parse(body) as PrefectEvent[]).map(({ id }) => id);
      posted.push(ids);
      return Promise.resolve(post(ids));
    },
    onTrouble: (message) => troubles.push(message),
  });
  return { stream, streamed, posted, troubles };
}
const taken = (): ApiResponse => ({ status: 204, body: "" });

test("an event is delivered when the server has answered a checkpoint after it, over one connection", async () => {
  const { stream, streamed } = open([], taken);
  await Promise.all([stream.deliver([event("a"), event("b")]), stream.deliver([event("c")])]);
  await stream.deliver([event("d")]);
  expect(streamed).toEqual([["a", "b", "c", "d"]]);
});

test("what was not confirmed is sent again over the next connection, before what is new", async () => {
  const { stream, streamed, troubles } = open(["breaks", "works"], taken);
  await stream.deliver([event("a"), event("b")]);
  await stream.deliver([event("c")]);
  expect([streamed, troubles]).toEqual([
    [
      ["a", "b"],
      ["a", "b", "c"],
    ],
    [],
  ]);
});

test("events are posted where the websocket cannot be opened, and that is told once", async () => {
  const { stream, posted, troubles } = open(["refuses", "refuses", "refuses"], taken);
  await stream.deliver([event("a")]);
  await stream.deliver([event("b")]);
  expect(posted).toEqual([["a"], ["b"]]);
  expect(troubles).toEqual([
    "The server's websocket for events cannot be used (Unexpected server response: 403); events are posted instead.",
  ]);
});

test("one event that the server refuses is told and dropped, and holds up no other", async () => {
  const refusing = (ids: string[]): ApiResponse =>
    ids.includes("bad") ? { status: 422, body: "too large" } : { status: 204, body: "" };
  const { stream, posted, troubles } = open(["breaks", "breaks", "breaks"], refusing);
  await stream.deliver([event("a"), event("bad"), event("b")]);
  expect(posted).toEqual([["a", "bad", "b"], ["a", "bad"], ["a"], ["bad"], ["b"]]);
  expect(troubles[0]).toBe("The server refused event bad, which is lost: too large");
});

test("events stay while the server is away, and go with the next delivery", async () => {
  let status = 503;
  const { stream, posted } = open(["refuses", "refuses", "refuses"], () => ({ status, body: "" }));
  await expect(stream.deliver([event("a")])).rejects.toMatchObject({ code: "SLUICE_API_UNREACHABLE" });
  status = 204;
  await stream.deliver([event("b")]);
  expect(posted.flat()).not.toContain("b");
});
