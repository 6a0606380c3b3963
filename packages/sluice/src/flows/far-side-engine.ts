import { CsrfTransport } from "../client/csrf-transport.ts";
import { HttpTransport, type ApiAddress } from "../client/http-transport.ts";
import { PortTransport } from "../client/port-transport.ts";
import { RunTracker } from "../client/run-tracker.ts";
import { loadSettings } from "../client/settings.ts";
import type { Transport } from "../client/transport.ts";
import { cancelledError } from "../engine/context/cancellation.ts";
import { systemClock } from "../engine/clock.ts";
import type { Definition } from "../engine/definition.ts";
import { executeSpec } from "../engine/runs/execute-spec.ts";
import type { FarSideEngine, FarSideHost, HomeAddress } from "../engine/far-side-port.ts";
import { currentHost, setHost, type EngineHost } from "../engine/host.ts";
import { TagLimits } from "../engine/store/tag-slots.ts";
import { cancelInWorkers } from "../runners/index.ts";
import { withOverrides } from "./callable.ts";
import { engineSettings, resultsOf } from "./session.ts";

/** How long the root process may take to answer for a store that decides. */
const RELAYED_ANSWER_MS = 900_000;

/** The engine as a worker of a thread or process pool runs it: the same engine, with a way of its own to the store. */
export const farSideEngine: FarSideEngine = {
  async execute(spec, far) {
    const host = currentHost() ?? openFarHost(far);
    // The registry holds what `flows/callable.ts` registered there.
    const definition = withOverrides(far.definition as Definition, spec.overrides);
    if (!far.isJob) return executeSpec({ spec, definition, host, far });
    const { watchParentRun } = await import("./parent-run-watch.ts");
    using parent = watchParentRun(spec, far, cancelBelow);
    const signal = AbortSignal.any([far.signal, parent.signal]);
    return await executeSpec({ spec, definition, host, far: { ...far, signal } });
  },

  cancel: cancelHere,

  async close() {
    const host = currentHost();
    if (host === undefined) return;
    await host.tracker.flush();
    await host.transport.close();
  },
};

function cancelHere(runId: string): void {
  currentHost()?.live.get(runId)?.cancelledElsewhere(cancelledError("The flow run was cancelled by request."));
}

function cancelBelow(runId: string): void {
  cancelHere(runId);
  cancelInWorkers(runId);
}

function openFarHost(far: FarSideHost): EngineHost {
  const { home } = far;
  const settings = loadSettings();
  const transport = transportOf(home);
  const processId = home.address["process"] ?? "";
  const host: EngineHost = {
    processId,
    transport,
    tagLimits: new TagLimits(transport),
    tracker: new RunTracker({
      transport,
      processId,
      ready: { decides: decides(home) },
      onTrouble: (message) => process.stderr.write(`sluice: ${message}\n`),
    }),
    clock: systemClock,
    results: resultsOf(settings),
    settings: engineSettings(settings),
    live: new Map(),
    attach: (runner) => far.attachRunner(runner.description) ?? runner,
  };
  setHost(host);
  return host;
}

function decides(home: HomeAddress): boolean {
  return home.address["decides"] === "true"; // written by flows/session.ts
}

function transportOf(home: HomeAddress): Transport {
  if (home.port !== null) return new PortTransport(home.port);
  const address = home.address["home"];
  if (address === undefined) throw new Error("The worker was started without the address of its home.");
  // A store that decides is asked by the root process, which waits for it and tries again.
  const options = decides(home) ? { responseTimeoutMs: RELAYED_ANSWER_MS } : {};
  return new CsrfTransport(new HttpTransport(JSON.parse(address) as ApiAddress, options)); // as above
}
