let cachedSecond = -1;
let cachedText = "";

/**
 * Writes microseconds since the epoch as the contract does: ISO 8601 in UTC with six digits, `2026-01-31T12:00:00.000001Z`.
 *
 * @param micros an integer, from 0 to the year 9999
 */
export function microsToIso(micros: number): string {
  const second = Math.floor(micros / 1_000_000);
  if (second !== cachedSecond) {
    cachedText = new Date(second * 1000).toISOString().slice(0, 20);
    cachedSecond = second;
  }
  return `${cachedText}${String(micros - second * 1_000_000).padStart(6, "0")}Z`;
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?\s*([Zz]|[+-]\d{2}:?\d{2})?$/;

/**
 * Reads an ISO 8601 instant into microseconds since the epoch, keeping six digits; without an offset it is UTC.
 *
 * What is beyond the year 2255 is read as the largest number that is exact.
 *
 * @returns undefined when the text is not such an instant
 */
export function isoToMicros(text: string): number | undefined {
  const parts = INSTANT.exec(text);
  if (!parts) return undefined;
  const [, date, time, fraction = "", zone = "Z"] = parts;
  const offset =
    zone === "z" || zone === "Z" ? "Z" : zone.includes(":") ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const ms = Date.parse(`${date}T${time?.length === 5 ? `${time}:00` : time}${offset}`);
  if (Number.isNaN(ms)) return undefined;
  return Math.min(ms * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6)), Number.MAX_SAFE_INTEGER);
}
