import { checkData } from "../../cluster/check-options.ts";
import { checkKeys, invalid, type GivenOption } from "../../runner-options.ts";

/** How submitted flows go to a cluster as Ray jobs. */
export interface RayJobsOptions {
  /** Address of the cluster's dashboard, which has the job server: `http://head:8265`. */
  readonly url: string;
  /** Sent with each request, such as `{ Authorization: "Bearer …" }` for a cluster that asks for a token. They stay in this process. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Given to the submission as they are, such as `{ entrypoint_num_cpus: 1, runtime_env: { pip: ["pandas==2.3.3"] } }`. By default a job takes no resources and runs on the
   * head node, as Ray has it. `entrypoint`, `submission_id` and `runtime_env.working_dir` are the runner's own.
   */
  readonly submitOptions?: Readonly<Record<string, unknown>>;
}

/** The same, checked. */
export type CheckedJobs = Required<RayJobsOptions>;

const OWN = ["entrypoint", "submission_id", "job_id"] as const;

/** Checks the option `jobs`; null when it was not given. @throws SluiceError `SLUICE_OPTION_INVALID` */
export function checkJobs(given: GivenOption): CheckedJobs | null {
  const { runner, option, value } = given;
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null) throw invalid(given, "an object");
  const jobs: { readonly [Key in keyof RayJobsOptions]?: unknown } = value;
  checkKeys(
    runner,
    prefixed(option, jobs),
    ["url", "headers", "submitOptions"].map((key) => `${option}.${key}`),
  );
  const part = (key: keyof RayJobsOptions): GivenOption => ({ runner, option: `${option}.${key}`, value: jobs[key] });
  return {
    url: checkUrl(part("url")),
    headers: checkTextsByName(part("headers")),
    submitOptions: checkSubmit(part("submitOptions")),
  };
}

function prefixed(option: string, value: object): object {
  return Object.fromEntries(Object.keys(value).map((key) => [`${option}.${key}`, true]));
}

function checkUrl(given: GivenOption): string {
  const { value } = given;
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalid(given, "the http:// or https:// address of the cluster's dashboard");
  }
  return url.href.replace(/\/+$/, "");
}

function checkTextsByName(given: GivenOption): Readonly<Record<string, string>> {
  const texts = checkData(given) ?? {};
  for (const [name, value] of Object.entries(texts)) {
    if (typeof value !== "string") throw invalid({ ...given, option: `${given.option}.${name}`, value }, "a text");
  }
  return texts as Readonly<Record<string, string>>; // as was just checked
}

function checkSubmit(given: GivenOption): Readonly<Record<string, unknown>> {
  const options = checkData(given) ?? {};
  const own = OWN.find((key) => key in options);
  if (own !== undefined) {
    throw invalid({ ...given, option: `${given.option}.${own}`, value: options[own] }, "left to the runner");
  }
  const environment = checkData({ ...given, option: `${given.option}.runtime_env`, value: options["runtime_env"] });
  if (environment !== null && "working_dir" in environment) {
    throw invalid(
      { ...given, option: `${given.option}.runtime_env.working_dir`, value: environment["working_dir"] },
      "left to the runner, which puts the flow's code there; modules of your own go by py_modules",
    );
  }
  return options;
}

/** What a flow's own `with({ ray })` is called for a job. */
const JOB_NAMES: Readonly<Record<string, string>> = {
  num_cpus: "entrypoint_num_cpus",
  num_gpus: "entrypoint_num_gpus",
  memory: "entrypoint_memory",
  resources: "entrypoint_resources",
  label_selector: "entrypoint_label_selector",
};

/** The options of a flow (`with({ ray: { num_cpus: 1 } })`) as a job has them. @throws SluiceError `SLUICE_OPTION_INVALID` for one that it has not */
export function jobOptions(placement: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const named = Object.entries(placement).map(([key, value]) => {
    const name = JOB_NAMES[key];
    if (name !== undefined) return [name, value] as const;
    const allowed = Object.keys(JOB_NAMES).join(", ");
    throw invalid({ runner: "a flow that goes to Ray as a job", option: `ray.${key}`, value }, `one of ${allowed}`);
  });
  return Object.fromEntries(named);
}
