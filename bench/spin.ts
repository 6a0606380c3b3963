/**
 * Work that only costs CPU, in portions of a known size.
 *
 * Three traps are avoided. Every number stays an int32 and the inner bound is a constant, so V8 neither leaves its integer code nor
 * compiles it anew when the bound grows. Both loops are in one function: with the inner one in a function of its own, V8's middle tier
 * inlined it into the outer one after a few jobs and never replaced it by the best code (jobs took 4 times as long from then on). And the
 * loop is warmed before it is calibrated, else the first jobs are those of the interpreter and sequential and parallel runs compare
 * compilers.
 */
const ROUNDS_PER_PORTION = 1 << 20;
const WARM_UP_PORTIONS = 200;
const CALIBRATION_ROUNDS = 9;
const CALIBRATION_PORTIONS = 40;

/** Computes `portions` portions from a seed; the result depends on every step, so none of it can be left out. */
export function spin(seed: number, portions: number): number {
  let x = seed | 0;
  for (let done = 0; done < portions; done = (done + 1) | 0) {
    for (let i = 0; i < ROUNDS_PER_PORTION; i = (i + 1) | 0) {
      x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
      x ^= x >>> 13;
    }
  }
  return x;
}

/**
 * Finds how many portions take `seconds` of CPU on this machine, warm.
 *
 * The fastest of nine counts: CPU time does not grow when others run too, but cold caches and a lower clock make it longer.
 */
export function calibrateSpin(seconds: number): number {
  let seed = spin(1, WARM_UP_PORTIONS);
  let fastestUs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < CALIBRATION_ROUNDS; round++) {
    const before = process.threadCpuUsage();
    seed = spin(seed, CALIBRATION_PORTIONS);
    fastestUs = Math.min(fastestUs, process.threadCpuUsage(before).user);
  }
  return Math.max(1, Math.round((seconds * 1e6 * CALIBRATION_PORTIONS) / fastestUs));
}
