/** One measurement of one case, made once in a process of its own. */
export interface Sample {
  /** `<bench>/<case>`, as it is printed. */
  readonly name: string;
  /** Items measured: task runs, subflows, calls, starts. */
  readonly n: number;
  readonly seconds: number;
  /** CPU of the flow, its writer thread and all child processes together, in microseconds; null where the system does not tell. */
  readonly cpuUs: number | null;
  /** Peak resident memory of the measured process, plus the peak of each of its live children, in MB of 10^6 bytes; null where nobody knows it. */
  readonly peakRssMb: number | null;
  /** Times faster than the sequential case of the same process; left out where there is no such case. */
  readonly speedup?: number;
  /** Sluice's median time for an item, divided by this peer's, both of the same process; below 1 Sluice is the faster one. */
  readonly ratio?: number;
  /** Middle and 99th hundredth of the times that requests took, and answers of 500 and above or none at all; of servers only. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly serverErrors?: number;
  /** Product and version when the measured thing is not Sluice. */
  readonly peer?: string;
}

/** A case: what runs in one fresh process, once for each repeat. It may give several samples, so that a ratio comes from one run. */
export interface BenchCase {
  /** Unique within its bench, without spaces. */
  readonly id: string;
  /** Seconds after which the process is given up, a fixed limit far above what is expected. */
  readonly timeoutSeconds: number;
  /** Product and version when this is a comparison that only runs with `--peers`. */
  readonly peer?: string;
  /** True for a peer that is measured without `--peers` too, because its figures are what the bench is about. */
  readonly isAlwaysRun?: boolean;
  /** Runs in the fresh process, whose `SLUICE_HOME` is a new empty folder. */
  measure(): Promise<readonly Sample[]>;
}

/** A bench: cases that belong together, run in this order. */
export interface Bench {
  readonly name: string;
  /** What is measured, in one line. */
  readonly about: string;
  /**
   * @param scale "full" for figures, "small" for a check in seconds that everything still runs
   */
  cases(scale: Scale): readonly BenchCase[];
}

/** How large the numbers of items are. */
export type Scale = "full" | "small";

/** All repeats of one name and n, as printed: one JSON line. snake_case because the line is read by other programs. */
export interface Line {
  readonly name: string;
  readonly peer?: string;
  readonly n: number;
  /** Median of the repeats, as are all figures without `_min` or `_max`. */
  readonly seconds: number;
  readonly seconds_min: number;
  readonly seconds_max: number;
  readonly per_item_us: number;
  readonly cpu_us_per_item: number | null;
  readonly cpu_us_per_item_min: number | null;
  readonly cpu_us_per_item_max: number | null;
  readonly peak_rss_mb: number | null;
  readonly speedup?: number;
  readonly speedup_min?: number;
  readonly speedup_max?: number;
  readonly ratio?: number;
  readonly ratio_min?: number;
  readonly ratio_max?: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  /** Of all repeats together. */
  readonly server_errors?: number;
  readonly repeats: number;
  readonly versions: Versions;
}

export interface Versions {
  readonly node: string;
  readonly sluice: string;
  /** Operating system, architecture, number of cores and processor. */
  readonly platform: string;
}
