/**
 * Runs the services: each in a loop of its own, one round after the other.
 *
 * The services are loaded a moment after the server has opened, so that a short flow with an embedded server waits for none of them. A service is sick
 * when its last rounds failed, or when a round does not end; `/api/ready` tells.
 */
import type { ServerCore } from "../server-core.ts";
import type { Service } from "./service.ts";

const START_AFTER_MS = 500;
/** Failed rounds in a row that make a service sick. */
const SICK_AFTER_FAILURES = 3;
/** A round that takes longer than this does not end. */
const STUCK_AFTER_MS = 300_000;

interface Loop {
  readonly service: Service;
  timer: NodeJS.Timeout | undefined;
  running: Promise<unknown> | undefined;
  startedMs: number;
  failures: number;
  lastError: string | null;
}

/** How a service does. */
export interface ServiceHealth {
  readonly name: string;
  readonly isSick: boolean;
  readonly lastError: string | null;
}

/** The loops of a server. Starting or stopping twice is legal. */
export class ServiceLoops {
  readonly #core: ServerCore;
  readonly #loops = new Map<string, Loop>();
  readonly #stops: (() => void)[] = [];
  #starting: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(core: ServerCore) {
    this.#core = core;
  }

  /** Starts the services in a moment. */
  startSoon(): void {
    this.#starting ??= setTimeout(() => void this.start().catch(this.#core.onError), START_AFTER_MS);
    this.#starting.unref();
  }

  /** Starts the enabled services now; resolves when their loops are set up. */
  async start(): Promise<void> {
    const { SERVICES } = await import("./index.ts");
    if (this.#isStopped || this.#loops.size > 0) return;
    for (const service of SERVICES) {
      if (!service.isEnabled(this.#core)) continue;
      const loop = { service, timer: undefined, running: undefined, startedMs: 0, failures: 0, lastError: null };
      this.#loops.set(service.name, loop);
      if (service.start) this.#stops.push(service.start(this.#core));
      this.#runSoon(loop, 0);
    }
  }

  /** Stops all loops; resolves when no round is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#starting);
    for (const stop of this.#stops.splice(0)) stop();
    for (const { timer } of this.#loops.values()) clearTimeout(timer);
    for (const { running } of this.#loops.values()) await running;
  }

  /** How each running service does. */
  health(): ServiceHealth[] {
    const now = performance.now();
    return [...this.#loops.values()].map(({ service, running, startedMs, failures, lastError }) => {
      const isStuck = running !== undefined && now - startedMs > STUCK_AFTER_MS;
      return { name: service.name, isSick: isStuck || failures >= SICK_AFTER_FAILURES, lastError };
    });
  }

  #runSoon(loop: Loop, seconds: number): void {
    if (this.#isStopped) return;
    loop.timer = setTimeout(() => this.#round(loop), seconds * 1000);
    loop.timer.unref();
  }

  #round(loop: Loop): void {
    loop.startedMs = performance.now();
    loop.running = this.#runOnce(loop).finally(() => {
      loop.running = undefined;
      this.#runSoon(loop, loop.service.loopSeconds(this.#core));
    });
  }

  async #runOnce(loop: Loop): Promise<void> {
    try {
      await loop.service.run(this.#core);
      loop.failures = 0;
      loop.lastError = null;
    } catch (error) {
      loop.failures++;
      loop.lastError = error instanceof Error ? error.message : String(error);
      this.#core.onError(error);
    }
  }
}
