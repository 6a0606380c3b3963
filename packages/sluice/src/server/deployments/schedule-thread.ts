/** A thread that evaluates schedules: whoever asks may end it when it takes too long. */
import { parentPort } from "node:worker_threads";
import { scheduleDates, type DateSearch, type Schedule } from "../../rules/schedules/schedule.ts";

/** What the thread is asked. */
export interface ScheduleQuestion {
  readonly id: number;
  readonly schedule: Schedule;
  readonly search: DateSearch;
}

/** What it answers: instants in microseconds, or why there are none. */
export type ScheduleAnswer =
  | { readonly id: number; readonly dates: readonly number[] }
  | { readonly id: number; readonly error: string };

parentPort?.on("message", ({ id, schedule, search }: ScheduleQuestion) => {
  let answer: ScheduleAnswer;
  try {
    answer = { id, dates: scheduleDates(schedule, search) };
  } catch (error) {
    answer = { id, error: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(answer);
});
