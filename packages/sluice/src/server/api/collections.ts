import { Refusal, reply } from "../api-reply.ts";
import { param, type Handlers } from "./handler.ts";

/** What is shown of a kind of worker. */
interface WorkerKind {
  readonly type: string;
  readonly name: string;
  readonly library: string;
  readonly description: string;
}

/** Kinds of workers that come with libraries of their own. A pool made for one of them has an empty template, which its worker fills in at its start. */
const KINDS: readonly WorkerKind[] = [
  {
    type: "docker",
    name: "Docker",
    library: "prefect-docker",
    description: "Runs flows in containers of a Docker host.",
  },
  {
    type: "kubernetes",
    name: "Kubernetes",
    library: "prefect-kubernetes",
    description: "Runs flows as Kubernetes jobs.",
  },
  {
    type: "ecs",
    name: "AWS Elastic Container Service",
    library: "prefect-aws",
    description: "Runs flows as tasks of Amazon ECS.",
  },
  {
    type: "azure-container-instance",
    name: "Azure Container Instances",
    library: "prefect-azure",
    description: "Runs flows in container instances of Azure.",
  },
  { type: "cloud-run", name: "Google Cloud Run", library: "prefect-gcp", description: "Runs flows as Cloud Run jobs." },
  {
    type: "cloud-run-v2",
    name: "Google Cloud Run V2",
    library: "prefect-gcp",
    description: "Runs flows as Cloud Run V2 jobs.",
  },
  {
    type: "vertex-ai",
    name: "Google Vertex AI",
    library: "prefect-gcp",
    description: "Runs flows as custom jobs of Vertex AI.",
  },
];

const text = (title: string, description: string) => ({ title, description, type: "string" });
const texts = (title: string, description: string) => ({
  title,
  description,
  type: "object",
  additionalProperties: { type: "string" },
});

/** A plain square: the registry's pictures lie on other hosts, which a page of ours does not ask. */
const LOGO =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Cpath d='M1 1h6v6H1z' fill='%23789'/%3E%3C/svg%3E";

/** How a process worker starts a flow run, and what a deployment may say of it. */
export const PROCESS_JOB_TEMPLATE = {
  job_configuration: {
    command: "{{ command }}",
    env: "{{ env }}",
    labels: "{{ labels }}",
    name: "{{ name }}",
    stream_output: "{{ stream_output }}",
    working_dir: "{{ working_dir }}",
  },
  variables: {
    type: "object",
    properties: {
      name: text("Name", "Name of what the worker starts."),
      env: texts("Environment Variables", "Variables of the environment of a flow run."),
      labels: texts("Labels", "Labels of what the worker starts."),
      command: text("Command", "Command that runs the flow; left empty, the worker makes it."),
      stream_output: {
        title: "Stream Output",
        description: "Whether the worker prints what flow runs print.",
        default: true,
        type: "boolean",
      },
      working_dir: {
        ...text("Working Directory", "Folder in which flow runs start; a new one for each when left empty."),
        format: "path",
      },
    },
  },
};

function workerView(): Record<string, Record<string, unknown>> {
  const view: Record<string, Record<string, unknown>> = {
    prefect: {
      process: entryOf(
        {
          type: "process",
          name: "Process",
          library: "prefect",
          description: "Runs flows as processes beside the worker.",
        },
        PROCESS_JOB_TEMPLATE,
      ),
    },
  };
  for (const kind of KINDS) (view[kind.library] ??= {})[kind.type] = entryOf(kind, {});
  return view;
}

function entryOf({ type, name, library, description }: WorkerKind, template: object): Record<string, unknown> {
  return {
    type,
    display_name: name,
    description,
    default_base_job_configuration: template,
    install_command: `pip install ${library}`,
    documentation_url: "https://docs.prefect.io/v3/concepts/workers",
    logo_url: LOGO,
    is_beta: false,
  };
}

/** Views of a registry of libraries: ours knows the kinds of workers and no libraries of blocks or flows. */
const VIEWS: Readonly<Record<string, () => unknown>> = {
  "aggregate-worker-metadata": workerView,
  "aggregate-block-metadata": () => ({}),
  "aggregate-flow-metadata": () => ({}),
  "demo-flows": () => ({}),
};

/** Views of the registry of libraries. */
export const collectionHandlers: Handlers = {
  "GET /collections/views/{view}": (call) => {
    const name = param(call, "view");
    const view = Object.hasOwn(VIEWS, name) ? VIEWS[name] : undefined;
    if (!view) return Promise.reject(new Refusal(404, `View ${name} not found in registry`));
    return Promise.resolve(reply(200, view()));
  },
};
