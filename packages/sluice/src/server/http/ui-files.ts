/**
 * Serves web UIs that were built for Prefect's API: their files, and `/ui-settings`, from which they learn where the API is.
 *
 * A UI is built without knowing at which path it will be served: wherever its files say {@link BASE_PLACEHOLDER}, they are given the path. Every path
 * below it that is no file is a page of the UI, and is answered with its `index.html`.
 */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { extname, join, normalize, resolve, sep } from "node:path";
import { originOf } from "../access/origins.ts";

/** Where a UI is served, as its files name it. */
const BASE_PLACEHOLDER = "/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER";
const TEXT = /\.(?:html|js|css|json|svg|txt|webmanifest|map)$/;
/** Files with a hash in their names never change. */
const HASHED = /\/assets\//;

/** Media types of the files that a built UI consists of. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".ttf": "font/ttf",
  ".wasm": "application/wasm",
};

/** Which UIs are served. */
export interface UiOptions {
  /** Folder of a built UI (with an `index.html`), or with UIs in its folders `v1` and `v2`; none (default) serves no UI. */
  readonly uiDirectory?: string | null;
  /** Address of the API as browsers see it; by default the address that a page was asked from. */
  readonly uiApiUrl?: string | null;
  readonly csrfEnabled?: boolean;
  /** Whether a page has to ask its user for credentials. */
  readonly hasAuth?: () => boolean;
}

/** A file, or a page, as it is answered. */
export interface UiAnswer {
  /** Names, in small letters, and values in turn; without the length. */
  readonly headers: readonly string[];
  readonly bytes: Buffer;
}

interface Bundle {
  readonly version: "v1" | "v2";
  readonly folder: string;
  /** Path without a closing slash; empty for the root. */
  readonly base: string;
}

/** The UIs of a server, and what they ask before they know where the API is. */
export class UiFiles {
  readonly #options: UiOptions;
  /** The longest path first: everything is below the root. */
  readonly #bundles: readonly Bundle[];
  readonly #contentPolicy: string;

  constructor(options: UiOptions) {
    this.#options = options;
    this.#bundles = findBundles(options.uiDirectory ?? null).toSorted(
      (one, other) => other.base.length - one.base.length,
    );
    this.#contentPolicy = contentPolicy(options.uiApiUrl ?? null);
  }

  /** Answers a path outside the API; undefined when nothing is there. @param path as it was sent, without the query */
  async answer(path: string, headers: IncomingHttpHeaders): Promise<UiAnswer | undefined> {
    if (path === "/ui-settings") return this.#settings(headers);
    const bundle = this.#bundles.find(({ base }) => path.startsWith(`${base}/`));
    if (!bundle) return undefined;
    const file = fileOf(bundle, path) ?? join(bundle.folder, "index.html");
    const bytes = await readFile(file);
    return {
      headers: [
        "content-type",
        MEDIA_TYPES[extname(file)] ?? "application/octet-stream",
        "cache-control",
        HASHED.test(file) ? "public, max-age=31536000, immutable" : "no-cache",
        ...this.#safeHeaders(),
      ],
      bytes: TEXT.test(file) ? Buffer.from(bytes.toString("utf8").replaceAll(BASE_PLACEHOLDER, bundle.base)) : bytes,
    };
  }

  #settings(headers: IncomingHttpHeaders): UiAnswer {
    const base = (version: Bundle["version"]): string | null => {
      const bundle = this.#bundles.find((one) => one.version === version);
      return bundle ? bundle.base || "/" : null;
    };
    const versions = this.#bundles.map(({ version }) => version).toSorted();
    const settings = {
      api_url: this.#options.uiApiUrl ?? `${originOf(headers)}/api`,
      csrf_enabled: this.#options.csrfEnabled ?? false,
      auth: this.#options.hasAuth?.() ? "BASIC" : null,
      flags: [],
      default_ui: versions.includes("v2") ? "v2" : "v1",
      available_uis: versions,
      v1_base_url: base("v1"),
      v2_base_url: base("v2"),
    };
    return {
      headers: ["content-type", "application/json", ...this.#safeHeaders()],
      bytes: Buffer.from(JSON.stringify(settings)),
    };
  }

  #safeHeaders(): readonly string[] {
    return [
      "content-security-policy",
      this.#contentPolicy,
      "x-content-type-options",
      "nosniff",
      "referrer-policy",
      "same-origin",
    ];
  }
}

/** A UI runs only its own code, and asks only its own API; its styles are partly written into the page, and its graphs compile their shaders' code. */
function contentPolicy(apiUrl: string | null): string {
  const api = apiUrl === null ? "" : ` ${new URL(apiUrl).origin}`;
  return `default-src 'self'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https:; font-src 'self' data:; connect-src 'self'${api} ws: wss:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'`;
}

function findBundles(directory: string | null): Bundle[] {
  if (directory === null) return [];
  if (existsSync(join(directory, "index.html"))) return [{ version: "v1", folder: resolve(directory), base: "" }];
  const found = (["v1", "v2"] as const).filter((version) => existsSync(join(directory, version, "index.html")));
  return found.map((version) => ({
    version,
    folder: resolve(directory, version),
    base: version === "v2" && found.length > 1 ? "/v2" : "",
  }));
}

/** The file of a path; undefined for none, and for one outside the bundle. */
function fileOf({ folder, base }: Bundle, path: string): string | undefined {
  let name: string;
  try {
    name = decodeURIComponent(path.slice(base.length));
  } catch {
    return undefined; // No file of ours has such a name.
  }
  const file = normalize(join(folder, name));
  if (name.includes("\0") || !file.startsWith(folder + sep)) return undefined;
  return existsSync(file) && statSync(file).isFile() ? file : undefined;
}
