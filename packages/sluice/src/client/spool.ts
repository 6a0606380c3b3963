import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ApiRequest } from "./transport.ts";

/** Says that its holder works on something, until released or until the holder's process is gone. */
export interface Claim {
  release(): void;
}

/** Claims by a lock file, without waiting; undefined when somebody else holds it. */
export type TryClaim = (lockFile: string) => Claim | undefined;

const LOCK_NAME = "owner.lock";
const ENTRY = /^\d{12}\.req$/;

/**
 * Requests in the order of their coming, one file each, in a directory that its owner has claimed.
 *
 * A file is there wholly or not at all, and is on the disk when `append` returns. All calls are synchronous: for a thread that may block.
 */
export class Spool {
  readonly directory: string;
  readonly #claim: Claim;
  #names: string[];
  #next: number;
  #sizeBytes: number;

  private constructor(directory: string, claim: Claim) {
    this.directory = directory;
    this.#claim = claim;
    this.#names = readdirSync(directory)
      .filter((name) => ENTRY.test(name))
      .toSorted();
    this.#next = Number.parseInt(this.#names.at(-1) ?? "-1", 10) + 1;
    this.#sizeBytes = this.#names.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  }

  /** Makes an empty spool. It appears under its name only once it is claimed, so nobody takes it for one whose owner is dead. */
  static create(directory: string, tryClaim: TryClaim): Spool {
    const unborn = `${directory}.new`;
    mkdirSync(unborn, { recursive: true, mode: 0o700 });
    const claim = tryClaim(join(unborn, LOCK_NAME));
    if (claim === undefined) throw new Error(`${unborn} is claimed by another process.`);
    renameSync(unborn, directory);
    return new Spool(directory, claim);
  }

  /** Takes over the spools in `parent` whose owners are gone. */
  static adopt(parent: string, tryClaim: TryClaim): Spool[] {
    return listDirectories(parent).flatMap((name) => {
      const directory = join(parent, name);
      const claim = tryClaim(join(directory, LOCK_NAME));
      return claim === undefined ? [] : [new Spool(directory, claim)];
    });
  }

  get count(): number {
    return this.#names.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(request: ApiRequest): void {
    const name = `${String(this.#next).padStart(12, "0")}.req`;
    const content = `${request.path}\n${request.body ?? ""}`;
    const temporary = join(this.directory, `${name}.tmp`);
    writeDurably(temporary, content);
    renameSync(temporary, join(this.directory, name));
    syncDirectory(this.directory);
    this.#next++;
    this.#names.push(name);
    this.#sizeBytes += Buffer.byteLength(content);
  }

  /** The oldest request, undefined when there is none. */
  oldest(): ApiRequest | undefined {
    const [name] = this.#names;
    if (name === undefined) return undefined;
    const content = readFileSync(join(this.directory, name), "utf8");
    const end = content.indexOf("\n");
    return { method: "POST", path: content.slice(0, end), body: content.slice(end + 1) };
  }

  /** Forgets the oldest request; `keepAs` keeps its file under another ending, for a person to look at. */
  drop(keepAs?: "refused"): void {
    const name = this.#names.shift();
    if (name === undefined) return;
    const file = join(this.directory, name);
    this.#sizeBytes -= statSync(file).size;
    if (keepAs === undefined) rmSync(file);
    else renameSync(file, `${file}.${keepAs}`);
  }

  /** Gives the claim up; an empty spool is removed, what is in another is left for the next process. */
  close(): void {
    // A half-written file (.tmp) was never answered for, so it is nobody's.
    const isEmpty = !readdirSync(this.directory).some((name) => name.endsWith(".req") || name.endsWith(".refused"));
    // Removed while still claimed, so that nobody adopts it in between.
    if (isEmpty) rmSync(this.directory, { recursive: true });
    this.#claim.release();
  }
}

function listDirectories(parent: string): string[] {
  try {
    const entries = readdirSync(parent, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && !entry.name.endsWith(".new")).map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return []; // Nobody has ever spooled here.
    throw error;
  }
}

function writeDurably(file: string, content: string): void {
  const descriptor = openSync(file, "w", 0o600);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A new name is durable only once its directory is. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
