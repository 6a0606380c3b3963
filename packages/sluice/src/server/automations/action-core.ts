import type { ReceivedEvent } from "../../wire/contract/shapes.ts";
import type { ApiCall, ApiReply } from "../api-reply.ts";
import type { SecretBox } from "../blocks/secret-box.ts";
import type { Store } from "../db/store.ts";

/** What actions need: the routes, and what is kept with its secrets. */
export interface ActionCore {
  readonly store: Store;
  readonly box: () => SecretBox;
  /** Address of the web UI, null when nobody knows it. */
  readonly uiUrl: string | null;
  handle(call: ApiCall): Promise<ApiReply>;
}

/** The id of the first resource of a kind. */
export function idOfKind(event: ReceivedEvent, kind: string): string | undefined {
  const ids = [event.resource, ...(event.related ?? [])].map((one) => one["prefect.resource.id"] ?? "");
  return ids.find((id) => id.startsWith(`${kind}.`))?.slice(kind.length + 1);
}

/** A value as text; "" for what is none. */
export function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
