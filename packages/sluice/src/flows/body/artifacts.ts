import { currentFrame } from "../../engine/context/frame.ts";
import { SluiceError } from "../../wire/errors.ts";
import { callStore } from "./call-store.ts";
import { openSession } from "../session.ts";

/** What every artifact may have. */
export interface ArtifactOptions {
  /** Lower-case letters, digits and dashes. Artifacts with one key are versions of one thing. */
  readonly key?: string;
  readonly description?: string;
}

/** A table as rows of named cells, or as columns of equal length. */
export type ArtifactTable = readonly Readonly<Record<string, unknown>>[] | Readonly<Record<string, readonly unknown[]>>;

/** Stores a table with the current run. @returns the artifact's id @throws SluiceError SLUICE_OPTION_INVALID for a bad key */
export function createTableArtifact(artifact: ArtifactOptions & { readonly table: ArtifactTable }): Promise<string> {
  return create("table", artifact, JSON.stringify(artifact.table));
}

/** Stores a markdown text with the current run. @returns the artifact's id */
export function createMarkdownArtifact(artifact: ArtifactOptions & { readonly markdown: string }): Promise<string> {
  return create("markdown", artifact, artifact.markdown);
}

/** Stores a link with the current run; kept as markdown, as Prefect does. @returns the artifact's id */
export function createLinkArtifact(
  artifact: ArtifactOptions & { readonly link: string; readonly linkText?: string },
): Promise<string> {
  return create("markdown", artifact, `[${artifact.linkText ?? artifact.link}](${artifact.link})`);
}

/** Stores the address of an image with the current run. @returns the artifact's id */
export function createImageArtifact(artifact: ArtifactOptions & { readonly imageUrl: string }): Promise<string> {
  return create("image", artifact, artifact.imageUrl);
}

/** Stores a progress from 0 to 100 with the current run; see {@link updateProgressArtifact}. @returns the artifact's id */
export function createProgressArtifact(artifact: ArtifactOptions & { readonly progress: number }): Promise<string> {
  return create("progress", artifact, checkProgress(artifact.progress));
}

/** Moves a progress artifact on. @param id as `createProgressArtifact` gave it */
export async function updateProgressArtifact(id: string, progress: number): Promise<void> {
  const body = JSON.stringify({ data: checkProgress(progress) });
  await request("PATCH", `/api/artifacts/${encodeURIComponent(id)}`, body);
}

function checkProgress(progress: number): number {
  if (progress >= 0 && progress <= 100) return progress;
  throw new SluiceError(
    "SLUICE_OPTION_INVALID",
    `A progress artifact expected a number from 0 to 100, got ${progress}.`,
  );
}

async function create(type: string, { key, description }: ArtifactOptions, data: unknown): Promise<string> {
  if (key !== undefined && !/^[a-z0-9-]+$/.test(key)) {
    throw new SluiceError(
      "SLUICE_OPTION_INVALID",
      `An artifact key expected lower-case letters, digits and dashes, got ${JSON.stringify(key)}.`,
    );
  }
  const frame = currentFrame();
  const isTask = frame?.run.kind === "task";
  const body = JSON.stringify({
    type,
    data,
    ...(key !== undefined && { key }),
    ...(description !== undefined && { description }),
    flow_run_id: frame?.scope.flowRun?.id ?? null,
    task_run_id: isTask ? frame.run.id : null,
  });
  const answer = await request("POST", "/api/artifacts/", body);
  return (JSON.parse(answer) as { id: string }).id; // the contract's answer to 201
}

async function request(method: "POST" | "PATCH", path: string, body: string): Promise<string> {
  const host = openSession();
  // The run that the artifact belongs to must be known to the store first.
  await host.tracker.flush();
  return (await callStore(host.transport, { method, path, body })).body;
}
