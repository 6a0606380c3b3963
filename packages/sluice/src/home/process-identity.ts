import { readFileSync } from "node:fs";
import { hostname, uptime } from "node:os";
import type { ProcessRegistration } from "../wire/processes.ts";

/** Describes this process so that a later one can tell whether it is still alive. @param id UUID chosen by the process */
export function describeProcess(id: string): ProcessRegistration {
  return { id, pid: process.pid, hostname: hostname(), boot_id: bootId(), start_ticks: startTicks(process.pid) };
}

/** Names this boot of the machine: the kernel's own id, else the minute in which it started. */
export function bootId(): string {
  const id = readProc("/proc/sys/kernel/random/boot_id")?.trim();
  return id ?? `boot-${String(Math.round((Date.now() / 1000 - uptime()) / 60))}`;
}

/** Start of a process in clock ticks since boot; null where the system does not tell, or when there is no such process. */
export function startTicks(pid: number): number | null {
  const stat = readProc(`/proc/${String(pid)}/stat`);
  if (stat === undefined) return null;
  // The name in parentheses may hold spaces; field 22 is the twentieth after it.
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  return Number.isSafeInteger(ticks) ? ticks : null;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // A system without /proc, or a process that is gone: both are answers.
  }
}
