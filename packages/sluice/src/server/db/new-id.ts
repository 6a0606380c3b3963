import { randomFillSync } from "node:crypto";

const POOL_BYTES = 4096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** Makes a UUIDv7 at this time: ids made later sort later, so they are appended to their index. */
export function newId(timestampUs: number): string {
  if (used + 10 > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.toString("hex", used, used + 10);
  used += 10;
  const ms = Math.floor(timestampUs / 1000)
    .toString(16)
    .padStart(12, "0");
  const variant = "89ab".charAt(Number.parseInt(random.charAt(3), 16) & 3);
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}
