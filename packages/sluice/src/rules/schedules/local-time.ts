import { Temporal } from "temporal-polyfill";

/** Whether a text names a time zone of the IANA database. */
export function isTimeZone(name: string): boolean {
  // An offset is a time zone for Temporal, but no name.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false; // The library's only way to say no.
  }
}

/** An instant in a time zone. */
export function zonedAt(us: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochNanoseconds(BigInt(us) * 1000n).toZonedDateTimeISO(timeZone);
}

/** Microseconds since the epoch. */
export function microsOf(date: Temporal.ZonedDateTime): number {
  return Number(date.epochNanoseconds / 1000n);
}

/** The wall clock of a time zone at an instant, as if it were that of UTC: milliseconds since the epoch, cut off. */
export function wallClockMs(us: number, timeZone: string): number {
  const local = zonedAt(us, timeZone).toPlainDateTime();
  return Number(local.toZonedDateTime("UTC").epochNanoseconds / 1_000_000n);
}

/** The instant at which the wall clock shows this; the first one where it does so twice, one hour later where it never does. */
export function instantOf(wallClock: number, timeZone: string): number {
  const local = Temporal.Instant.fromEpochMilliseconds(wallClock).toZonedDateTimeISO("UTC").toPlainDateTime();
  return microsOf(local.toZonedDateTime(timeZone, { disambiguation: "earlier" }));
}
