import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { daskPython, hasDaskPython } from "../../clusters.fixture.ts";
import {
  PythonBuffer,
  PythonCall,
  PythonGlobal,
  PythonTuple,
  readPickle,
  writePickle,
  writePickleParts,
} from "./pickle.ts";

/** Runs a program of Python's, with bytes on its standard input. */
function python(program: string, input: Buffer): Buffer {
  const { stdout, stderr, status } = spawnSync(daskPython, ["-c", program], { input, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}
const reprOf = (bytes: Buffer): string =>
  python("import pickle, sys; print(repr(pickle.loads(sys.stdin.buffer.read())), end='')", bytes).toString();

test.skipIf(!hasDaskPython)("Python reads what is written", () => {
  const value = {
    none: null,
    flags: [true, false],
    numbers: [0, -1, 2 ** 31 - 1, 2 ** 40, 1.5],
    text: "grün 🌱",
    bytes: Buffer.from([0, 255]),
    pair: new PythonTuple([1, "two"]),
    map: new Map([["k", new PythonCall(new PythonGlobal("builtins", "abs"), [-3])]]),
  };
  expect(reprOf(writePickle(value))).toBe(
    "{'none': None, 'flags': [True, False], 'numbers': [0, -1, 2147483647, 1099511627776.0, 1.5], 'text': 'grün 🌱', " +
      "'bytes': b'\\x00\\xff', 'pair': (1, 'two'), 'map': {'k': 3}}",
  );
});

test.skipIf(!hasDaskPython)("bytes beside a pickle are read in their order", () => {
  const { pickle, buffers } = writePickleParts([
    new PythonBuffer(Buffer.from("one")),
    new PythonBuffer(Buffer.from("two")),
  ]);
  const program =
    "import pickle, sys; print(repr(pickle.loads(sys.stdin.buffer.read(), buffers=[b'one', b'two'])), end='')";
  expect(python(program, pickle).toString()).toBe("[b'one', b'two']");
  expect(buffers.map(String)).toEqual(["one", "two"]);
});

test.skipIf(!hasDaskPython).each([4, 5])(
  "what Python writes with protocol %i is read, and nothing is called",
  (protocol) => {
    const program = `import pickle, sys, os
class Evil:
    def __reduce__(self): return (os.system, ("touch /tmp/pwned-by-pickle",))
value = [None, True, 7, 300, -5, 2**70, 1.5, "grün", b"bytes", (1, 2), {"k": [1]}, {1}, Evil(), ValueError("no", 3)]
sys.stdout.buffer.write(pickle.dumps(value, protocol=${protocol}))`;
    const read = readPickle(python(program, Buffer.alloc(0))) as unknown[];
    expect(read.slice(0, 8)).toEqual([null, true, 7, 300, -5, 2 ** 70, 1.5, "grün"]);
    expect(read[9]).toEqual([1, 2]);
    expect(read[10]).toEqual(new Map([["k", [1]]]));
    expect(read[12]).toMatchObject({ of: expect.stringMatching(/\.system$/), args: ["touch /tmp/pwned-by-pickle"] });
    expect(read[13]).toMatchObject({ of: expect.stringMatching(/\.ValueError$/), args: ["no", 3] });
  },
);

test("a pickle that ends too early, or has an unknown opcode, is an error", () => {
  expect(() => readPickle(Buffer.from([0x80, 4, 0x42, 255, 0, 0, 0, 1]))).toThrow(/too early/);
  expect(() => readPickle(Buffer.from([0x80, 4, 0xff]))).toThrow(/opcode 0xff/);
});
