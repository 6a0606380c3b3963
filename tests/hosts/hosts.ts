import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { daskPython, hasDask } from "../clusters/dask-processes.ts";
import { endOf, type ListedRun, type ProgramEnd } from "../clusters/program.ts";

const script = fileURLToPath(new URL("./hosts.sh", import.meta.url));
const flows = fileURLToPath(new URL("./hosts-flows.fixture.ts", import.meta.url));
const checkout = fileURLToPath(new URL("../../", import.meta.url));
const cli = join(checkout, "packages/sluice/bin/sluice.js");
const dask = join(dirname(daskPython), "dask");

/** As hosts.sh gives them. */
export const addresses = { scheduler: "10.77.0.1", w1: "10.77.0.2", w2: "10.77.0.3", client: "10.77.0.4" } as const;
export type Host = keyof typeof addresses;
const hostNames = Object.keys(addresses) as readonly Host[]; // its own keys
export const schedulerAddress = `tls://${addresses.scheduler}:8786`;
const apiUrl = `http://${addresses.scheduler}:4200/api`;

/** A server that other hosts can reach should ask for one. */
const PASSWORD = "lab:from-host-to-host";
/** What starts on a busy machine may take that long. */
const START_LIMIT_MS = 60_000;

/** Why there can be no hosts here; "" when there can. */
export function whyNoHosts(): string {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  for (const program of ["ip", "unshare", "openssl"]) {
    if (spawnSync(program, ["--version"], { stdio: "ignore" }).error !== undefined)
      return `needs the program ${program}`;
  }
  if (!hasDask) return "needs .venv/dask, which npm test makes";
  if (spawnSync("unshare", ["--net", "--uts", "--mount", "true"]).status !== 0)
    return "needs the right to make namespaces";
  return "";
}

/**
 * Four hosts, with Dask's scheduler on one and a worker of two threads on two of them, all with TLS; the fourth is for programs. Each host has its own certificates and homes, and
 * sees none of the others'; workers do not see this checkout's `packages` and `tests`.
 */
