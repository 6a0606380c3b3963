/**
 * What happens to a request, in this order: is the page that sent it allowed to (origin, host), who sent it (credentials), does it speak a version that
 * is known, may its body be this long. Only then is the body read, and only what is whole and UTF-8 goes on to the routes.
 *
 * Paths are looked at as they were sent: what is compared here with a name is compared byte by byte, never decoded, and never a suffix.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { ApiKeyFile } from "../access/api-key-file.ts";
import { CsrfTokens } from "../access/csrf-tokens.ts";
import { Gatekeeper, Unauthorised } from "../access/gatekeeper.ts";
import { checkOrigin, corsHeaders, originOf, preflightHeaders, type OriginRules } from "../access/origins.ts";
import { InvalidRequest, Refusal, reply, replyToError, type ApiCall, type ApiReply } from "../api-reply.ts";
import { scanJson, type JsonLimits } from "../request/scan-json.ts";
import type { Served } from "../sockets/served.ts";
import { checkApiVersion } from "./api-version.ts";
import { bodyLimits, type BodyLimits } from "./body-limits.ts";
import type { ConnectionWatch } from "./connection-watch.ts";
import { checkBodyHeaders, ClientGone, bodyDiscarded, hasBody, HeldBodies, receiveBody } from "./receive-body.ts";
import { UiFiles, type UiOptions } from "./ui-files.ts";
import { writeAnswer, type FlatHeaders } from "./write-answer.ts";

/** How a server behaves towards those who call it. */
export interface HttpOptions extends UiOptions {
  /** Origins that pages may call from; none by default. */
  readonly corsAllowedOrigins?: readonly string[];
  /** Names by which a server that asks for no credentials is reached, beside addresses and local names; none by default. */
  readonly allowedHosts?: readonly string[];
  /** `user:password` that is asked of every request but health and readiness; null (default) asks for none. */
  readonly authString?: string | null;
  /** File of API keys, which are then asked for as soon as there is one; none (default) takes no keys. */
  readonly apiKeyFile?: string | null;
  /** Seconds that a CSRF token is good, where changes have to bring one; null (default) asks for none. */
  readonly csrfTokenSeconds?: number | null;
  /** Largest body of most routes, in MB of 2^20 bytes; default 1. */
  readonly bodyLimitMb?: number;
}

/** Longest path and query. */
const MAX_URL_CHARACTERS = 8192;
/** Most headers of a request. */
export const MAX_HEADERS = 100;
/** A body from which on it is looked at before it is carried to the core. */
const LARGE_BYTES = 65_536;
/** Paths under which requests may be held until something happens: these hear when their client has gone. */
const HELD = "/api/sluice/";

/** What a server lets requests and websockets in by. */
export interface Access {
  readonly gatekeeper: Gatekeeper;
  readonly origins: OriginRules;
}

/** Makes what the options of a server ask for. @throws SluiceError `SLUICE_OPTION_INVALID` for a file that holds no API keys */
export function accessOf({ authString, apiKeyFile, corsAllowedOrigins = [], allowedHosts = [] }: HttpOptions): Access {
  const keys = typeof apiKeyFile === "string" ? new ApiKeyFile(apiKeyFile) : null;
  const gatekeeper = new Gatekeeper({ authString: authString ?? null, keys });
  const asksForCredentials = (): boolean => gatekeeper.asks();
  return { gatekeeper, origins: { allowedOrigins: corsAllowedOrigins, allowedHosts, asksForCredentials } };
}

/** Makes the listener that answers all requests of a server. */
export function requestListener(
  served: Served,
  { watch, access }: { readonly watch: ConnectionWatch; readonly access: Access },
  options: HttpOptions,
): RequestListener {
  const answerer = new RequestAnswerer({ served, watch, access }, options);
  return (request, response) => void answerer.answer(request, response);
}

interface Surroundings {
  readonly served: Served;
  readonly watch: ConnectionWatch;
  readonly access: Access;
}

class RequestAnswerer {
  readonly #served: Served;
  readonly #watch: ConnectionWatch;
  readonly #gatekeeper: Gatekeeper;
  readonly #csrf: CsrfTokens | undefined;
  readonly #origins: OriginRules;
  readonly #bodyLimits: (path: string) => BodyLimits;
  readonly #ui: UiFiles;
  readonly #held = new HeldBodies();

