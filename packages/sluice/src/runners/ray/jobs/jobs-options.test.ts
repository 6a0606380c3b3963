import { describe as suite, expect, test } from "vitest";
import { describe } from "../../runtime.ts";
import { RayTaskRunner, type RayTaskRunnerOptions } from "../ray-task-runner.ts";
import { jobOptions } from "./jobs-options.ts";

const url = "http://head:8265";

suite("the option jobs of a RayTaskRunner", () => {
  test.each<[object, RegExp]>([
    [{ jobs: url }, /"jobs".*an object/],
    [{ jobs: {} }, /jobs\.url.*http/],
    [{ jobs: { url: "head:8265" } }, /jobs\.url.*http/],
    [{ jobs: { url, header: {} } }, /jobs\.header.*jobs\.headers/],
    [{ jobs: { url, headers: { Authorization: 1 } } }, /jobs\.headers\.Authorization.*a text/],
    [{ jobs: { url, submitOptions: { entrypoint: "python mine.py" } } }, /submitOptions\.entrypoint.*runner/],
    [{ jobs: { url, submitOptions: { runtime_env: { working_dir: "." } } } }, /runtime_env\.working_dir.*py_modules/],
    [{ jobs: { url, submitOptions: { entrypoint_num_cpus: () => 1 } } }, /submitOptions\.entrypoint_num_cpus/],
  ])("%j is refused", (options, message) => {
    expect(() => new RayTaskRunner(options as RayTaskRunnerOptions)).toThrow(message);
  });

  test("headers stay in this process: nodes are told of the runner without them", () => {
    const runner = new RayTaskRunner({ jobs: { url, headers: { Authorization: "Bearer secret" } } });
    expect(describe(runner.description)).not.toContain("secret");
    expect(describe(runner.description)).toBe(describe(new RayTaskRunner({ jobs: { url: `${url}/` } }).description));
  });
});

test("the options of a flow have other names for its job", () => {
  expect(jobOptions({ num_cpus: 2, num_gpus: 1, memory: 1e9, resources: { a: 1 } })).toEqual({
    entrypoint_num_cpus: 2,
    entrypoint_num_gpus: 1,
    entrypoint_memory: 1e9,
    entrypoint_resources: { a: 1 },
  });
  expect(() => jobOptions({ max_retries: 3 })).toThrow(/ray\.max_retries.*num_cpus/);
});
