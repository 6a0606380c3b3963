/**
 * As much of Python's pickle as talking to a Dask scheduler takes.
 *
 * Written: constants, collections, and calls of importable functions (protocol 4), so no byte code ever travels. Read: into inert data; a
 * pickle that somebody else wrote names functions to call, and here nothing is called.
 */

/** Something importable in Python: a function or a class. */
export class PythonGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
}

/** A call that loading the pickle makes; its value is what the call returns. */
export class PythonCall {
  readonly callee: PythonGlobal;
  readonly args: readonly unknown[];

  constructor(callee: PythonGlobal, args: readonly unknown[]) {
    this.callee = callee;
    this.args = args;
  }
}

export class PythonTuple {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** Bytes that travel beside the pickle, in a frame of their own: loading it copies them into place. */
export class PythonBuffer {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

const BYTES = new PythonGlobal("builtins", "bytes");
const NEXT_BUFFER = Buffer.from([0x97]);
const STACK_GLOBAL = Buffer.from([0x93]);
const TRUE = Buffer.from([0x88]);
const FALSE = Buffer.from([0x89]);
const NONE = Buffer.from("N");
const STOP = Buffer.from(".");
const MARK = Buffer.from("(");
const TUPLE = Buffer.from("t");
const REDUCE = Buffer.from("R");
const EMPTY_LIST = Buffer.from("]");
const APPENDS = Buffer.from("e");
const EMPTY_DICT = Buffer.from("}");
const SET_ITEMS = Buffer.from("u");

/**
 * Writes a value as a pickle.
 *
 * Takes null and undefined (None), booleans, numbers (integers up to 32 bits, else floats), strings, bytes, arrays (lists), objects and Maps (dicts), and the classes above.
 */
export function writePickle(value: unknown): Buffer {
  return writePickleParts(value).pickle;
}

/** Writes a value as a pickle, and gives the {@link PythonBuffer}s in it beside it, in their order. */
export function writePickleParts(value: unknown): { readonly pickle: Buffer; readonly buffers: readonly Uint8Array[] } {
  const writer = new PickleWriter();
  writer.write(value);
  return { pickle: writer.finish(), buffers: writer.buffers };
}

class PickleWriter {
  readonly buffers: Uint8Array[] = [];
  readonly #out: Uint8Array[] = [Buffer.from([0x80, 5])];

  finish(): Buffer {
    this.#out.push(STOP);
    return Buffer.concat(this.#out);
  }

  write(value: unknown): void {
    const out = this.#out;
    if (value === null || value === undefined) out.push(NONE);
    else if (typeof value === "boolean") out.push(value ? TRUE : FALSE);
    else if (typeof value === "string") this.#string(value);
    else if (typeof value === "number") out.push(numberOf(value));
    else if (value instanceof Uint8Array) out.push(withLength(0x42, 0x8e, value.length), value);
    else if (value instanceof PythonBuffer) {
      this.write(BYTES);
      out.push(MARK, NEXT_BUFFER, TUPLE, REDUCE);
      this.buffers.push(value.bytes);
    } else if (value instanceof PythonGlobal) {
      this.#string(value.module);
      this.#string(value.name);
      out.push(STACK_GLOBAL);
    } else if (value instanceof PythonCall) {
      this.write(value.callee);
      this.#all(value.args, TUPLE);
      out.push(REDUCE);
    } else if (value instanceof PythonTuple) this.#all(value.items, TUPLE);
    else if (Array.isArray(value)) {
      out.push(EMPTY_LIST);
      this.#all(value, APPENDS);
    } else this.#dict(value);
  }

  #dict(value: object): void {
    this.#out.push(EMPTY_DICT, MARK);
    for (const [key, item] of value instanceof Map ? value.entries() : Object.entries(value)) {
      this.write(key);
      this.write(item);
    }
    this.#out.push(SET_ITEMS);
  }

  #all(items: readonly unknown[], end: Buffer): void {
    this.#out.push(MARK);
    for (const item of items) this.write(item);
    this.#out.push(end);
  }

  #string(text: string): void {
    const bytes = Buffer.from(text);
    this.#out.push(withLength(0x58, 0x8d, bytes.length), bytes);
  }
}

/** The opcode with the length that follows it: 32 bits where they do. */
function withLength(short: number, long: number, length: number): Buffer {
  if (length < 2 ** 32) {
    const head = Buffer.alloc(5);
    head[0] = short;
    head.writeUInt32LE(length, 1);
    return head;
  }
  const head = Buffer.alloc(9);
  head[0] = long;
  head.writeBigUInt64LE(BigInt(length), 1);
  return head;
}

