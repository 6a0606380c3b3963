const MICROSECONDS_IN_SECOND = 1_000_000;
const INSTANT = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?\s*([Zz]|[+-]\d{2}:?\d{2})?$/;

/**
 * Writes microseconds since the epoch as the wire does: ISO 8601 in UTC with six digits and `Z`.
 *
 * Pure. A `Date` would lose the last three digits, which order transitions.
 */
export function isoFromUs(timestampUs: number): string {
  const seconds = Math.floor(timestampUs / MICROSECONDS_IN_SECOND);
  const fraction = Math.round(timestampUs - seconds * MICROSECONDS_IN_SECOND);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(6, "0")}Z`;
}

/**
 * Reads an ISO 8601 instant, with up to nine digits of fraction (the rest of the microseconds is cut off) and any offset; without one it is UTC.
 *
 * @returns microseconds since the epoch, or undefined when `text` is not an instant between the years 1 and 9999
 */
export function usFromIso(text: string): number | undefined {
  const parts = INSTANT.exec(text);
  if (!parts) return undefined;
  const [, date, time, fraction = "", zone = "Z"] = parts;
  const offset =
    zone === "z" || zone === "Z" ? "Z" : zone.includes(":") ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const ms = Date.parse(`${date}T${time?.length === 5 ? `${time}:00` : time}${offset}`);
  if (Number.isNaN(ms)) return undefined;
  return ms * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
