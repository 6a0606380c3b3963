import { hash } from "node:crypto";
import { zipSync } from "fflate";
import type { CodeBundle } from "../../cluster/code/code-bundle.ts";
import type { SdkFiles } from "../../cluster/code/sdk-files.ts";
import type { JobServer } from "./job-server.ts";

/** A zip file by the name that it has on the cluster. */
interface JobPackage {
  readonly name: string;
  readonly content: Uint8Array;
}

/** The packages of a cluster: that of each bundle, named by its content, and one for each job's order. */
export class JobPackages {
  readonly #server: JobServer;
  readonly #sdk: SdkFiles;
  readonly #byCode = new Map<string, JobPackage>();
  readonly #sending = new Map<string, Promise<string>>();

  constructor(server: JobServer, sdk: SdkFiles) {
    this.#server = server;
    this.#sdk = sdk;
  }

  /** Makes the package of a bundle: the package's own files, and the bundle's. */
  add({ hash: code, files }: CodeBundle): void {
    const all = [...folder(this.sdkFolder, this.#sdk.files), ...folder(`code/${code}`, files)];
    const name = packageName(hash("sha256", `${this.#sdk.hash} ${code}`));
    this.#byCode.set(code, { name, content: zip(all) });
  }

  /** Puts the package of a bundle there unless the cluster has it: it lets go of what no job needs. @returns its URI */
  async uriOf(code: string): Promise<string> {
    const made = this.#byCode.get(code);
    if (made === undefined) throw new Error(`no package was made of the bundle ${code}`);
    let sending = this.#sending.get(code);
    if (sending === undefined) {
      sending = this.#provide(made).finally(() => this.#sending.delete(code));
      this.#sending.set(code, sending);
    }
    return sending;
  }

  /** Puts the files of one job there. @param id of the job: the name of the folder that they are in @returns the URI of their package */
  async putOrder(id: string, files: ReadonlyMap<string, Uint8Array>): Promise<string> {
    const name = packageName(hash("sha256", id));
    // It may hold the credentials of the API.
    await this.#server.putPackage(name, zip(folder(id, files), OWNER_ONLY));
    return uriOf(name);
  }

  /** Where the package's own files lie in a package. */
  get sdkFolder(): string {
    return `sdk/${this.#sdk.hash}`;
  }

  async #provide({ name, content }: JobPackage): Promise<string> {
    if (!(await this.#server.hasPackage(name))) await this.#server.putPackage(name, content);
    return uriOf(name);
  }
}

function packageName(digits: string): string {
  return `_ray_pkg_${digits.slice(0, 32)}.zip`;
}

function uriOf(name: string): string {
  return `gcs://${name}`;
}

function folder(name: string, files: ReadonlyMap<string, Uint8Array>): [string, Uint8Array][] {
  return Array.from(files, ([path, bytes]) => [`${name}/${path}`, bytes]);
}

/** When nothing was changed: the first that the format knows. */
const NO_TIME = new Date(1980, 0, 1);

/** Permissions as Unix has them, in the upper half of the attributes. */
const UNIX = 3;
const EVERYONE_READS = 0o644;
const OWNER_ONLY = 0o600;

function zip(files: readonly [string, Uint8Array][], mode = EVERYONE_READS): Uint8Array {
  return zipSync(Object.fromEntries(files), { mtime: NO_TIME, os: UNIX, attrs: mode << 16 });
}
