import { SluiceError } from "../wire/errors.ts";
import type { ApiResponse, Transport } from "./transport.ts";

/** A server of ours, which takes coalesced run records, or one of Prefect's, to which each transition is told by its own calls. */
export type ServerKind = "sluice" | "prefect";

const ABSENT: ReadonlySet<number> = new Set([404, 405]);
/** The contract that we speak is that of Prefect 3. */
const MAJOR = "3";

/**
 * Asks a server which kind it is.
 *
 * @throws SluiceError `SLUICE_API_REFUSED` when it refuses the credentials, or speaks another major version of Prefect's contract;
 *   `SLUICE_API_UNREACHABLE` when it does not answer, or with a fault of its own
 */
export async function askServerKind(transport: Pick<Transport, "send">): Promise<ServerKind> {
  const own = await transport.send({ method: "GET", path: "/api/sluice/protocol" });
  if (own.status === 200) return "sluice";
  if (!ABSENT.has(own.status)) throw unexpected("/api/sluice/protocol", own);
  const version = await transport.send({ method: "GET", path: "/api/admin/version" });
  // Prefect Cloud has no such route and speaks the newest version; anything else that has not is no API at all.
  if (ABSENT.has(version.status)) {
    const flows = await transport.send({ method: "POST", path: "/api/flows/filter", body: '{"limit":1}' });
    if (flows.status === 200) return "prefect";
    throw new SluiceError(
      "SLUICE_API_REFUSED",
      `Expected the API of a Prefect or Sluice server, got ${flows.status} to POST /api/flows/filter. Check SLUICE_API_URL; it ends with /api.`,
    );
  }
  if (version.status !== 200) throw unexpected("/api/admin/version", version);
  const text = version.body.replaceAll('"', "");
  if (text.split(".", 1)[0] === MAJOR) return "prefect";
  throw new SluiceError(
    "SLUICE_API_REFUSED",
    `Expected a server of Prefect ${MAJOR} or of Sluice, got version ${JSON.stringify(text.slice(0, 50))}. Check SLUICE_API_URL.`,
  );
}

function unexpected(path: string, { status, body }: ApiResponse): SluiceError {
  const text = body.slice(0, 200);
  if (status === 401 || status === 403) {
    return new SluiceError(
      "SLUICE_API_REFUSED",
      `The server refuses the credentials (${status}: ${text}). Check SLUICE_API_KEY or SLUICE_API_AUTH_STRING.`,
    );
  }
  return new SluiceError("SLUICE_API_UNREACHABLE", `The server answered ${status} to GET ${path}: ${text}`);
}
