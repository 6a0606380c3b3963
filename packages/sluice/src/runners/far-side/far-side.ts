import type { FarSideEngine } from "../../engine/far-side-port.ts";
import { beginImporting } from "../../engine/functions/import-halt.ts";
import { toWireError } from "../../engine/values/wire-error.ts";
import type { RunnerDescription } from "../../wire/run-spec.ts";
import type { NearMessage } from "../messages.ts";
import { cancelInWorkers, closeRunners } from "../pools.ts";
import { runnersRuntime } from "../runtime.ts";
import { openChannel, type FarChannel } from "./channel.ts";
import { FarRun, type FarSurroundings } from "./far-run.ts";
import { ClusterUplink } from "./cluster-uplink.ts";
import { NearUplink } from "./near-uplink.ts";

/**
 * The far side of every pool: receives runs, runs them by the engine, tells how they end.
 *
 * It says `ready` when the engine is loaded. It ends when it is told to (`shutdown`: the engine sends what is unsent first), when the near side is gone, and when an error is
 * thrown that nothing caught: that error is sent first, and all runs of this worker end as crashed.
 */
export async function serveFarSide(): Promise<void> {
  const channel = await openChannel();
  beginImporting();
  reportUncaught(channel);
  const { address, engineUrl, pythonFolder, pools } = channel.start;
  const home = { port: channel.homePort, address };
  const runtime = runnersRuntime();
  const uplink = channel.cluster === null ? nearUplink(channel, pools) : new ClusterUplink(channel.cluster);
  runtime.uplink = uplink;
  runtime.link = { connectThread: () => null, address, engineUrl, pythonFolder, environment: {} };
  const engine = await loadEngine(channel);
  if (engine === undefined) return;
  channel.post({ role: "ready" });
  channel.onMessage(
    receiver(channel, {
      engine,
      home,
      uplink,
      isOnCluster: channel.cluster !== null,
      post: (message) => channel.post(message),
    }),
  );
}

/** The way up to a pool of this machine, which grants the slots too. */
function nearUplink(channel: FarChannel, pools: readonly RunnerDescription[]): NearUplink {
  const uplink = new NearUplink(pools, (message) => channel.post(message));
  runnersRuntime().ledger = uplink;
  return uplink;
}

function receiver(
  channel: FarChannel,
  around: FarSurroundings & { readonly uplink: NearUplink | ClusterUplink },
): (message: NearMessage) => void {
  const runs = new Map<number, FarRun>();
  return (message) => {
    switch (message.role) {
      case "run": {
        const run = new FarRun(message, around);
        runs.set(message.body, run);
        void run.run().finally(() => runs.delete(message.body));
        return;
      }
      case "cancel":
        runs.get(message.body)?.cancel(message.message);
        return;
      case "cancel-run":
        around.engine.cancel(message.runId);
        cancelInWorkers(message.runId);
        return;
      case "resumed":
        runs.get(message.body)?.resumed();
        return;
      case "shutdown":
        void shutDown(channel, around.engine);
        return;
      default:
        around.uplink.receive(message);
    }
  };
}

async function loadEngine(channel: FarChannel): Promise<FarSideEngine | undefined> {
  try {
    // The near side names a module that exports `farSideEngine` (HomeLink.engineUrl).
    const module = (await import(channel.start.engineUrl)) as { readonly farSideEngine: FarSideEngine };
    return module.farSideEngine;
  } catch (error) {
    channel.post({ role: "start-failed", error: toWireError(error) });
    channel.exit(1);
    return undefined;
  }
}

async function shutDown(channel: FarChannel, engine: FarSideEngine): Promise<void> {
  try {
    await closeRunners();
    await engine.close();
    channel.exit(0);
  } catch (error) {
    process.stderr.write(
      `sluice: a worker could not send everything before it ended: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    channel.exit(1);
  }
}

/** Ends this worker at an error that nothing caught, unless the user's code has a handler of its own; a halted import is none. */
function reportUncaught(channel: FarChannel): void {
  const crash = (event: string) => (error: unknown) => {
    if (process.listenerCount(event) > 1) return;
    channel.post({ role: "crashed", error: toWireError(error) });
    channel.exit(1);
  };
  process.on("uncaughtException", crash("uncaughtException"));
  process.on("unhandledRejection", crash("unhandledRejection"));
}
