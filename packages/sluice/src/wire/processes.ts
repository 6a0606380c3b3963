/**
 * The life of a process that runs flows, as the store knows it.
 *
 * `POST /api/sluice/processes` registers it (201 {@link ProcessLease}); `POST /api/sluice/processes/{id}/renew` keeps the lease and waits,
 * up to `wait_seconds`, for something the process must hear ({@link ProcessNotice}); `DELETE /api/sluice/processes/{id}` ends it in peace.
 * When a lease expires, every open run that the process owns becomes CRASHED.
 */
export interface ProcessRegistration {
  readonly id: string;
  readonly pid: number;
  readonly hostname: string;
  /** Identifies this boot of the machine, so that a pid of an earlier boot is never taken for alive. */
  readonly boot_id: string;
  /** Start time of the process in clock ticks since boot where the system tells it (Linux), so that a reused pid is recognised. */
  readonly start_ticks: number | null;
}

export interface ProcessLease {
  readonly id: string;
  readonly lease_seconds: number;
}

export interface RenewRequest {
  readonly wait_seconds: number;
}

/** Runs of this process that somebody asked to cancel since the last answer. */
export interface ProcessNotice {
  readonly cancelling: readonly string[];
}