  constructor({ served, watch, access }: Surroundings, options: HttpOptions) {
    this.#served = served;
    this.#watch = watch;
    this.#gatekeeper = access.gatekeeper;
    this.#origins = access.origins;
    const { csrfTokenSeconds = null } = options;
    this.#csrf = csrfTokenSeconds === null ? undefined : new CsrfTokens(csrfTokenSeconds);
    this.#bodyLimits = bodyLimits(options.bodyLimitMb);
    this.#ui = new UiFiles({
      ...options,
      csrfEnabled: csrfTokenSeconds !== null,
      hasAuth: () => access.gatekeeper.asks(),
    });
  }

  /** Answers one request; never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const turn = this.#watch.turn(socket);
    if (turn) await turn;
    if (response.destroyed) return;
    response.once("close", () => this.#watch.waits(socket));
    const url = request.url ?? "/";
    const search = url.indexOf("?");
    const path = search < 0 ? url : url.slice(0, search);
    const isApi = path.startsWith("/api/") || path === "/api";
    const cors = isApi ? corsHeaders(request.headers, this.#origins) : [];
    try {
      checkForm(request, url);
      if (isApi) await this.#answerApi(request, response, { url, path, cors });
      else await this.#answerPage(request, response, path);
    } catch (error) {
      if (error instanceof ClientGone) return;
      writeRefusal(request, response, { reply: this.#replyTo(error), cors });
    }
  }

  async #answerApi(
    request: IncomingMessage,
    response: ServerResponse,
    { url, path, cors }: { readonly url: string; readonly path: string; readonly cors: FlatHeaders },
  ): Promise<void> {
    const { headers, method = "GET", socket } = request;
    checkOrigin(headers, this.#origins);
    if (method === "OPTIONS" && headers["access-control-request-method"] !== undefined) {
      this.#watch.works(socket);
      return writeAnswer(response, { status: 204, body: "" }, { more: preflightHeaders(headers, this.#origins) });
    }
    const search = url.slice(path.length);
    const address = socket.remoteAddress ?? "";
    this.#gatekeeper.admit({ method, path, search, header: headers.authorization, address });
    checkApiVersion(headers["x-prefect-api-version"]);
    this.#csrf?.check(method, textOf(headers["prefect-csrf-token"]), textOf(headers["prefect-csrf-client"]));
    const call = callOf(request, url, originOf(headers));
    if (method === "GET" || method === "HEAD") {
      this.#watch.works(socket);
      const client = path === "/api/csrf-token" ? new URLSearchParams(search).get("client") : null;
      if (this.#csrf && client !== null)
        return writeAnswer(response, reply(200, this.#csrf.issue(client)), { more: cors });
      return writeAnswer(response, await this.#call(call, response), { more: cors });
    }
    if (!hasBody(request)) {
      this.#watch.works(socket);
      return writeAnswer(response, await this.#call({ ...call, body: "" }, response), { more: cors });
    }
    const limits = this.#bodyLimits(path);
    const kind = checkBodyHeaders(request, limits);
    if (headers.expect !== undefined) response.writeContinue();
    const { text: received, heldBytes } = await receiveBody(request, limits.maxBytes, this.#held);
    const text = kind === "text" ? JSON.stringify(received) : received;
    this.#watch.works(socket);
    try {
      // The core looks at every body; what is large and wrong need not be carried there.
      if (heldBytes > LARGE_BYTES) checkJson(text, limits.json);
      writeAnswer(response, await this.#call({ ...call, body: text }, response), { more: cors });
    } finally {
      this.#held.give(heldBytes);
    }
  }

  #call(call: ApiCall, response: ServerResponse): Promise<ApiReply> {
    if (!call.path.startsWith(HELD)) return this.#served.handle(call);
    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort(new ClientGone("The client has gone."));
    });
    return this.#served.handle(call, gone.signal);
  }

  async #answerPage(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") throw new Refusal(404, "Not Found");
    this.#watch.works(request.socket);
    const page = await this.#ui.answer(path, request.headers);
    if (!page) throw new Refusal(404, "Not Found");
    response.writeHead(200, [...page.headers, "content-length", String(page.bytes.length)]);
    response.end(page.bytes);
  }

  #replyTo(error: unknown): ApiReply {
    if (error instanceof Unauthorised)
      return { ...reply(401, { exception_message: "Unauthorized" }), headers: { "www-authenticate": "Bearer" } };
    return replyToError(error, (unforeseen) => this.#served.onError(unforeseen));
  }
}

function callOf({ method = "GET", headers }: IncomingMessage, url: string, origin: string): ApiCall {
  const userAgent = headers["user-agent"];
  const page = headers["x-prefect-ui"];
  return {
    method: method === "HEAD" ? "GET" : method,
    path: url,
    origin,
    ...(typeof page === "string" && page.toLowerCase() === "true" ? { isPage: true } : {}),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}

/** A header that was sent once. */
function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

/** @throws Refusal for a request that no path of ours can have */
function checkForm(request: IncomingMessage, url: string): void {
  if (request.rawHeaders.length > 2 * MAX_HEADERS)
    throw new Refusal(431, `A request may have ${MAX_HEADERS} headers at most.`);
  if (url.length > MAX_URL_CHARACTERS)
    throw new Refusal(414, `The path and its query may have ${MAX_URL_CHARACTERS} characters at most.`);
  if (!url.startsWith("/")) throw new Refusal(400, "The path of a request must begin with a slash.");
}

/** @throws InvalidRequest */
function checkJson(text: string, limits: JsonLimits): void {
  const scan = scanJson(text, limits);
  if ("fault" in scan) throw new InvalidRequest([scan.fault]);
}

/** Writes an answer to a request whose body may not be read, or not wholly. */
function writeRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  { reply: answer, cors }: { readonly reply: ApiReply; readonly cors: FlatHeaders },
): void {
  if (response.headersSent) return void response.destroy();
  // A client that waits for leave to send its body may send it or not: nobody knows where its next request would begin.
  const isWaiting = request.headers.expect !== undefined;
  writeAnswer(response, answer, {
    more: isWaiting ? [...cors, "connection", "close"] : cors,
    until: isWaiting ? undefined : bodyDiscarded(request),
  });
}
