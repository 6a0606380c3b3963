/** The largest count that a slot of the table can hold. */
const MANY = 255;

/**
 * Counts how often a key has occurred, in 9 bytes a slot.
 *
 * A flow run of a million calls with different arguments must know for each call whether it is the first of its kind. The table keeps 64 bits
 * of each key's hash and no string; a collision (3 in 10^8 at a million keys) only makes an occurrence number one higher than it need be.
 *
 * Open addressing, linear probing, doubled at three quarters full. A slot with count 0 is free; the few keys that occur {@link MANY} times
 * and more are counted beside the table.
 */
export class KeyCounter {
  private high = new Uint32Array(16);
  private low = new Uint32Array(16);
  private counts = new Uint8Array(16);
  private readonly many = new Map<string, number>();
  private used = 0;

  /** Returns how often `key` was counted before, and counts it. */
  next(key: string): number {
    if (this.used * 4 >= this.counts.length * 3) this.grow();
    const high = hash32(key, 0x811c9dc5);
    const low = hash32(key, 0x01000193);
    const slot = this.find(high, low);
    const count = this.counts[slot] ?? 0;
    if (count === 0) {
      this.high[slot] = high;
      this.low[slot] = low;
      this.used++;
    }
    if (count === MANY) return this.nextOfMany(`${high}:${low}`);
    this.counts[slot] = count + 1;
    return count;
  }

  private nextOfMany(key: string): number {
    const count = this.many.get(key) ?? MANY;
    this.many.set(key, count + 1);
    return count;
  }

  private find(high: number, low: number): number {
    const mask = this.counts.length - 1;
    let slot = low & mask;
    while (this.counts[slot] !== 0 && (this.high[slot] !== high || this.low[slot] !== low)) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { high, low, counts } = this;
    const size = counts.length * 2;
    this.high = new Uint32Array(size);
    this.low = new Uint32Array(size);
    this.counts = new Uint8Array(size);
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i] ?? 0;
      if (count === 0) continue;
      const slot = this.find(high[i] ?? 0, low[i] ?? 0);
      this.high[slot] = high[i] ?? 0;
      this.low[slot] = low[i] ?? 0;
      this.counts[slot] = count;
    }
  }
}

/** FNV-1a over UTF-16 units with a final mix, from a seed. */
function hash32(text: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
