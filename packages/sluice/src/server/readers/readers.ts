import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { SluiceError } from "../../wire/errors.ts";
import type { ServerSettings } from "../../wire/server-settings.ts";
import type { RouteCall } from "../api/handler.ts";
import type { ApiReply } from "../api-reply.ts";
import type { Store } from "../db/store.ts";
import type { ReadAnswer, ReaderData, ReadQuestion } from "./reader-messages.ts";

/*
 * Threads that answer what only reads, so that a search through a million events holds nobody else up.
 *
 * Each has a read-only connection. What was answered before a request came is committed, so a reader sees it. A small database is not worth the way to another
 * thread: nothing in it takes long. Threads are started at the first need, the second when the first is at work, and end after a quiet time.
 *
 * Failures
 *   a thread dies      its requests are answered with 503, which clients try again; the next request starts another.
 *   the server closes  the same.
 */
const MOST_THREADS = 2;
const QUIET_MS = 60_000;

export interface ReadersOptions {
  readonly store: Store;
  readonly settings: ServerSettings;
  /** Size of a database, in bytes, from which on it has readers. */
  readonly fromBytes: number;
  /** Hears of errors that no caller is to blame for. */
  readonly onError: (error: unknown) => void;
}

interface Waiting {
  readonly resolve: (reply: ApiReply) => void;
  readonly reject: (reason: Error) => void;
}

interface Reader {
  readonly thread: Worker;
  readonly waiting: Map<number, Waiting>;
}

/** The reader threads of a server; see the head of the file. */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #readers = new Set<Reader>();
  readonly #quiet: NodeJS.Timeout;
  #asked = 0;
  #lastAsked = 0;
  #isClosed = false;

  constructor(options: ReadersOptions) {
    this.#options = options;
    this.#quiet = setInterval(() => this.#endQuiet(), QUIET_MS).unref();
  }

  /** Whether the database is so large that a list may take long. */
  get areWorthIt(): boolean {
    const { store, fromBytes } = this.#options;
    return !this.#isClosed && store.bytes >= fromBytes;
  }

  /**
   * Has a request answered by a thread that is free, or will be first.
   *
   * @param route method and path of the route table
   * @throws SluiceError `SLUICE_API_UNREACHABLE` when the thread has died, or the server is closed, before it was answered
   */
  ask(route: string, { params, query, body, origin }: RouteCall): Promise<ApiReply> {
    const reader = this.#freest();
    const id = ++this.#asked;
    const question: ReadQuestion = {
      id,
      route,
      call: origin === undefined ? { params, body } : { params, body, origin },
      search: query.toString(),
      nowUs: this.#options.store.nowUs(),
    };
    return new Promise((resolve, reject) => {
      reader.waiting.set(id, { resolve, reject });
      reader.thread.postMessage(question);
    });
  }

  /** Ends all threads; resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#quiet);
    await Promise.all(Array.from(this.#readers, (reader) => this.#end(reader, "The server is being closed.")));
  }

  #freest(): Reader {
    const readers = [...this.#readers].toSorted((a, b) => a.waiting.size - b.waiting.size);
    const [freest] = readers;
    if (freest !== undefined && (freest.waiting.size === 0 || readers.length >= MOST_THREADS)) return freest;
    return this.#start();
  }

  /** Sources run as they are and compiled, so the thread's file has the ending of this one. */
  #start(): Reader {
    const file = new URL(`./reader-thread${extname(import.meta.url)}`, import.meta.url);
    const { store, settings } = this.#options;
    const workerData: ReaderData = { databaseFile: store.file, settings };
    const thread = new Worker(file, { name: "sluice-reader", execArgv: [], workerData });
    thread.unref();
    const reader: Reader = { thread, waiting: new Map() };
    thread.on("message", ({ id, reply, fault }: ReadAnswer) => {
      if (fault !== undefined) this.#options.onError(new Error(`A reader failed: ${fault}`));
      reader.waiting.get(id)?.resolve(reply);
      reader.waiting.delete(id);
    });
    thread.on("error", (error) => {
      this.#options.onError(error);
      void this.#end(reader, `A thread that reads the database has died: ${error.message}`);
    });
    thread.once("exit", () => void this.#end(reader, "A thread that reads the database has ended."));
    this.#readers.add(reader);
    return reader;
  }

  async #end(reader: Reader, reason: string): Promise<void> {
    this.#readers.delete(reader);
    for (const { reject } of reader.waiting.values()) reject(new SluiceError("SLUICE_API_UNREACHABLE", reason));
    reader.waiting.clear();
    await reader.thread.terminate();
  }

  #endQuiet(): void {
    const isQuiet = this.#asked === this.#lastAsked;
    this.#lastAsked = this.#asked;
    if (!isQuiet) return;
    for (const reader of this.#readers) if (reader.waiting.size === 0) void this.#end(reader, "unused");
  }
}
