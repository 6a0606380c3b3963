import { Decoder, Encoder } from "@msgpack/msgpack";
import { PythonTuple, readPickle, writePickle, writePickleParts } from "./pickle.ts";

/**
 * Messages of Dask's protocol as frames, and back.
 *
 * Frame 0 is msgpack; what does not fit there follows in frames of its own, which a placeholder points at: `{"__Serialized__": i}` at a header and
 * its sub-frames, `{"__Pickled__": i}` at a pickle that the receiver loads on arrival.
 */

/** A value in frames of its own, with the header that says how it is read. */
export class Serialized {
  readonly header: Readonly<Record<string, unknown>>;
  readonly frames: readonly Uint8Array[];

  constructor(header: Readonly<Record<string, unknown>>, frames: readonly Uint8Array[]) {
    this.header = header;
    this.frames = frames;
  }
}

/** A value that the receiver gets as pickle would give it: msgpack makes tuples of lists. */
export class Pickled {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** A value that the scheduler or a worker unpickles when it needs it. */
export function pickled(value: unknown): Serialized {
  const { pickle, buffers } = writePickleParts(value);
  return new Serialized({ serializer: "pickle", writeable: buffers.map(() => false) }, [pickle, ...buffers]);
}

const encoder = new Encoder({ ignoreUndefined: true });
/** Keys may be tuples (in the scheduler's own statistics): those are written as JSON. */
const decoder = new Decoder({ mapKeyConverter: (key) => (typeof key === "string" ? key : JSON.stringify(key)) });

/** Writes one message, its prelude of lengths included: `u64 length of what follows | u64 frames | u64 length of each | frames`. */
export function encodeMessage(message: unknown): Uint8Array[] {
  const frames: Uint8Array[] = [new Uint8Array(0)];
  frames[0] = encoder.encode(replaceParts(message, frames));
  const prelude = Buffer.alloc(16 + 8 * frames.length);
  prelude.writeBigUInt64LE(BigInt(frames.length), 8);
  let total = 8 + 8 * frames.length;
  frames.forEach((frame, index) => {
    prelude.writeBigUInt64LE(BigInt(frame.length), 16 + 8 * index);
    total += frame.length;
  });
  prelude.writeBigUInt64LE(BigInt(total), 0);
  return [prelude, ...frames];
}

function replaceParts(value: unknown, frames: Uint8Array[]): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Serialized) {
    const at = frames.length;
    const uncompressed = value.frames.map(() => null);
    frames.push(
      encoder.encode({ ...value.header, "num-sub-frames": value.frames.length, compression: uncompressed }),
      ...value.frames,
    );
    return { __Serialized__: at };
  }
  if (value instanceof Pickled) {
    const at = frames.length;
    frames.push(encoder.encode({ "pickled-obj": writePickle(value.value), "num-sub-frames": 0, compression: [] }));
    return { __Pickled__: at };
  }
  if (value instanceof Set)
    return { __Set__: true, "as-list": Array.from(value, (item) => replaceParts(item, frames)) };
  if (Array.isArray(value)) return value.map((item) => replaceParts(item, frames));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceParts(item, frames)]));
}

/** Reads the frames of one message. @throws Error for compressed frames: the handshake asks for none */
export function decodeMessage(frames: readonly Buffer[]): unknown {
  return restoreParts(decoder.decode(frames[0] ?? Buffer.alloc(0)), frames);
}

function restoreParts(value: unknown, frames: readonly Buffer[]): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => restoreParts(item, frames));
  const fields = value as Record<string, unknown>; // msgpack makes maps of plain objects
  const serialized = fields["__Serialized__"];
  if (typeof serialized === "number" && serialized > 0) return serializedAt(serialized, frames);
  const pickledAt = fields["__Pickled__"];
  if (typeof pickledAt === "number" && pickledAt > 0) {
    const header = headerAt(pickledAt, frames);
    return readPickle(Buffer.from(header["pickled-obj"] as Uint8Array)); // Dask's ToPickle
  }
  if (fields["__Set__"] === true) return (fields["as-list"] as unknown[]).map((item) => restoreParts(item, frames));
  if (fields["__Enum__"] !== undefined) return fields["name"];
  return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, restoreParts(item, frames)]));
}

function headerAt(index: number, frames: readonly Buffer[]): Record<string, unknown> {
  return decoder.decode(frames[index] ?? Buffer.alloc(0)) as Record<string, unknown>; // every header is a map
}

function serializedAt(index: number, frames: readonly Buffer[]): Serialized {
  const header = headerAt(index, frames);
  const count = Number(header["num-sub-frames"] ?? 0);
  const compression = (header["compression"] ?? []) as readonly unknown[]; // one entry a sub-frame
  const found = compression.find((name) => name !== null && name !== false);
  if (found !== undefined)
    throw new Error(`a frame compressed with ${JSON.stringify(found)}, although none was asked for`);
  return new Serialized(header, frames.slice(index + 1, index + 1 + count));
}

/** The value of a part that a message carries: bytes as they are, a pickle as inert data. */
export function valueOfPart(part: unknown): unknown {
  if (!(part instanceof Serialized)) return part;
  const bytes =
    part.frames.length === 1 ? Buffer.from(part.frames[0] ?? new Uint8Array(0)) : Buffer.concat(part.frames);
  return part.header["serializer"] === "pickle" ? readPickle(bytes) : bytes;
}

export const emptyTuple = new Pickled(new PythonTuple([]));
