/**
 * Finds the installed packages of a folder and the files of each. Symbolic links (workspaces, `.bin`) are not followed.
 *
 * Reads synchronously: many small files take several times as long when each is awaited.
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { dialectOf } from "./measure-file.ts";

/** An installed package. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** As its package.json says; "(file)" after a licence that was recognised from its LICENSE file, "unknown" without either. */
  readonly licence: string;
  /** Absolute. */
  readonly directory: string;
  readonly fileCount: number;
  /** All regular files, without packages installed below. */
  readonly installedBytes: number;
  readonly sourceCount: number;
  readonly sourceBytes: number;
}

/** A regular file of a package. */
export interface PackageFile {
  /** Relative to the package, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Lists the packages in the `node_modules` of a folder, and those nested in them, largest source first.
 *
 * @param folder a project, or a `node_modules` folder itself
 * @throws Error when there is no `node_modules`
 */
export function findPackages(folder: string): readonly InstalledPackage[] {
  const root = resolve(folder);
  const modules = basename(root) === "node_modules" ? root : join(root, "node_modules");
  if (!isFolder(modules)) {
    throw new Error(
      `expected installed dependencies in ${modules}, found none: run npm install there, or name another folder`,
    );
  }
  const directories: string[] = [];
  collectPackages(modules, directories);
  const packages: InstalledPackage[] = [];
  for (const directory of directories) packages.push(describePackage(directory));
  return packages.toSorted((a, b) => b.sourceBytes - a.sourceBytes || a.directory.localeCompare(b.directory, "en"));
}

/** Lists the regular files of a package in a stable order; not those of packages installed below it. */
export function listFiles(directory: string, prefix = ""): readonly PackageFile[] {
  const files: PackageFile[] = [];
  for (const entry of readFolder(join(directory, prefix))) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== "node_modules") files.push(...listFiles(directory, path));
    if (entry.isFile()) files.push({ path, bytes: lstatSync(join(directory, path)).size });
  }
  return files;
}

function collectPackages(modules: string, into: string[]): void {
  for (const entry of readFolder(modules)) {
    if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
    const directory = join(modules, entry.name);
    if (entry.name.startsWith("@")) {
      collectPackages(directory, into);
    } else {
      into.push(directory);
      const nested = join(directory, "node_modules");
      if (isFolder(nested)) collectPackages(nested, into);
    }
  }
}

function describePackage(directory: string): InstalledPackage {
  const files = listFiles(directory);
  const sources = files.filter((file) => dialectOf(file.path) !== undefined);
  const manifest = readManifest(directory);
  const licenceFile = files.find((file) => /^licen[cs]e(?:\.(?:md|txt))?$/i.test(file.path));
  return {
    name: textOf(manifest["name"]) ?? directory.slice(directory.lastIndexOf("node_modules") + "node_modules/".length),
    version: textOf(manifest["version"]) ?? "0.0.0",
    licence:
      declaredLicence(manifest) ?? (licenceFile ? recogniseLicence(join(directory, licenceFile.path)) : "unknown"),
    directory,
    fileCount: files.length,
    installedBytes: sumBytes(files),
    sourceCount: sources.length,
    sourceBytes: sumBytes(sources),
  };
}

function readManifest(directory: string): Readonly<Record<string, unknown>> {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    return typeof manifest === "object" && manifest !== null ? { ...manifest } : {};
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return {};
    throw error;
  }
}

/** `license: "MIT"`, and the two older forms `license: { type }` and `licenses: [{ type }]`. */
function declaredLicence(manifest: Readonly<Record<string, unknown>>): string | undefined {
  const declared: unknown = manifest["license"] ?? manifest["licenses"];
  const all: readonly unknown[] = Array.isArray(declared) ? declared : [declared];
  const names = all.map((each) =>
    typeof each === "object" && each !== null && "type" in each ? textOf(each.type) : textOf(each),
  );
  const known = names.filter((name) => name !== undefined);
  return known.length === 0 ? undefined : known.join(" OR ");
}

const LICENCE_TEXTS: readonly (readonly [name: string, text: RegExp])[] = [
  ["MIT", /Permission is hereby granted, free of charge/],
  ["Apache-2.0", /Apache License\s+Version 2\.0/],
  ["ISC", /Permission to use, copy, modify, and(?:\/or)? distribute this software/],
  ["BSD", /Redistribution and use in source and binary forms/],
];

function recogniseLicence(path: string): string {
  const text = readFileSync(path, "utf8");
  const found = LICENCE_TEXTS.find(([, pattern]) => pattern.test(text));
  return found === undefined ? "unknown" : `${found[0]} (file)`;
}

function readFolder(path: string) {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function sumBytes(files: readonly PackageFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}
