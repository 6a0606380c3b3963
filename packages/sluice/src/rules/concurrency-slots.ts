/**
 * The arithmetic of concurrency limits.
 *
 * A limit with decay is a rate limit: its taken slots come free by themselves, so many a second. One without is held until given back; how long its slots
 * are held on average tells whoever was refused when to ask again.
 *
 * @see Prefect 3 `concurrency_limits_v2.py`: same numbers
 */

/** What is counted of a limit. */
export interface SlotCounts {
  readonly max_slots: number;
  readonly active_slots: number;
  /** Slots that were refused and not yet forgotten. */
  readonly denied_slots: number;
  /** 0 for a limit whose slots are given back. */
  readonly slot_decay_per_second: number;
  readonly avg_slot_occupancy_seconds: number;
}

/** An average takes so many slots of a limit into account, times the limit. */
const SAMPLES_A_SLOT = 2;
/** Averages below this would make everybody ask at once. */
const LEAST_OCCUPANCY_SECONDS = 0.1;
/** A jittered wait is at most this much longer than the average one. */
const JITTER = 0.3;

/** Slots that are taken after some seconds of decay. */
export function activeSlotsAfter(counts: SlotCounts, seconds: number): number {
  return Math.max(0, counts.active_slots - Math.floor(counts.slot_decay_per_second * seconds));
}

/**
 * Refused slots that are remembered after some seconds.
 *
 * @param maxWaitSeconds the longest wait that anybody is told, which bounds how long a refusal is remembered
 */
export function deniedSlotsAfter(counts: SlotCounts, seconds: number, maxWaitSeconds: number): number {
  return Math.max(0, counts.denied_slots - decayedDenials(counts, seconds, maxWaitSeconds));
}

/** How many refused slots are forgotten in some seconds, were there so many. */
export function decayedDenials(counts: SlotCounts, seconds: number, maxWaitSeconds: number): number {
  const occupancy = Math.max(LEAST_OCCUPANCY_SECONDS, Math.min(counts.avg_slot_occupancy_seconds, maxWaitSeconds));
  const rate = counts.slot_decay_per_second > 0 ? counts.slot_decay_per_second : 1 / occupancy;
  return Math.floor(rate * seconds);
}

/** The average occupancy after slots were held for `heldSeconds`: a weighted one, over the last slots of the limit. */
export function occupancyAfter(counts: SlotCounts, slots: number, heldSeconds: number): number {
  const { max_slots: max, avg_slot_occupancy_seconds: average } = counts;
  if (max === 0 || slots === 0) return average;
  const perSlot = Math.max(heldSeconds / slots, LEAST_OCCUPANCY_SECONDS);
  return average + (perSlot - average) / (max * SAMPLES_A_SLOT);
}

/**
 * The average wait until slots of the fullest of some limits are free.
 *
 * @param limits those that were asked of
 * @param maxWaitSeconds the longest wait that anybody is told for a limit without decay
 */
export function averageWaitSeconds<Limit extends SlotCounts>(
  limits: readonly Limit[],
  slots: number,
  maxWaitSeconds: (limit: Limit) => number,
): number {
  let most = -1;
  let wait = 0;
  for (const limit of limits) {
    const isRate = limit.slot_decay_per_second > 0;
    const blocking = isRate ? slots + limit.denied_slots : (slots + limit.denied_slots) / limit.max_slots;
    if (blocking <= most) continue;
    most = blocking;
    const longest = maxWaitSeconds(limit);
    const perSlot = Math.min(limit.avg_slot_occupancy_seconds, longest);
    wait = isRate ? blocking / limit.slot_decay_per_second : Math.min(perSlot * blocking, longest);
  }
  return wait;
}

/**
 * Spreads a wait, so that those who were refused together do not come back together: exponentially around the average, at most 1.3 times as long.
 *
 * @param draw from 0 to 1, evenly drawn
 */
export function jitteredWait(averageSeconds: number, draw: number): number {
  if (averageSeconds <= 0) return 0;
  const upper = 1 + JITTER;
  // As likely to be below the median as above it.
  const lower = Math.log2(2 ** upper / (2 ** upper - 1));
  const [from, to] = [1 - Math.exp(-lower), 1 - Math.exp(-upper)];
  return -Math.log(1 - (from + draw * (to - from))) * averageSeconds;
}
