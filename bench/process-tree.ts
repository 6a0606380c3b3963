import { readdirSync, readFileSync } from "node:fs";

/**
 * CPU and memory of a process and all its descendants, read from `/proc`.
 *
 * A child's time stays counted after its end, because the kernel adds it to its parent's once the parent has waited for it; so a case may
 * start and end as many processes as it likes. Only Linux tells; elsewhere the functions return null.
 */
interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** Clock ticks in user and system mode, of the process and of its children that have ended. */
  readonly ownTicks: number;
  readonly endedChildrenTicks: number;
}

/** Kernel clock ticks a second: 100 on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;
const US_PER_TICK = 1_000_000 / TICKS_PER_SECOND;

/** Reads one `/proc/<pid>/stat`; undefined for a process that has ended meanwhile. */
function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined; // it ended between the listing and this read: its time is in its parent's
  }
  // The command stands in parentheses and may hold spaces; the fields after it are numbered from 3 (state).
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid,
    parentPid: field(4),
    ownTicks: field(14) + field(15),
    endedChildrenTicks: field(16) + field(17),
  };
}

function descendants(rootPid: number): ProcessStat[] {
  const childrenByParent = new Map<number, ProcessStat[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (stat === undefined) continue;
    const siblings = childrenByParent.get(stat.parentPid);
    if (siblings === undefined) childrenByParent.set(stat.parentPid, [stat]);
    else siblings.push(stat);
  }
  const found: ProcessStat[] = [];
  const open = [rootPid];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of childrenByParent.get(pid) ?? []) {
      found.push(child);
      open.push(child.pid);
    }
  }
  return found;
}

/**
 * Adds up the CPU of this process (all its threads), its ended children and its live descendants since they started.
 *
 * @returns microseconds; own time is exact, that of other processes is counted in ticks of 10 ms; null where there is no `/proc`
 */
export function treeCpuUs(): number | null {
  if (process.platform !== "linux") return null;
  const own = process.cpuUsage();
  let ticks = readStat(process.pid)?.endedChildrenTicks ?? 0;
  for (const child of descendants(process.pid)) ticks += child.ownTicks + child.endedChildrenTicks;
  return own.user + own.system + ticks * US_PER_TICK;
}

/**
 * Adds the peak resident memory of this process to the peaks of its live descendants.
 *
 * An upper bound: the peaks need not fall together, and shared pages count once for each process.
 *
 * @returns megabytes (10^6 bytes)
 */
export function treePeakRssMb(): number {
  let kilobytes = process.resourceUsage().maxRSS;
  if (process.platform === "linux") {
    for (const child of descendants(process.pid)) kilobytes += statusKilobytes(child.pid, "VmHWM");
  }
  return (kilobytes * 1024) / 1e6;
}

function statusKilobytes(pid: number, field: "VmHWM" | "VmRSS"): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  } catch {
    return 0; // it has ended meanwhile
  }
}

/** CPU that another process and all its descendants have taken since they started, in microseconds, counted in ticks of 10 ms; Linux only, else 0. */
export function cpuUsOf(pid: number): number {
  if (process.platform !== "linux") return 0;
  const own = readStat(pid);
  const all = [...(own === undefined ? [] : [own]), ...descendants(pid)];
  return all.reduce((sum, stat) => sum + (stat.ownTicks + stat.endedChildrenTicks) * US_PER_TICK, 0);
}

/** Resident memory of another process and all its descendants, now and at its peak, in MB of 10^6 bytes; Linux only, else 0. */
export function rssMbOf(pid: number): { readonly now: number; readonly peak: number } {
  if (process.platform !== "linux") return { now: 0, peak: 0 };
  const sum = { now: 0, peak: 0 };
  for (const each of [pid, ...descendants(pid).map((stat) => stat.pid)]) {
    sum.now += (statusKilobytes(each, "VmRSS") * 1024) / 1e6;
    sum.peak += (statusKilobytes(each, "VmHWM") * 1024) / 1e6;
  }
  return sum;
}
