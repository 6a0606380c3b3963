import { microsToIso } from "../../wire/timestamp.ts";
import { currentFrame, type Frame } from "./frame.ts";
import type { EngineHost } from "../host.ts";
import { formatted } from "../values/printed-value.ts";

/** Log levels by Python's numbers. */
export const LOG_LEVELS = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 } as const;

type LevelName = keyof typeof LOG_LEVELS;

/**
 * Writes to the log of a run. Arguments are put together as `console.log` does (`%s`, `%o`, objects inspected).
 *
 * Lines are kept in order and stored in batches; nothing is awaited.
 */
export interface RunLogger {
  debug(message: unknown, ...rest: unknown[]): void;
  info(message: unknown, ...rest: unknown[]): void;
  warning(message: unknown, ...rest: unknown[]): void;
  /** The same as `warning`. */
  warn(message: unknown, ...rest: unknown[]): void;
  error(message: unknown, ...rest: unknown[]): void;
  critical(message: unknown, ...rest: unknown[]): void;
}

/** Makes the logger of a frame's run. */
export function createRunLogger(frame: Frame): RunLogger {
  const at =
    (level: LevelName) =>
    (message: unknown, ...rest: unknown[]) => {
      logLine(frame, LOG_LEVELS[level], formatted(message, ...rest));
    };
  const warning = at("warning");
  return {
    debug: at("debug"),
    info: at("info"),
    warning,
    warn: warning,
    error: at("error"),
    critical: at("critical"),
  };
}

/** Logs one line for a frame's run, when its level is kept. */
export function logLine(frame: Frame, level: number, message: string): void {
  const { run, scope } = frame;
  const { host } = scope;
  if (level < host.settings.loggingLevel) return;
  const isTask = run.kind === "task";
  writeLog(host, {
    name: isTask ? "sluice.task_runs" : "sluice.flow_runs",
    level,
    message,
    flowRunId: isTask ? (scope.flowRun?.id ?? null) : run.id,
    taskRunId: isTask ? run.id : null,
    runName: run.name,
  });
}

interface LogLine {
  readonly name: string;
  readonly level: number;
  readonly message: string;
  readonly flowRunId: string | null;
  readonly taskRunId: string | null;
  readonly runName: string;
}

function writeLog(host: EngineHost, line: LogLine): void {
  host.tracker.log({
    name: line.name,
    level: line.level,
    message: line.message,
    timestamp: microsToIso(host.clock.nowUs()),
    flow_run_id: line.flowRunId,
    task_run_id: line.taskRunId,
  });
  if (line.level >= host.settings.consoleLevel) {
    const kind = line.taskRunId === null ? "Flow run" : "Task run";
    // The whole story, with its stack, is in the log.
    const [firstLine] = line.message.split("\n", 1);
    process.stderr.write(`${levelName(line.level).padEnd(8)}| ${kind} '${line.runName}' - ${firstLine}\n`);
  }
}

function levelName(level: number): string {
  if (level >= LOG_LEVELS.critical) return "CRITICAL";
  if (level >= LOG_LEVELS.error) return "ERROR";
  if (level >= LOG_LEVELS.warning) return "WARNING";
  return level >= LOG_LEVELS.info ? "INFO" : "DEBUG";
}

const CAPTURED = Symbol.for("sluice.console-captured");

const CONSOLE_LEVELS = { debug: 10, log: 20, info: 20, warn: 30, error: 40 } as const;

/**
 * Makes `console.*` inside runs that ask for it (`logPrints`) write to their logs too; the output itself goes on as before.
 *
 * Done once in a process, whichever copy of the package comes first.
 */
export function captureConsole(): void {
  const holder = globalThis as { [CAPTURED]?: true };
  if (holder[CAPTURED]) return;
  holder[CAPTURED] = true;
  for (const method of ["debug", "log", "info", "warn", "error"] as const) {
    const original = console[method];
    console[method] = (...args: unknown[]) => {
      const frame = currentFrame();
      if (frame?.logPrints) logLine(frame, CONSOLE_LEVELS[method], formatted(...args));
      original.apply(console, args);
    };
  }
}
