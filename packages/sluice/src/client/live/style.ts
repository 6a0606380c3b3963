import type { StateType } from "../../wire/state-types.ts";

/** How text for a terminal may look. */
export interface Style {
  readonly colour: boolean;
  /** False where only ASCII can be shown. */
  readonly unicode: boolean;
}

/** A stream as far as its look is concerned. */
export interface LookOfStream {
  readonly isTTY?: boolean;
}

const SGR = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const satisfies Record<string, readonly [on: number, off: number]>;

/** A colour or weight that {@link paint} knows. */
export type Tint = keyof typeof SGR;

/** Plain ASCII without colour: files, pipes, tests. */
export const PLAIN_STYLE: Style = { colour: false, unicode: false };

/**
 * Chooses the style for a stream.
 *
 * Colour: never with a non-empty `NO_COLOR`; always with `FORCE_COLOR` other than "0"; otherwise only on a terminal whose `TERM` is not
 * "dumb". Unicode: everywhere but on the terminals "dumb" and "linux" (the kernel console has no such glyphs).
 */
export function styleOf(stream: LookOfStream, env: Readonly<Record<string, string | undefined>>): Style {
  const terminal = env["TERM"] ?? "";
  const forced = env["FORCE_COLOR"];
  const unicode = terminal !== "dumb" && terminal !== "linux";
  if (env["NO_COLOR"]) return { colour: false, unicode };
  if (forced !== undefined && forced !== "") return { colour: forced !== "0", unicode };
  return { colour: stream.isTTY === true && terminal !== "dumb", unicode };
}

/** Wraps `text` in the colour, where the style has colour. */
export function paint(style: Style, tint: Tint, text: string): string {
  if (!style.colour || text === "") return text;
  const [on, off] = SGR[tint];
  return `\u001B[${on}m${text}\u001B[${off}m`;
}

const LOOKS: Readonly<Record<StateType, { readonly glyph: string; readonly ascii: string; readonly tint: Tint }>> = {
  SCHEDULED: { glyph: "◷", ascii: "~", tint: "yellow" },
  PENDING: { glyph: "○", ascii: ".", tint: "dim" },
  RUNNING: { glyph: "●", ascii: ">", tint: "blue" },
  COMPLETED: { glyph: "✓", ascii: "+", tint: "green" },
  FAILED: { glyph: "✗", ascii: "x", tint: "red" },
  CANCELLED: { glyph: "⊘", ascii: "/", tint: "yellow" },
  CRASHED: { glyph: "!", ascii: "!", tint: "magenta" },
  PAUSED: { glyph: "‖", ascii: "=", tint: "yellow" },
  CANCELLING: { glyph: "◌", ascii: "-", tint: "yellow" },
};

/** The mark in front of a run in this state, one column wide, painted. */
export function stateGlyph(style: Style, type: StateType): string {
  const look = LOOKS[type];
  return paint(style, look.tint, style.unicode ? look.glyph : look.ascii);
}

/** A state's name in the colour of its type. */
export function paintState(style: Style, type: StateType, name: string): string {
  return paint(style, LOOKS[type].tint, name);
}
