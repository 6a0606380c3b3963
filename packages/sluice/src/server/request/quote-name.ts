/** What Python does not print as it is: control, format, private and unassigned characters, and separators but the space. */
const UNPRINTABLE = /[\p{C}[\p{Z}--[ ]]]/v;
const SHORT: Readonly<Record<string, string>> = {
  "\\": String.raw`\\`,
  "\n": String.raw`\n`,
  "\r": String.raw`\r`,
  "\t": String.raw`\t`,
};

/**
 * Quotes a name as the contract's messages do, which is how Python shows a string: in single quotes, in double ones when the name holds single ones
 * alone, with escapes for what cannot be seen.
 */
export function quoteName(name: string): string {
  const quote = name.includes("'") && !name.includes('"') ? '"' : "'";
  const shown = Array.from(name, (character) => {
    if (character === quote) return `\\${character}`;
    return SHORT[character] ?? (UNPRINTABLE.test(character) ? escapeOf(character.codePointAt(0) ?? 0) : character);
  });
  return `${quote}${shown.join("")}${quote}`;
}

function escapeOf(code: number): string {
  const digits = code.toString(16);
  if (code <= 0xff) return `\\x${digits.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
