import type { EngineHost } from "../host.ts";

/** A link that is kept with a flow run, where people who look at the run find it. */
export interface RunLink {
  /** Key of the artifact: lower case, digits and dashes. */
  readonly key: string;
  readonly url: string;
  readonly text: string;
}

/** Keeps a link with a flow run, as an artifact. @returns what the store answered, where it did not take it; undefined when it did */
export async function keepLink(host: EngineHost, flowRunId: string, link: RunLink): Promise<string | undefined> {
  const body = JSON.stringify({
    type: "markdown",
    key: link.key,
    data: `[${link.text}](${link.url})`,
    flow_run_id: flowRunId,
  });
  try {
    const answer = await host.transport.send({ method: "POST", path: "/api/artifacts/", body });
    return answer.status < 300 ? undefined : `${answer.status}: ${answer.body.slice(0, 300)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
