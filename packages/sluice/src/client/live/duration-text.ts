const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/**
 * Writes a duration for people: `7ms`, `0.34s`, `12.3s`, `2m 05s`, `1h 02m`, `3d 04h`.
 *
 * @param ms milliseconds; negative (clocks of two hosts) counts as 0
 */
export function durationText(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 100) return `${Math.round(span)}ms`;
  if (span < 995) return `${(span / SECOND_MS).toFixed(2)}s`;
  if (span < MINUTE_MS - 50) return `${(span / SECOND_MS).toFixed(1)}s`;
  const seconds = Math.round(span / SECOND_MS);
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  if (hours < 1) return `${minutes}m ${two(seconds % 60)}s`;
  return days < 1 ? `${hours}h ${two(minutes % 60)}m` : `${days}d ${two(hours % 24)}h`;
}

/** Writes a whole number with thousands separated: `12,345`. */
export function countText(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Writes a rate: `340/s`, `4.2/s`, `12/min`. */
export function rateText(perSecond: number): string {
  if (perSecond >= 10) return `${countText(Math.round(perSecond))}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  return `${(perSecond * 60).toFixed(perSecond * 60 >= 10 ? 0 : 1)}/min`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
