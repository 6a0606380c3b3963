import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SluiceError } from "../../wire/errors.ts";
import { frameOf, FrameSplitter } from "../cluster/frames.ts";
import { pythonFile } from "../cluster/python-sources.ts";
import { passLines } from "../pool/output-lines.ts";

/** What a driver says (ray_driver.py, ray_bridge.py). */
export interface RayEvent {
  readonly event: string;
  readonly key?: string;
  readonly [field: string]: unknown;
}

/** The way to a driver of a Ray cluster: the bridge's, or that of the worker that this process runs under. */
export interface RayLine {
  send(message: { readonly op: string; readonly [field: string]: unknown }, parts?: readonly Uint8Array[]): void;
  /** Called with each event, and the bytes that come with it. One listener. */
  onEvent(listener: (event: RayEvent, content: Buffer) => void): void;
  ref(): void;
  unref(): void;
  /** Ends it; resolves when what it had on the cluster is gone. */
  close(): Promise<void>;
}

/** What a bridge says of the cluster. */
export interface RayFacts {
  readonly ray: string;
  readonly python: string;
  readonly hosts: readonly string[];
  readonly cpus: number;
  readonly dashboard: string | null;
}

/**
 * Starts the bridge, which connects to a cluster or makes one.
 *
 * @throws SluiceError SLUICE_CLUSTER_UNFIT with Ray's own words: an address where none is, versions that differ
 */
export async function startBridge(
  python: string,
  settings: { readonly module: string; readonly init_kwargs: Readonly<Record<string, unknown>> },
  options: { readonly env: Readonly<Record<string, string>>; readonly onLost: (reason: string) => void },
): Promise<{ readonly line: RayLine; readonly facts: RayFacts }> {
  const child = spawn(python, [fileURLToPath(pythonFile("ray_bridge.py")), JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    // An interrupt at the terminal is for the flow, which then ends the bridge in good order.
    detached: true,
  });
  const tail = passLines(child.stderr, process.stderr);
  const line = new BridgeLine(child);
  const first = await line.first(tail);
  if (first.event === "hello") {
    line.onExit(options.onLost);
    // ray_bridge.py
    return { line, facts: first as unknown as RayFacts };
  }
  await line.close();
  throw unfit(python, String(first["message"]));
}

function unfit(python: string, message: string): SluiceError {
  const versions = /Ray: (\S+)\s+Python: (\S+)/.exec(message);
  const cure =
    versions !== null && /mismatch/i.test(message)
      ? ` Ray wants its own version everywhere: npx sluice ray install --ray ${versions[1]} --python python${versions[2]?.split(".").slice(0, 2).join(".")}`
      : "";
  return new SluiceError("SLUICE_CLUSTER_UNFIT", `Expected ${python} to reach a Ray cluster, got: ${message}.${cure}`);
}

class BridgeLine implements RayLine {
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  readonly #early: [RayEvent, Buffer][] = [];
  #listener: ((event: RayEvent, content: Buffer) => void) | undefined;
  #isClosed = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    // A bridge that is gone is told by its exit.
    child.stdin?.on("error", () => undefined);
    const splitter = new FrameSplitter<RayEvent>();
    child.stdout?.on("data", (chunk: Buffer) => {
      for (const { header, content } of splitter.take(chunk)) {
        if (this.#listener === undefined) this.#early.push([header, content]);
        else this.#listener(header, content);
      }
    });
  }

  /** Its first word; in its place the story of a bridge that ended without one. */
  async first(tail: () => string): Promise<RayEvent> {
    const word = Promise.withResolvers<RayEvent>();
    this.onEvent((event) => word.resolve(event));
    const ended = this.#exited.then((how) => ({
      event: "error",
      message: `Python ended before it could say anything (${how}). ${tail()}`,
    }));
    const first = await Promise.race([word.promise, ended]);
    this.#listener = undefined;
    return first;
  }

  onExit(onLost: (reason: string) => void): void {
    void this.#exited.then((how) => {
      if (!this.#isClosed) onLost(`the bridge to Ray ended with ${how}`);
    });
  }

  send(message: object, parts: readonly Uint8Array[] = []): void {
    const { stdin } = this.#child;
    if (stdin === null || !stdin.writable) return;
    stdin.cork();
    for (const part of frameOf(message, parts)) stdin.write(part);
    stdin.uncork();
  }

  onEvent(listener: (event: RayEvent, content: Buffer) => void): void {
    this.#listener = listener;
    for (const [event, content] of this.#early.splice(0)) listener(event, content);
  }

  ref(): void {
    this.#setRef(true);
  }

  unref(): void {
    this.#setRef(false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.ref();
    this.#child.stdin?.end();
    await this.#exited;
  }

  #setRef(on: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const handle of [this.#child, stdin, stdout, stderr]) {
      // Pipes of a child are sockets.
      const referable = handle as { ref?: () => void; unref?: () => void } | null;
      if (on) referable?.ref?.();
      else referable?.unref?.();
    }
  }
}
