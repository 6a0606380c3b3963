import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { isSluiceError, SluiceError } from "../../wire/errors.ts";
import { fromWireError, registerErrorClass, thrownFromWire, ThrownValueError, toWireError } from "./wire-error.ts";

/** What arrives on the other side: the wire error must survive JSON and structured clone alike. */
function travel(error: unknown): Error {
  const wire = toWireError(error);
  const overJson: unknown = JSON.parse(JSON.stringify(wire));
  expect(structuredClone(wire)).toEqual(overJson);
  return fromWireError(structuredClone(wire));
}

class PaymentError extends Error {
  readonly amount: number;
  constructor(message: string, amount: number, options?: ErrorOptions) {
    super(message, options);
    this.amount = amount;
  }
  doubled(): number {
    return this.amount * 2;
  }
}

test("brings the errors of the language back as the same class", () => {
  for (const type of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]) {
    const error = new type("no");
    const back = travel(error);
    expect(back).toBeInstanceOf(type);
    expect(Object.getPrototypeOf(back)).toBe(type.prototype);
    expect([back.name, back.message, back.stack]).toEqual([error.name, "no", error.stack]);
  }
});

test("brings an AbortError back as the DOMException that it was", () => {
  const controller = new AbortController();
  controller.abort();
  const back = travel(controller.signal.reason);
  expect(back).toBeInstanceOf(DOMException);
  expect(back.name).toBe("AbortError");
  expect((back as DOMException).code).toBe(DOMException.ABORT_ERR);
});

test("brings a SluiceError back with its code and brand", () => {
  const back = travel(new SluiceError("SLUICE_TIMED_OUT", "late", { cause: new Error("slow") }));
  expect(back).toBeInstanceOf(SluiceError);
  expect(isSluiceError(back, "SLUICE_TIMED_OUT") && back.retryable).toBe(true);
  expect(back.cause).toMatchObject({ message: "slow" });
});

test("brings a system error back with code, errno and path", () => {
  let caught: unknown;
  try {
    statSync("/no/such/file");
  } catch (error) {
    caught = error;
  }
  expect(travel(caught)).toMatchObject({ code: "ENOENT", errno: -2, syscall: "stat", path: "/no/such/file" });
});

test("brings the errors of an AggregateError and of a SuppressedError back", () => {
  const back = travel(new AggregateError([new TypeError("a"), "b"], "both"));
  expect(back).toBeInstanceOf(AggregateError);
  expect((back as AggregateError).errors).toMatchObject([{ name: "TypeError", message: "a" }, "b"]);
  const suppressed = travel(new SuppressedError(new RangeError("closing"), new Error("body"), "two"));
  expect(suppressed).toBeInstanceOf(SuppressedError);
  expect((suppressed as SuppressedError).error).toBeInstanceOf(RangeError);
});

test("keeps the chain of causes, and cuts a cycle", () => {
  const root = new Error("root");
  const top = new Error("top", { cause: new TypeError("middle", { cause: root }) });
  root.cause = top;
  const back = travel(top);
  expect(back.cause).toBeInstanceOf(TypeError);
  expect((back.cause as Error).cause).toMatchObject({ message: "root" });
  expect(((back.cause as Error).cause as Error).cause).toBeUndefined();
});

test("cuts a chain of causes, a crowd of errors and a long message to a bound", () => {
  let chain = new Error("0");
  for (let depth = 1; depth < 10_000; depth++) chain = new Error(String(depth), { cause: chain });
  const crowd = new AggregateError(Array.from({ length: 1100 }, () => new Error("x".repeat(100_000))));
  let depth = 0;
  for (let error: unknown = travel(chain); error instanceof Error; error = error.cause) depth++;
  expect(depth).toBe(50);
  const back = travel(crowd) as AggregateError;
  expect(back.errors).toHaveLength(999);
  expect((back.errors[0] as Error).message).toMatch(/^x{65536}… \(34464 characters more\)$/);
});

test("gives an unknown class the shape of an Error with its name and plain fields", () => {
  class LocalError extends Error {
    readonly status = 502;
    readonly socket = process.stdout;
    readonly detail = { tries: [1, 2] };
  }
  const back = travel(new LocalError("gone"));
  expect(back).toMatchObject({ name: "Error", message: "gone", status: 502, detail: { tries: [1, 2] } });
  expect("socket" in back).toBe(false);
  expect(toWireError(new LocalError("gone")).class).toBe("LocalError");
});

test("brings a registered class back as that class, without calling its constructor", () => {
  registerErrorClass(PaymentError);
  const back = travel(new PaymentError("declined", 21, { cause: "limit" }));
  expect(back).toBeInstanceOf(PaymentError);
  expect((back as PaymentError).doubled()).toBe(42);
  expect(back.cause).toBe("limit");
});

test("revives a registered class by its own function", () => {
  class HiddenError extends Error {
    readonly #reason: string;
    constructor(reason: string) {
      super(`because ${reason}`);
      this.#reason = reason;
    }
    get reason(): string {
      return this.#reason;
    }
  }
  registerErrorClass(HiddenError, (wire) => new HiddenError(wire.message.slice("because ".length)));
  expect((travel(new HiddenError("rain")) as HiddenError).reason).toBe("rain");
});

test("keeps a name that an error was given", () => {
  const error = new TypeError("x");
  error.name = "ValidationError";
  const back = travel(error);
  expect(back).toBeInstanceOf(TypeError);
  expect(back.name).toBe("ValidationError");
});

test("wraps thrown values that are no errors, and unwraps them", () => {
  for (const value of ["text", 7, null, undefined, { status: 1 }]) {
    const back = travel(value);
    expect(back).toBeInstanceOf(ThrownValueError);
    expect((back as ThrownValueError).value).toEqual(value);
    expect(thrownFromWire(toWireError(value))).toEqual(value);
  }
  expect(thrownFromWire(toWireError(() => 1))).toBeInstanceOf(ThrownValueError);
  expect(thrownFromWire(toWireError(new TypeError("x")))).toBeInstanceOf(TypeError);
});

test("survives an error whose members throw", () => {
  const hostile = new Error("x");
  for (const key of ["message", "stack", "cause", "code", "extra"]) {
    Object.defineProperty(hostile, key, {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    });
  }
  expect(travel(hostile)).toBeInstanceOf(Error);
});

test("does not let a field change the prototype of the error", () => {
  const error = Object.assign(new Error("x"), JSON.parse('{"constructor":1,"a":2}') as object);
  Object.defineProperty(error, "__proto__", { value: { evil: true }, enumerable: true });
  const back = travel(error);
  expect(Object.getPrototypeOf(back)).toBe(Error.prototype);
  expect(back).toMatchObject({ a: 2 });
});
