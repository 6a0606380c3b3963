import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { HttpTransport } from "../client/http-transport.ts";
import type { ApiRequest, ApiResponse, Transport } from "../client/transport.ts";
import { isSluiceError, SluiceError } from "../wire/errors.ts";
import { type HomeListener, listenForHome } from "./home-listener.ts";
import type { HomePaths } from "./home-paths.ts";
import type { HomeServer } from "./home-server.ts";
import { type LeaderLock, tryLeaderLock } from "./leader-lock.ts";

/*
 * Takes requests to whoever leads the home, and leads it when nobody does.
 *
 * States
 *   following  Another process leads, or will in a moment. Requests go over the home's socket. One idle connection is held open to it: its end
 *              is the news of the leader's death. Entered at the start when the lock is taken, left when we get the lock.
 *   leading    We hold the lock, own the database and listen on the socket. Requests are answered here. Left only by `close`.
 *   closed     Nothing is taken any more.
 *
 * Invariants
 *   1. Only the holder of the lock opens the database or touches the socket's file. The lock falls with its process, not before and not later.
 *   2. The lock is taken before the database is opened, and released after it is closed.
 *   3. An answer is given only after the leader has made the request durable, so a request whose connection broke is unanswered and is sent
 *      again, to the same or the next leader. Records are idempotent; the rest arrives at least once.
 *   4. A follower tries the lock when its connection ends and then every 50 to 100 ms until it has it or reaches a leader again, so the home
 *      is led again within a second of a death as long as one process is there.
 *
 * Failures
 *   leader killed         its kernel locks and connections fall at once; the followers race for the lock, one opens the database (SQLite
 *                         recovers its log) and listens; the others find the new socket.
 *   leader stopped        (SIGSTOP, a debugger) keeps the lock: nobody may lead. Requests time out and are tried again.
 *   database unusable     the one who got the lock gives it back, so that another may try, and its own requests fail with the reason.
 *   leader closes         it stops accepting, answers what it has, closes the database, releases the lock, and only then cuts the idle
 *                         connections: the next leader gets the lock at its first try.
 */

/** How long a request is tried again while nobody answers at the socket. */
const GIVE_UP_MS = 30_000;
/** Pause between two tries to lead or reach a leader, plus up to as much again so that followers do not move in step. */
const RETRY_MS = 50;

export interface HomeRouteOptions {
  readonly paths: HomePaths;
  /** Opens the database; called only while the lock is held. */
  readonly openServer: () => Promise<HomeServer>;
  /** Called when this process starts to lead. */
  readonly onLead: () => void;
}

/** The way to the leader of a home, which may be this process. See the head of the file. */
export class HomeRoute implements Transport {
  readonly #options: HomeRouteOptions;
  readonly #http: HttpTransport;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #lock: LeaderLock | undefined;
  #server: HomeServer | undefined;
  #listening: Promise<HomeListener> | undefined;
  #rejoining: Promise<void> | undefined;

  private constructor(options: HomeRouteOptions) {
    this.#options = options;
    this.#http = new HttpTransport({ socketPath: options.paths.socketPath }, { retryForMs: 0 });
  }

  /**
   * Joins the home: leads it when nobody does, else follows.
   *
   * @throws SluiceError of the database when this process got the lead and cannot open it
   */
  static async join(options: HomeRouteOptions): Promise<HomeRoute> {
    const route = new HomeRoute(options);
    await route.#tryLead();
    if (route.role === "follower") void route.#watchLeader();
    return route;
  }

  get role(): "leader" | "follower" {
    return this.#server === undefined ? "follower" : "leader";
  }

  async send(request: ApiRequest, signal?: AbortSignal): Promise<ApiResponse> {
    const answer = this.#route(request, signal);
    this.#running.add(answer);
    try {
      return await answer;
    } finally {
      this.#running.delete(answer);
    }
  }

  /** Hands over: answers what is under way, closes the database, releases the lead. See "leader closes" above. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new SluiceError("SLUICE_API_UNREACHABLE", "This process has left its home."));
    const listener = await this.#listening?.catch(() => undefined);
    listener?.stopAccepting();
    this.#server?.stopHolding();
    await Promise.allSettled([...this.#running, this.#rejoining]);
    await this.#server?.close();
    this.#lock?.release();
    listener?.cut();
    await this.#http.close();
  }

  async #route(request: ApiRequest, signal: AbortSignal | undefined): Promise<ApiResponse> {
    let lostAtMs: number | undefined;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#server !== undefined) return this.#server.handle(request, signal);
      try {
        return await this.#http.send(request, signal);
      } catch (error) {
        if (!isSluiceError(error, "SLUICE_API_UNREACHABLE")) throw error;
        lostAtMs ??= performance.now();
        if (this.#closing.signal.aborted || performance.now() - lostAtMs > GIVE_UP_MS) throw error;
        await this.#rejoin();
      }
    }
  }

  /** One try to lead and, when that fails, a pause; shared by everyone who misses the leader at the same time. */
  #rejoin(): Promise<void> {
    this.#rejoining ??= (async () => {
      await this.#tryLead();
      if (this.role === "follower") await pause(this.#closing.signal);
    })().finally(() => (this.#rejoining = undefined));
    return this.#rejoining;
  }

  async #tryLead(): Promise<void> {
    if (this.#server !== undefined || this.#closing.signal.aborted) return;
    const lock = tryLeaderLock(this.#options.paths.lockFile);
    if (lock === undefined) return;
    try {
      this.#server = await this.#options.openServer();
    } catch (error) {
      lock.release();
      throw error;
    }
    this.#lock = lock;
    this.#options.onLead();
    // The first records of this process do not wait for its ear; followers try again until it is there.
    setImmediate(() => this.#listen());
  }

  #listen(): void {
    if (this.#closing.signal.aborted) return;
    this.#listening = listenForHome(this.#options.paths.socketPath, (request, signal) => this.send(request, signal));
    this.#listening.catch((error: unknown) => {
      process.stderr.write(`sluice: other processes cannot reach this home: ${String(error)}\n`);
    });
  }

  /** Holds an idle connection to the leader until it ends, then tries to lead; over again until we lead or are closed. */
  async #watchLeader(): Promise<void> {
    while (this.role === "follower" && !this.#closing.signal.aborted) {
      await connectionEnd(this.#options.paths.socketPath, this.#closing.signal);
      try {
        await this.#rejoin();
      } catch (error) {
        // Requests get the same error as their answer; the watch goes on, since the reason may pass (a full disk).
        process.stderr.write(
          `sluice: cannot lead this home: ${error instanceof Error ? error.message : String(error)}\n`,
        );
        await pause(this.#closing.signal);
      }
    }
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return delay(RETRY_MS * (1 + Math.random()), undefined, { signal }).catch(() => undefined);
}

/** Resolves when a connection to `socketPath` could not be made or has ended. */
function connectionEnd(socketPath: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath, signal });
    // Why it failed does not matter: "close" follows every error.
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());
    socket.resume();
  });
}
