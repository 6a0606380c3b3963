import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal } from "../api-reply.ts";

/** How long a client has to take an answer before its connection is cut. */
const LINGER_MS = 500;

/** Writes a refusal to a connection that has no response object, being no proper request or one for a websocket, and closes it. */
export function refuseConnection(socket: Duplex, { status, message, headers = {} }: Refusal): void {
  const body = JSON.stringify({ detail: message });
  const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${own.join("")}\r\n${body}`,
  );
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
