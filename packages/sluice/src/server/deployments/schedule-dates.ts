import { Worker } from "node:worker_threads";
import { extname } from "node:path";
import { scheduleDates, type DateSearch, type Schedule } from "../../rules/schedules/schedule.ts";
import type { ScheduleAnswer, ScheduleQuestion } from "./schedule-thread.ts";

/** Longest that one schedule may be evaluated. */
const LIMIT_MS = 2000;
/** An idle thread ends after this. */
const IDLE_MS = 30_000;
const MEMORY_MB = 64;

/** A schedule that cannot be evaluated, or not within the time that one may take. */
export class PoisonSchedule extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PoisonSchedule";
  }
}

/**
 * Evaluates schedules so that none keeps the server from answering: recurrence rules, whose search can be endless, in a thread that is ended when it
 * takes too long; the others, which are cheap by their form, at once.
 */
export class ScheduleDates {
  #thread: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** The instants of a schedule in microseconds. @throws PoisonSchedule */
  async of(schedule: Schedule, search: DateSearch): Promise<readonly number[]> {
    if (!("rrule" in schedule)) return datesAtOnce(schedule, search);
    const answer = this.#turn.then(() => this.#ask(schedule, search));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  /** Ends the thread. Closing twice is legal. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #ask(schedule: Schedule, search: DateSearch): Promise<readonly number[]> {
    clearTimeout(this.#idle);
    const thread = (this.#thread ??= startThread());
    const question: ScheduleQuestion = { id: ++this.#lastId, schedule, search };
    return new Promise<readonly number[]>((resolve, reject) => {
      const end = (reason: string): void => {
        this.#thread = undefined;
        void thread.terminate();
        reject(new PoisonSchedule(reason));
      };
      const timer = setTimeout(() => end(`it takes more than ${LIMIT_MS / 1000} s to evaluate`), LIMIT_MS);
      thread.removeAllListeners();
      thread.on("error", (error) => {
        clearTimeout(timer);
        end(error.message);
      });
      thread.on("message", (answer: ScheduleAnswer) => {
        clearTimeout(timer);
        this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
        if ("dates" in answer) resolve(answer.dates);
        else reject(new PoisonSchedule(answer.error));
      });
      thread.postMessage(question);
    });
  }
}

function datesAtOnce(schedule: Schedule, search: DateSearch): readonly number[] {
  try {
    return scheduleDates(schedule, search);
  } catch (error) {
    throw new PoisonSchedule(error instanceof Error ? error.message : String(error));
  }
}

/** Sources run as they are and compiled, so the thread's file has the ending of this one. */
function startThread(): Worker {
  const file = new URL(`./schedule-thread${extname(import.meta.url)}`, import.meta.url);
  const thread = new Worker(file, {
    name: "sluice-schedules",
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  thread.unref();
  return thread;
}
