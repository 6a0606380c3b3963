const ADJECTIVES = [
  "amber",
  "brave",
  "calm",
  "clever",
  "crisp",
  "eager",
  "gentle",
  "golden",
  "keen",
  "lively",
  "mellow",
  "nimble",
  "quiet",
  "rapid",
  "silver",
  "sunny",
];
const NOUNS = [
  "badger",
  "brook",
  "cedar",
  "comet",
  "falcon",
  "harbor",
  "heron",
  "lagoon",
  "maple",
  "meadow",
  "otter",
  "raven",
  "ridge",
  "river",
  "sparrow",
  "willow",
];

/** Makes a name that is easy to say for a run that was given none, from the random part of its id. */
export function runNameOf(id: string): string {
  const random = Number.parseInt(id.slice(28), 16);
  return `${ADJECTIVES[random % 16]}-${NOUNS[(random >>> 4) % 16]}-${id.slice(-3)}`;
}
