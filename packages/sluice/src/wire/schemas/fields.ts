import { Type, type TProperties, type TSchema } from "typebox";
import { STATE_TYPES } from "../state-types.ts";

/** Largest page that a filter route answers; also the default. */
export const MAX_PAGE = 200;

/** A UUID with dashes. */
export const Uuid = Type.String({ format: "uuid" });
/** An ISO 8601 instant. */
export const Instant = Type.String({ format: "date-time" });
/** One of the nine state types. */
export const StateTypeName = Type.Enum([...STATE_TYPES]);
/** A JSON object of anything. */
export const AnyObject = Type.Record(Type.String(), Type.Unknown());
/** Labels: names to plain values. */
export const Labels = Type.Record(
  Type.String(),
  Type.Union([Type.Boolean(), Type.Integer(), Type.Number(), Type.String()]),
);
/** A list of strings. */
export const Strings = Type.Array(Type.String());

/** A value or null. */
export function nullable<S extends TSchema>(
  schema: S,
): ReturnType<typeof Type.Union<[S, ReturnType<typeof Type.Null>]>> {
  return Type.Union([schema, Type.Null()]);
}

/** A field that may be left out, or be null. */
export function maybe<S extends TSchema>(schema: S): ReturnType<typeof Type.Optional<ReturnType<typeof nullable<S>>>> {
  return Type.Optional(nullable(schema));
}

/** An object that takes no other fields: what clients send. */
export function closed<P extends TProperties>(properties: P): ReturnType<typeof Type.Object<P>> {
  return Type.Object(properties, { additionalProperties: false });
}
