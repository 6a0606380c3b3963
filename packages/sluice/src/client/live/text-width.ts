// Ranges of code points that a terminal shows two columns wide (East Asian wide and fullwidth, emoji): first and last of each, ascending.
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

const ESCAPE = "\u001B";
const PAINT = new RegExp(`^${ESCAPE}\\[[0-9;]*m`);
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
// Everything that would move the cursor, change colours, break the line or turn its direction; a name of the user's may hold any of it.
const CONTROLS = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu;

/** Makes any text safe for one line of a terminal: each run of control characters (line breaks, escapes, tabs) becomes one space. */
export function printableLine(text: string): string {
  return text.replace(CONTROLS, " ");
}

/** {@link printableLine} of each line. */
export function printableText(text: string): string {
  return text.split("\n").map(printableLine).join("\n");
}

/** {@link printableLine} without spaces at either end: for names and messages within a line. */
export function printable(text: string): string {
  return printableLine(text).trim();
}

function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (INVISIBLE.test(character)) return 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** The columns that `text` takes on a terminal; colour sequences take none. */
export function displayWidth(text: string): number {
  return clip(text, Number.POSITIVE_INFINITY).width;
}

/**
 * Cuts `text` to at most `columns` columns; what was cut ends in an ellipsis (one column). Colour sequences after the cut are kept, so
 * that no colour runs on.
 */
export function fitWidth(text: string, columns: number, ellipsis = "…"): string {
  if (text.length <= columns && !text.includes(ESCAPE) && isNarrow(text)) return text;
  if (displayWidth(text) <= columns) return text;
  const { kept, rest } = clip(text, Math.max(0, columns - 1));
  const closing = rest.match(new RegExp(`${ESCAPE}\\[[0-9;]*m`, "g"))?.join("") ?? "";
  return `${kept}${columns > 0 ? ellipsis : ""}${closing}`;
}

/** Pads with spaces on the right (or on the left) up to `columns`. */
export function padWidth(text: string, columns: number, side: "left" | "right" = "right"): string {
  const gap = " ".repeat(Math.max(0, columns - displayWidth(text)));
  return side === "right" ? text + gap : gap + text;
}

function isNarrow(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) >= 0x300) return false;
  return true;
}

function clip(text: string, columns: number): { kept: string; rest: string; width: number } {
  let width = 0;
  let at = 0;
  while (at < text.length) {
    const colour = text[at] === ESCAPE ? PAINT.exec(text.slice(at, at + 24)) : null;
    if (colour) {
      at += colour[0].length;
      continue;
    }
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const more = columnsOf(character);
    if (width + more > columns) break;
    width += more;
    at += character.length;
  }
  return { kept: text.slice(0, at), rest: text.slice(at), width };
}
