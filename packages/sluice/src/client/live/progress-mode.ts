/** How progress is shown: a tree redrawn in place, plain lines, or not at all. */
export type ProgressMode = "tree" | "plain" | "off";

/**
 * Chooses the mode from the `progress` setting.
 *
 * "auto" is a tree on a terminal; elsewhere plain lines when `plainElsewhere`, else nothing.
 */
export function progressMode(
  setting: "auto" | ProgressMode,
  stream: { readonly isTTY?: boolean },
  plainElsewhere: boolean,
): ProgressMode {
  if (setting !== "auto") return setting === "tree" && stream.isTTY !== true ? "plain" : setting;
  if (stream.isTTY === true) return "tree";
  return plainElsewhere ? "plain" : "off";
}
