import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { TaskRunner } from "sluice";

const PACKAGE = dirname(fileURLToPath(import.meta.resolve("sluice/package.json")));

function moduleText(index: number): string {
  return `import { flow, task } from "sluice";

const first = task("first-${index}", (x: number): number => x + ${index});

export const firstSubmit = flow("first-submit-${index}", async () => {
  const startMs = performance.now();
  await first.submit(1);
  return (performance.now() - startMs) / 1000;
});
`;
}

/**
 * Writes small modules that no cluster has seen, and submits the task of each: it is bundled, sent to the cluster and loaded by one of its workers.
 *
 * @returns seconds of each first submit until its end
 */
export async function firstSubmitSeconds(taskRunner: TaskRunner, modules: number): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-modules-"));
  try {
    await mkdir(join(folder, "node_modules"));
    await symlink(PACKAGE, join(folder, "node_modules", "sluice"));
    const seconds: number[] = [];
    for (let index = 0; index < modules; index++) {
      const file = join(folder, `module-${index}.ts`);
      await writeFile(file, moduleText(index));
      // Proof of the cast: the text above.
      const { firstSubmit } = (await import(pathToFileURL(file).href)) as Unseen;
      seconds.push(await firstSubmit.with({ taskRunner })());
    }
    return seconds;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Unseen {
  readonly firstSubmit: {
    with(options: { readonly taskRunner: TaskRunner }): () => PromiseLike<number>;
  };
}