export class Hosts {
  /** What the names of the hosts begin with: tests that run at once have networks of their own. */
  readonly prefix = `sluice-${process.pid}-`;
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-hosts-"));
  /** Clears everything away when its input ends: by {@link remove}, or because this process has died. */
  readonly #cleaner = spawn("sh", ["-c", 'cat; "$0" down; code=$?; rm -rf "$1"; exit $code', script, this.#folder], {
    env: this.#environment(),
    stdio: ["pipe", "ignore", "inherit"],
    detached: true,
  });

  /** Makes the hosts and starts Dask on them. Call {@link remove} also when this fails. */
  async start(): Promise<void> {
    for (const host of hostNames) mkdirSync(this.#certificates(host), { recursive: true });
    execFileSync(script, ["up"], { env: this.#environment(), stdio: ["ignore", "ignore", "inherit"] });
    this.#makeCertificates();
    const scheduler = this.#dask("scheduler", "scheduler", "--host", addresses.scheduler, "--port", "8786");
    await written(scheduler, /Scheduler at: +tls:/);
    await Promise.all(
      (["w1", "w2"] as const).map((worker) =>
        written(
          this.#dask(worker, "worker", schedulerAddress, "--name", worker, "--nthreads", "2"),
          /Registered to: +tls:/,
        ),
      ),
    );
  }

  /** Ends all that runs on the hosts and removes them, with all files. */
  async remove(): Promise<void> {
    this.#cleaner.stdin.end();
    const { code } = await endOf(this.#cleaner);
    if (code !== 0) throw new Error(`clearing ${this.prefix}* and ${this.#folder} away ended with ${code}`);
  }

  /** Starts a Sluice server with a home of its own; resolves once it serves. */
  async serve(host: Host, ...options: readonly string[]): Promise<void> {
    const server = this.#run(host, [process.execPath, cli, "server", "start", ...options], {
      SLUICE_HOME: join(this.#folder, host, "server"),
      SLUICE_SERVER_API_AUTH_STRING: PASSWORD,
    });
    await written(server, /Sluice server at http/);
  }

  /** Runs a flow of the fixture on the client. @param env in place of what names the server and the cluster */
  program(flow: string, args: readonly unknown[], env: NodeJS.ProcessEnv = {}): Promise<ProgramEnd> {
    const surroundings = {
      ...this.#server(),
      TEST_DASK: schedulerAddress,
      TEST_CERTIFICATES: this.#certificates("client"),
      TEST_NODE: process.execPath,
      ...env,
    };
    return endOf(this.#run("client", [process.execPath, flows, flow, JSON.stringify(args)], surroundings));
  }

  /** Runs a flow of the fixture on the client and gives its value. @throws Error with what it wrote when it fails */
  async valueOf(flow: string, ...args: readonly unknown[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.program(flow, args);
    if (code !== 0) throw new Error(`${flow} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as unknown;
  }

  /** The runs at the server, asked for from the client by the CLI. */
  async list(noun: "flow-run" | "task-run", ...options: readonly string[]): Promise<readonly ListedRun[]> {
    const command = [process.execPath, cli, noun, "ls", "--limit", "200", "--output", "json", ...options];
    const { code, stdout, stderr } = await endOf(this.#run("client", command, this.#server()));
    if (code !== 0) throw new Error(`sluice ${noun} ls ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as readonly ListedRun[]; // what the CLI prints
  }

  /** What a program on the client knows of the server. */
  #server(): NodeJS.ProcessEnv {
    const home = join(this.#folder, "client", "home");
    return { SLUICE_HOME: home, SLUICE_API_URL: apiUrl, SLUICE_API_AUTH_STRING: PASSWORD };
  }

  #certificates(host: Host): string {
    return join(this.#folder, host, "certificates");
  }

  /** Makes an authority and one certificate, which each host gets a copy of. */
  #makeCertificates(): void {
    const folder = join(this.#folder, "authority");
    mkdirSync(folder);
    const openssl = (line: string): unknown =>
      execFileSync("openssl", line.split(" "), { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sluice-authority -keyout ca-key.pem -out ca.pem");
    openssl("req -newkey rsa:2048 -nodes -subj /CN=sluice-host -keyout key.pem -out request.pem");
    openssl("x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -out cert.pem");
    for (const host of hostNames) {
      for (const file of ["ca.pem", "cert.pem", "key.pem"])
        cpSync(join(folder, file), join(this.#certificates(host), file));
    }
  }

  #dask(host: Host, ...args: readonly string[]): ChildProcess {
    const tls = ["ca-file", "cert", "key"].flatMap((option) => [
      `--tls-${option}`,
      join(this.#certificates(host), `${option.replace("-file", "")}.pem`),
    ]);
    const local = host === "scheduler" ? [] : ["--local-directory", join(this.#folder, host, "dask")];
    return this.#run(host, [dask, ...args, "--protocol", "tls", ...tls, ...local, "--no-dashboard"]);
  }

  #run(host: Host, command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const hidden = ["authority", ...hostNames]
      .filter((other) => other !== host)
      .map((other) => join(this.#folder, other));
    if (host.startsWith("w")) hidden.push(join(checkout, "packages"), join(checkout, "tests"));
    return spawn(script, ["run", host, ...command], {
      cwd: join(this.#folder, host),
      env: { ...env, ...this.#environment(), HOSTS_HIDE: hidden.join(delimiter) },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  #environment(): NodeJS.ProcessEnv {
    return { PATH: process.env["PATH"], HOSTS_PREFIX: this.prefix };
  }
}

/** Waits until a process has written what matches. @throws Error with what it wrote instead when it ends, or after a minute */
async function written(child: ChildProcess, pattern: RegExp): Promise<void> {
  let text = "";
  const found = Promise.withResolvers<void>();
  const fail = (how: string): void => found.reject(new Error(`${how} before it wrote ${pattern}: ${text}`));
  const timer = setTimeout(() => fail(`it took ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS);
  for (const stream of [child.stdout, child.stderr]) {
    // It goes on reading: a process whose output nobody takes stands still.
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) found.resolve();
    });
  }
  child.once("exit", (code) => fail(`it ended with ${code}`));
  child.once("error", found.reject);
  await found.promise.finally(() => clearTimeout(timer));
}