function numberOf(value: number): Buffer {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    const bytes = Buffer.alloc(5);
    bytes[0] = 0x4a;
    bytes.writeInt32LE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(9);
  bytes[0] = 0x47;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** What a pickle would have made by a call: its class or function, and what that would have been given. */
export interface Unmade {
  readonly of: string;
  readonly args: readonly unknown[];
  state?: unknown;
}

type Read = (reader: Reader) => void;

/** Reads a pickle into inert data. Sets come as arrays. @throws Error for an opcode that no protocol up to 5 has in a plain object */
export function readPickle(bytes: Buffer): unknown {
  const reader = new Reader(bytes);
  for (;;) {
    const opcode = reader.byte();
    if (opcode === 0x2e) return reader.pop();
    const read = READERS.get(opcode);
    if (read === undefined) throw new Error(`pickle opcode 0x${opcode.toString(16)}`);
    read(reader);
  }
}

class Reader {
  readonly bytes: Buffer;
  readonly stack: unknown[] = [];
  readonly marks: number[] = [];
  readonly memo: unknown[] = [];
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  u32(): number {
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  u64(): number {
    this.at += 8;
    return Number(this.bytes.readBigUInt64LE(this.at - 8));
  }

  take(length: number): Buffer {
    this.at += length;
    if (this.at > this.bytes.length) throw new Error("a pickle that ends too early");
    return this.bytes.subarray(this.at - length, this.at);
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    return this.stack.pop();
  }

  top(): unknown {
    return this.stack.at(-1);
  }

  popMark(): unknown[] {
    return this.stack.splice(this.marks.pop() ?? 0);
  }

  popLast(count: number): unknown[] {
    return this.stack.splice(-count);
  }
}

const longOf = (bytes: Buffer): number => {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] ?? 0);
  return Number(BigInt.asIntN(Math.max(bytes.length, 1) * 8, value));
};
const constant =
  (make: () => unknown): Read =>
  (reader) =>
    reader.push(make());
const text =
  (length: (reader: Reader) => number): Read =>
  (reader) =>
    reader.push(reader.take(length(reader)).toString("utf8"));
const binary =
  (length: (reader: Reader) => number): Read =>
  (reader) =>
    reader.push(reader.take(length(reader)));
const tuple =
  (count: number): Read =>
  (reader) =>
    reader.push(reader.popLast(count));
const append =
  (items: (reader: Reader) => unknown[]): Read =>
  (reader) => {
    const added = items(reader);
    const list = reader.top();
    if (Array.isArray(list)) list.push(...added);
  };
const setItems =
  (items: (reader: Reader) => unknown[]): Read =>
  (reader) => {
    const added = items(reader);
    const dict = reader.top();
    if (!(dict instanceof Map)) return;
    for (let index = 0; index + 1 < added.length; index += 2) dict.set(added[index], added[index + 1]);
  };
const call: Read = (reader) => {
  const [callee, args] = reader.popLast(2);
  const of = callee instanceof PythonGlobal ? `${callee.module}.${callee.name}` : "unknown";
  reader.push({ of, args: Array.isArray(args) ? args : [args] } satisfies Unmade);
};
const build: Read = (reader) => {
  const state = reader.pop();
  const made = reader.top();
  if (typeof made === "object" && made !== null && "of" in made) Object.assign(made, { state });
};

const READERS: ReadonlyMap<number, Read> = new Map<number, Read>([
  [0x80, (reader) => void reader.byte()],
  [0x95, (reader) => void reader.u64()],
  [0x94, (reader) => void reader.memo.push(reader.top())],
  [0x71, (reader) => void (reader.memo[reader.byte()] = reader.top())],
  [0x72, (reader) => void (reader.memo[reader.u32()] = reader.top())],
  [0x68, (reader) => reader.push(reader.memo[reader.byte()])],
  [0x6a, (reader) => reader.push(reader.memo[reader.u32()])],
  [0x4e, constant(() => null)],
  [0x88, constant(() => true)],
  [0x89, constant(() => false)],
  [0x29, constant(() => [])],
  [0x5d, constant(() => [])],
  [0x8f, constant(() => [])],
  [0x7d, constant(() => new Map())],
  [0x8c, text((reader) => reader.byte())],
  [0x58, text((reader) => reader.u32())],
  [0x8d, text((reader) => reader.u64())],
  [0x43, binary((reader) => reader.byte())],
  [0x42, binary((reader) => reader.u32())],
  [0x8e, binary((reader) => reader.u64())],
  [0x96, binary((reader) => reader.u64())],
  [0x4b, (reader) => reader.push(reader.byte())],
  [0x4d, (reader) => reader.push(reader.take(2).readUInt16LE())],
  [0x4a, (reader) => reader.push(reader.take(4).readInt32LE())],
  [0x47, (reader) => reader.push(reader.take(8).readDoubleBE())],
  [0x8a, (reader) => reader.push(longOf(reader.take(reader.byte())))],
  [0x8b, (reader) => reader.push(longOf(reader.take(reader.u32())))],
  [0x28, (reader) => void reader.marks.push(reader.stack.length)],
  [0x74, (reader) => reader.push(reader.popMark())],
  [0x85, tuple(1)],
  [0x86, tuple(2)],
  [0x87, tuple(3)],
  [0x65, append((reader) => reader.popMark())],
  [0x90, append((reader) => reader.popMark())],
  [0x61, append((reader) => reader.popLast(1))],
  [0x91, (reader) => reader.push(reader.popMark())],
  [0x75, setItems((reader) => reader.popMark())],
  [0x73, setItems((reader) => reader.popLast(2))],
  [
    0x93,
    (reader) => {
      const [module, name] = reader.popLast(2);
      reader.push(new PythonGlobal(String(module), String(name)));
    },
  ],
  [0x52, call],
  [0x81, call],
  [
    0x92,
    (reader) => {
      reader.pop(); // keyword arguments say nothing that is looked at
      call(reader);
    },
  ],
  [0x62, build],
  [0x30, (reader) => void reader.pop()],
  [0x32, (reader) => reader.push(reader.top())],
]);
