/** What a fault says, in the contract's words. */
export interface Saying {
  readonly type: string;
  readonly msg: string;
  readonly ctx?: Readonly<Record<string, unknown>>;
}

/** What the schema library tells of a rule that a value broke. */
interface Broken {
  readonly keyword: string;
  readonly params: object;
  readonly message: string;
}

const BOUNDS: Readonly<Record<string, readonly [type: string, words: string, name: string]>> = {
  minimum: ["greater_than_equal", "greater than or equal to", "ge"],
  exclusiveMinimum: ["greater_than", "greater than", "gt"],
  maximum: ["less_than_equal", "less than or equal to", "le"],
  exclusiveMaximum: ["less_than", "less than", "lt"],
};

const SIZES: Readonly<Record<string, readonly [type: string, words: string, name: string]>> = {
  minLength: ["string_too_short", "String should have at least", "min_length"],
  maxLength: ["string_too_long", "String should have at most", "max_length"],
  minItems: ["too_short", "List should have at least", "min_length"],
  maxItems: ["too_long", "List should have at most", "max_length"],
};

const WANTED: Readonly<Record<string, readonly [type: string, what: string]>> = {
  string: ["string_type", "a valid string"],
  integer: ["int_type", "a valid integer"],
  number: ["float_type", "a valid number"],
  boolean: ["bool_type", "a valid boolean"],
  array: ["list_type", "a valid list"],
  object: ["model_attributes_type", "a valid dictionary or object to extract fields from"],
  null: ["none_required", "None"],
  uuid: ["uuid_parsing", "a valid UUID"],
  "date-time": ["datetime_from_date_parsing", "a valid datetime or date"],
};

/** Says of a broken rule what the contract says. */
export function sayingOf({ keyword, params, message }: Broken): Saying {
  const told = new Map<string, unknown>(Object.entries(params));
  const limit = told.get("limit");
  const bound = BOUNDS[keyword];
  if (bound) {
    const [type, words, name] = bound;
    return { type, msg: `Input should be ${words} ${String(limit)}`, ctx: { [name]: limit } };
  }
  const size = SIZES[keyword];
  if (size) {
    const [type, words, name] = size;
    const unit = keyword.endsWith("Length") ? "character" : "item";
    return { type, msg: `${words} ${String(limit)} ${unit}${limit === 1 ? "" : "s"}`, ctx: { [name]: limit } };
  }
  if (keyword === "pattern") {
    const pattern = String(told.get("pattern"));
    return { type: "string_pattern_mismatch", msg: `String should match pattern '${pattern}'`, ctx: { pattern } };
  }
  if (keyword === "enum" || keyword === "const") return saySet(keyword, told);
  const wanted = WANTED[String(told.get("type") ?? told.get("format"))];
  return wanted
    ? { type: wanted[0], msg: `Input should be ${wanted[1]}` }
    : { type: "value_error", msg: `Input ${message.replace(/^must/, "should")}` };
}

/** Says what is wrong with a text that is no UUID. */
export function sayBadUuid(text: string): Saying {
  const error = uuidFault(text);
  return { type: "uuid_parsing", msg: `Input should be a valid UUID, ${error}`, ctx: { error } };
}

const GROUPS = [8, 4, 4, 4, 12];

function uuidFault(text: string): string {
  const [odd] = /[^0-9a-fA-F-]/u.exec(text) ?? [];
  if (odd !== undefined) return `invalid character: found \`${odd}\` at ${String(text.indexOf(odd))}`;
  const groups = text.split("-");
  if (groups.length === 1) return `invalid length: found ${String(text.length)}`;
  if (groups.length !== GROUPS.length) return `invalid group count: expected 5, found ${String(groups.length)}`;
  const index = groups.findIndex((group, at) => group.length !== GROUPS[at]);
  const found = String(groups[index]?.length ?? 0);
  return `invalid group length in group ${String(index)}: expected ${String(GROUPS[index])}, found ${found}`;
}

function saySet(keyword: "enum" | "const", told: ReadonlyMap<string, unknown>): Saying {
  const listed = told.get("allowedValues") ?? [told.get("allowedValue")];
  const names = Array.isArray(listed) ? listed.map((one) => `'${String(one)}'`) : [];
  const last = names.pop() ?? "";
  const expected = names.length > 0 ? `${names.join(", ")} or ${last}` : last;
  return {
    type: keyword === "enum" ? "enum" : "literal_error",
    msg: `Input should be ${expected}`,
    ctx: { expected },
  };
}
