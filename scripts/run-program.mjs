/** Runs a program of the repository to its end. Plain Node 20 syntax: this file runs before anything is installed. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { repoFolder, toolEnvironment } from "./repo-node.mjs";

const forwardedSignals = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program in the repository's folder with the terminal of this process and awaits its end.
 *
 * Signals to this process go to the program, which decides what they mean.
 *
 * @param command path of the program
 * @param args    its arguments
 * @param env     added to the environment
 * @returns its exit code, 128 + the signal's number when a signal ended it
 */
export function runProgram(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: repoFolder, env: { ...toolEnvironment(), ...env }, stdio: "inherit" });
    const forward = (signal) => child.kill(signal);
    for (const signal of forwardedSignals) process.on(signal, forward);
    const settle = (act) => {
      for (const signal of forwardedSignals) process.off(signal, forward);
      act();
    };
    child.once("error", (error) => settle(() => reject(error)));
    child.once("exit", (code, signal) => settle(() => resolve(code ?? 128 + (constants.signals[signal] ?? 0))));
  });
}
