import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { shippedHome } from "./shipped-modules.ts";

/**
 * Finds the module whose evaluation created a function, from the call stack at the moment of its declaration.
 *
 * The *site* is where `flow(` is written; the *home* is the module that was being evaluated. They differ when a library's factory makes flows at the
 * top level of a user's module: re-importing the home creates the function again, re-importing the site does not. V8 shows the top-level frame of a
 * module as a nameless one whose enclosing function begins at 1:1, in ESM and CommonJS, before and after a top-level await. The same frame
 * marked async means code that the top level merely awaits: that runs at run time, and has no home.
 */
export interface SourceHome {
  /** URL of the home module without query or hash; null for a function made at run time or in code that no import can repeat. */
  readonly home: string | null;
  /** The home as the loader names it, with the query that tells two evaluations of one file apart; null with `home`. */
  readonly evaluation: string | null;
  /** `file:line:column` of the site, `file` being a path; "unknown" when the stack shows no user code. */
  readonly declaredAt: string;
  /** Name of the innermost user function around the site; null when there is none or it has no name. */
  readonly madeBy: string | null;
}

/** Enough to cross a factory in a library; deeper declarations are taken for run-time ones. */
const STACK_FRAMES = 64;
const LOADER_FOLDERS = /\/node_modules\/(?:tslib|tsx|jiti|vite|vitest|@vitest)\//;
const JITI_FOLDER = /\/node_modules\/jiti\//;
/** The package's own sources, compiled or not. Tests and test suites beside them are users of the package. */
const PACKAGE_FOLDERS = ["../../../src/", "../../../dist/"].map((folder) => new URL(folder, import.meta.url).href);
const USERS_WITHIN = /\.(?:test|testsuite|fixture)\.[cm]?[jt]s$/;
const REPEATABLE = /^file:\/\//;

const urlsOfPaths = new Map<string, string>();
const internalFiles = new Map<string, boolean>();

/**
 * Reads the home of a declaration from the stack of the caller.
 *
 * Costs a few microseconds.
 *
 * @param skipFrames frames above and including this function are left out; frames of this package always are
 */
export function findSourceHome(skipFrames: CallableFunction): SourceHome {
  const frames = callSites(skipFrames);
  let site: NodeJS.CallSite | undefined;
  let madeBy: string | null = null;
  for (const [index, frame] of frames.entries()) {
    const file = urlOf(frame.getFileName());
    if (file === null || isInternal(file)) continue;
    site ??= frame;
    const shipped = shippedHome();
    // Inside a bundle all modules are one file: they say themselves which of them is being evaluated.
    if (shipped !== undefined)
      return { home: shipped, evaluation: `${shipped}?${file}`, declaredAt: place(site), madeBy };
    if (frame.isAsync()) break;
    if (isTopLevel(frame, frames[index + 1])) return { ...asHome(file), declaredAt: place(site), madeBy };
    madeBy ??= frame.getFunctionName();
  }
  return { home: null, evaluation: null, declaredAt: place(site), madeBy };
}

/** Tells where user code called, as `file:line:column`; "unknown" when the stack shows none. */
export function findCallPlace(skipFrames: CallableFunction): string {
  const frame = callSites(skipFrames).find((candidate) => {
    const file = urlOf(candidate.getFileName());
    return file !== null && !isInternal(file);
  });
  return place(frame);
}

function callSites(skipFrames: CallableFunction): readonly NodeJS.CallSite[] {
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was, never called here
  const { prepareStackTrace } = Error;
  const limit = Error.stackTraceLimit;
  let sites: readonly NodeJS.CallSite[] = [];
  Error.stackTraceLimit = STACK_FRAMES;
  Error.prepareStackTrace = (_error, frames) => {
    sites = frames;
    return "";
  };
  try {
    const holder: { stack?: string } = {};
    Error.captureStackTrace(holder, skipFrames);
    // The frames are prepared when the property is first read.
    void holder.stack;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = limit;
  }
  return sites;
}

function isTopLevel(frame: NodeJS.CallSite, below: NodeJS.CallSite | undefined): boolean {
  // jiti wraps a module in an async function of its own: there the frame just inside it is the module.
  if (JITI_FOLDER.test(below?.getFileName() ?? "")) return true;
  const column = frame.getEnclosingColumnNumber();
  // A wrapper without positions reports column null.
  const atStart = frame.getEnclosingLineNumber() === 1 && (column === 1 || column === null);
  return atStart && (frame.getFunctionName() ?? "") === "";
}

function asHome(url: string): { home: string | null; evaluation: string | null } {
  if (!REPEATABLE.test(url)) return { home: null, evaluation: null };
  return { home: url.replace(/[?#].*$/s, ""), evaluation: url };
}

function urlOf(file: string | null | undefined): string | null {
  if (file === null || file === undefined || file === "") return null;
  // CommonJS names its modules by path, ESM by URL.
  if (!isAbsolute(file)) return file;
  let url = urlsOfPaths.get(file);
  if (url === undefined) urlsOfPaths.set(file, (url = pathToFileURL(file).href));
  return url;
}

function isInternal(url: string): boolean {
  let internal = internalFiles.get(url);
  if (internal === undefined) {
    internal =
      url.startsWith("node:") ||
      LOADER_FOLDERS.test(url) ||
      (PACKAGE_FOLDERS.some((folder) => url.startsWith(folder)) && !USERS_WITHIN.test(url.replace(/\?.*$/s, "")));
    internalFiles.set(url, internal);
  }
  return internal;
}

function place(frame: NodeJS.CallSite | undefined): string {
  if (frame === undefined) return "unknown";
  const file = (frame.getFileName() ?? "unknown").replace(/^file:\/\//, "").replace(/[?#].*$/s, "");
  return `${file}:${frame.getLineNumber() ?? 0}:${frame.getColumnNumber() ?? 0}`;
}
