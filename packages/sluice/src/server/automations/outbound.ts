/** Calls that users make the server do: bounded in time and size, and never to where a server's own secrets are handed out. */
import { lookup as resolveName, type LookupAddress } from "node:dns";
import http from "node:http";
import https from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** A call to be made. */
export interface OutboundCall {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What came back. */
export interface OutboundAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The first part of the body. */
  readonly body: string;
}

const TIMEOUT_MS = 10_000;
const MAX_BODY = 100_000;

/** Addresses where clouds tell a machine its credentials: never called. */
const METADATA = new BlockList();
METADATA.addSubnet("169.254.0.0", 16);
METADATA.addSubnet("fe80::", 10, "ipv6");
METADATA.addAddress("fd00:ec2::254", "ipv6");

/** Addresses of the server's own machine and network. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  PRIVATE.addSubnet(network, prefix);
}
PRIVATE.addSubnet("::", 127, "ipv6");
PRIVATE.addSubnet("fc00::", 7, "ipv6");

/** Says why an address may not be called; undefined when it may. */
export function refusedAddress(address: string, allowsPrivate: boolean): string | undefined {
  const plain = address.toLowerCase().startsWith("::ffff:") ? address.slice(7) : address;
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  if (METADATA.check(plain, family)) return `${address} is a link-local address, which is never called`;
  if (!allowsPrivate && PRIVATE.check(plain, family))
    return `${address} is a private address, which this block does not allow (allow_private_urls)`;
  return undefined;
}

/**
 * Makes a call. The address that a name leads to is judged when it is connected to, so no later answer of a name server gets around it. Redirects are not
 * followed.
 *
 * @throws Error that says what went wrong, without the address, in which secrets may stand
 */
export function callOut(call: OutboundCall, allowsPrivate: boolean): Promise<OutboundAnswer> {
  const url = new URL(call.url);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return Promise.reject(new Error(`only http and https are called, not ${url.protocol}`));
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  const refusal = isIP(literal) ? refusedAddress(literal, allowsPrivate) : undefined;
  if (refusal !== undefined) return Promise.reject(new Error(refusal));
  const body = call.body ?? "";
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https : http).request(url, {
      method: call.method,
      headers: { ...call.headers, "content-length": Buffer.byteLength(body) },
      lookup: guardedLookup(allowsPrivate),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    request.on("error", (error) =>
      reject(error.name === "AbortError" ? new Error(`no answer within ${TIMEOUT_MS / 1000} s`) : error),
    );
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        if (text.length < MAX_BODY) text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as const);
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(headers),
          body: text.slice(0, MAX_BODY),
        });
      });
    });
    request.end(body);
  });
}

function guardedLookup(allowsPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return callback(error, "", 4);
      const refusals = found.map(({ address }) => refusedAddress(address, allowsPrivate));
      const refusal = refusals.find((one) => one !== undefined);
      const [first] = found;
      if (refusal !== undefined || !first) return callback(new Error(refusal ?? `${hostname} has no address`), "", 4);
      if (options.all) return callback(null, found);
      callback(null, first.address, first.family);
    });
  };
}
