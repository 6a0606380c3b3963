import { Refusal, type ApiReply } from "../api-reply.ts";
import type { ServerCore } from "../server-core.ts";

/**
 * The ids that a list gives, asked for as a client asks, so that a search of a large database holds nobody up.
 *
 * @param list path of the list, as `/flow_runs/filter`
 * @throws Refusal as the list is refused
 */
export async function listedIds(core: ServerCore, list: string, filters: object): Promise<string[]> {
  const answer: ApiReply = await core.handle({
    method: "POST",
    path: `/api${list}`,
    body: JSON.stringify(filters),
  });
  if (answer.status !== 200) throw new Refusal(answer.status, detailOf(answer.body));
  // Every list of the contract gives objects with an id.
  return (JSON.parse(answer.body) as readonly { readonly id: string }[]).map(({ id }) => id);
}

function detailOf(body: string): string {
  // An answer of our own: the contract has these two forms.
  const { detail, exception_message } = JSON.parse(body) as { detail?: string; exception_message?: string };
  return detail ?? exception_message ?? "";
}
