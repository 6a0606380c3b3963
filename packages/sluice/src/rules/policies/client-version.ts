const USER_AGENT = /^prefect\/(\d+\.\d+\.\d+(?:[a-z.+0-9]+)?) \(API \S+\)$/;

/** Reads the version of a Prefect client from its `User-Agent`; null for any other client. */
export function clientVersionOf(userAgent: string | undefined): string | null {
  return USER_AGENT.exec(userAgent ?? "")?.[1] ?? null;
}

/** Tells whether a client renews the lease of the slot that its flow run holds: Prefect does from 3.4.11 on. */
export function renewsLeases(version: string | null): boolean {
  return isAtLeast(version ?? "0.0.0", [3, 4, 11]);
}

/** Tells whether a client takes a pool's `default_result_storage_block_id`: Prefect does from 3.3.8 on, and fails before. */
export function knowsResultStorage(version: string | null): boolean {
  return version === null || isAtLeast(version, [3, 3, 8]);
}

/** Tells whether a worker of this version takes the slots of a deployment itself. */
export function takesOwnSlots(version: string | null): boolean {
  return version !== null && OWN_SLOTS.has(version);
}

const OWN_SLOTS: ReadonlySet<string> = new Set(["3.0.0rc20", "3.0.0", "3.0.1", "3.0.2", "3.0.3"]);

function isAtLeast(version: string, wanted: readonly [number, number, number]): boolean {
  const [, major, minor, patch, rest = ""] = /^(\d+)\.(\d+)\.(\d+)(.*)$/.exec(version) ?? [];
  const given = [Number(major), Number(minor), Number(patch)];
  for (const [index, least] of wanted.entries()) {
    const part = given[index] ?? 0;
    if (part !== least) return part > least;
  }
  // A pre-release comes before its release.
  return !/^\.?(?:a|b|rc|dev)/.test(rest);
}
