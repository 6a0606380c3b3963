/** What looks like a credential wherever it stands: a key of ours, what follows an `Authorization`, a password in an address. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\bslk_[0-9a-f]{8,}/g, "slk_***"],
  [/\b(authorization["']?\s*[:=]\s*["']?)(?:(?:basic|bearer)\s+)?[^\s"',}]+/gi, "$1***"],
  [/\b(bearer|basic)\s+[\w+/=.-]{8,}/gi, "$1 ***"],
  [/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, "$1***@"],
];

/** A text for the server's own log, without credentials: those that are known, and what looks like one. */
export function redact(text: string, secrets: readonly (string | null)[] = []): string {
  let shown = text;
  for (const secret of secrets) if (secret !== null && secret !== "") shown = shown.replaceAll(secret, "***");
  for (const [pattern, instead] of PATTERNS) shown = shown.replaceAll(pattern, instead);
  return shown;
}
