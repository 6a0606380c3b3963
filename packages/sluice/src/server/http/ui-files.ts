/**
 * Serves web UIs that were built for Prefect's API: their files, and `/ui-settings`, from which they learn where the API is.
 *
 * A UI is built without knowing at which path it will be served: wherever its files say {@link BASE_PLACEHOLDER}, they are given the path. Every path
 * below it that is no file is a page of the UI, and is answered with its `index.html`.
 */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, normalize, resolve, sep } from "node:path";
import type { Hono } from "hono";
import { getMimeType } from "hono/utils/mime";

/** Where a UI is served, as its files name it. */
const BASE_PLACEHOLDER = "/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER";
const TEXT = /\.(?:html|js|css|json|svg|txt|webmanifest|map)$/;
/** Files with a hash in their names never change. */
const HASHED = /\/assets\//;
/** A UI runs only its own code, and asks only this server; its styles are partly written into the page. */
const CONTENT_POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'";

/** Which UIs are served. */
export interface UiOptions {
  /** Folder of a built UI (with an `index.html`), or with UIs in its folders `v1` and `v2`; none (default) serves no UI. */
  readonly uiDirectory?: string | null;
  /** Address of the API as browsers see it; by default the address that a page was asked from. */
  readonly uiApiUrl?: string | null;
  readonly csrfEnabled?: boolean;
  readonly hasAuth?: boolean;
}

interface Bundle {
  readonly version: "v1" | "v2";
  readonly folder: string;
  /** Path without a closing slash; empty for the root. */
  readonly base: string;
}

/** Adds the UIs to the app. Nothing is added but `/ui-settings` when there are none. */
export function serveUi(app: Hono, options: UiOptions): void {
  const bundles = findBundles(options.uiDirectory ?? null);
  app.get("/ui-settings", (context) => {
    const origin = new URL(context.req.url).origin;
    const base = (version: Bundle["version"]): string | null => {
      const bundle = bundles.find((one) => one.version === version);
      return bundle ? bundle.base || "/" : null;
    };
    return context.json({
      api_url: options.uiApiUrl ?? `${origin}/api`,
      csrf_enabled: options.csrfEnabled ?? false,
      auth: options.hasAuth ? "BASIC" : null,
      flags: [],
      default_ui: bundles.some(({ version }) => version === "v2") ? "v2" : "v1",
      available_uis: bundles.map(({ version }) => version),
      v1_base_url: base("v1"),
      v2_base_url: base("v2"),
    });
  });
  // The longer path first: everything is below the root.
  for (const bundle of bundles.toSorted((one, other) => other.base.length - one.base.length)) {
    app.get(`${bundle.base}/*`, (context) => answer(bundle, new URL(context.req.url).pathname));
  }
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

async function answer(bundle: Bundle, path: string): Promise<Response> {
  if (path.startsWith("/api/") || path === "/api") return Response.json({ detail: "Not Found" }, { status: 404 });
  const file = fileOf(bundle, path) ?? join(bundle.folder, "index.html");
  const headers = {
    "content-type": getMimeType(file) ?? "application/octet-stream",
    "cache-control": HASHED.test(file) ? "public, max-age=31536000, immutable" : "no-cache",
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
  };
  const bytes = await readFile(file);
  const body = TEXT.test(file) ? bytes.toString("utf8").replaceAll(BASE_PLACEHOLDER, bundle.base) : bytes;
  return new Response(body, { headers });
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
