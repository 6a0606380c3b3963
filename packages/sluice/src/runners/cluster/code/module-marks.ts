import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

const STRICT = /^\s*(?:"use strict"|'use strict');?/;
const HASHBANG = /^#![^\n]*\n/;
/** A file named relative to the module. */
const ASSET = /new URL\(\s*(["'`])(\.{1,2}\/[^"'`$]+)\1\s*,\s*import\.meta\.url\s*\)/g;
const MODULE_FILE = /\.[cm]?[jt]sx?$/;

/**
 * Makes a module say which one it is while it is evaluated inside a bundle, and keep its own `import.meta.url`.
 *
 * Line numbers stay. Engine side: `engine/functions/shipped-modules.ts`.
 */
export function markModule(
  path: string,
  source: string,
): { readonly text: string; readonly assets: readonly string[] } {
  const url = pathToFileURL(path).href;
  const assets = Array.from(source.matchAll(ASSET), (match) => match[2] ?? "").filter(
    (asset) => !MODULE_FILE.test(asset),
  );
  const here = source
    .replace(/\bimport\.meta\.url\b/g, JSON.stringify(url))
    .replace(/\bimport\.meta\.filename\b/g, JSON.stringify(path))
    .replace(/\bimport\.meta\.dirname\b/g, JSON.stringify(dirname(path)));
  const hashbang = HASHBANG.exec(here)?.[0] ?? "";
  const body = here.slice(hashbang.length);
  const strict = STRICT.test(body) ? '"use strict"; ' : "";
  const names = isCommonJs(path, body)
    ? `var __filename = ${JSON.stringify(path)}, __dirname = ${JSON.stringify(dirname(path))}; `
    : "";
  const registry = 'globalThis[Symbol.for("sluice.shipped")]';
  const enter = `${strict}${names}${registry}?.enter(${JSON.stringify(url)}); `;
  return {
    text: `${hashbang === "" ? "" : "\n"}${enter}${body}\n;${registry}?.leave(${JSON.stringify(url)});`,
    assets: assets.map((asset) => `${asset} (in ${path})`),
  };
}

function isCommonJs(path: string, text: string): boolean {
  return (
    /\b__(?:dirname|filename)\b/.test(text) && (path.endsWith(".cjs") || /\brequire\(|\bmodule\.exports\b/.test(text))
  );
}
