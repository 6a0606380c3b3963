import { Refusal } from "../api-reply.ts";

const OLDEST_API = [0, 8, 0] as const;

/** Refuses clients that speak an older API than is served. @param version the header `X-PREFECT-API-VERSION` @throws Refusal 400 */
export function checkApiVersion(version: string | readonly string[] | undefined): void {
  if (version === undefined || (typeof version === "string" && isSupported(version))) return;
  throw new Refusal(
    400,
    `Client specified API version ${String(version)}; this server speaks 0.8.0 to 0.8.4. Please update the client.`,
  );
}

function isSupported(version: string): boolean {
  const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(version)?.slice(1).map(Number);
  if (!parts) return false;
  for (const [index, oldest] of OLDEST_API.entries()) {
    const part = parts[index] ?? 0;
    if (part !== oldest) return part > oldest;
  }
  return true;
}
