/**
 * What must type and what must not. Checked by the compiler alone; nothing here is run.
 */
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { unmapped, type AllowFailure, type Unmapped } from "../engine/context/call-arguments.ts";
import { allowFailure } from "../engine/context/call-arguments.ts";
import { asCompleted, gather, race, wait } from "../engine/context/combinators.ts";
import type { Future } from "../engine/context/future.ts";
import { completed, failed, type FinalState } from "../engine/state.ts";
import { flow, type Flow } from "./flow.ts";
import { pauseFlowRun } from "./body/pauses.ts";
import { runContext } from "./body/run-context.ts";
import { task, type Task } from "./task.ts";

const add = task("add", (a: number, b: number) => a + b);
const get = task("get", async (url: string) => ({ url, size: 1 }));
const sum = task("sum", (...xs: number[]) => xs.length);
const optional = task("optional", (a: string, b = 3, c?: boolean) => [a, b, c] as const);
const total = task("total", (xs: readonly number[]) => xs.length);

export async function calls(): Promise<void> {
  expectTypeOf(add(1, 2)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(await get("x")).toEqualTypeOf<{ url: string; size: number }>();
  void optional("x");
  void optional("x", 1, true);
  void sum(1, 2, 3);
  // @ts-expect-error a direct call takes plain values, not futures
  void add(add.submit(1, 2), 1);
  // @ts-expect-error too few arguments
  void add(1);
  // @ts-expect-error a number is not a text
  void get(1);
}

export function submits(): void {
  expectTypeOf(add.submit(add.submit(1, 2), Promise.resolve(3))).toEqualTypeOf<Future<number>>();
  expectTypeOf(sum.submit(1, add.submit(1, 2))).toEqualTypeOf<Future<number>>();
  expectTypeOf(total.submit([add.submit(1, 2), 3])).toEqualTypeOf<Future<number>>();
  // @ts-expect-error the future of another type
  add.submit(get.submit("x"), 1);
  const objectTask = task("object", (o: { x: number }) => o.x);
  // @ts-expect-error futures inside objects are not awaited
  objectTask.submit({ x: add.submit(1, 2) });
  const tolerant = task("tolerant", (x: number | Error) => String(x));
  tolerant.submit(allowFailure(add.submit(1, 2)));
  // @ts-expect-error a body that cannot take the error cannot allow the failure
  get.submit(allowFailure(get.submit("x")));
}

export function maps(): void {
  expectTypeOf(add.map([1, 2], unmapped(5))).toEqualTypeOf<Future<number>[]>();
  expectTypeOf(unmapped(5)).toEqualTypeOf<Unmapped<number>>();
  // @ts-expect-error one value for all calls is wrapped in unmapped()
  add.map([1, 2], 5);
  total.map([[1], [2, 3]]);
  total.map(unmapped([1, 2]));
}

export async function combinators(): Promise<void> {
  const [n, page, text] = await gather([add.submit(1, 2), get.submit("x"), "plain"]);
  expectTypeOf(n).toEqualTypeOf<number>();
  expectTypeOf(page.url).toEqualTypeOf<string>();
  expectTypeOf(text).toEqualTypeOf<"plain">();
  expectTypeOf(await gather(add.map([1], [2]))).toEqualTypeOf<number[]>();
  expectTypeOf(await Promise.all([add.submit(1, 2), get.submit("x")])).toEqualTypeOf<
    [number, { url: string; size: number }]
  >();
  for await (const future of asCompleted(add.map([1], [2]))) {
    expectTypeOf(future).toEqualTypeOf<Future<number>>();
    expectTypeOf(future.name).toEqualTypeOf<string>();
    expectTypeOf(await future).toEqualTypeOf<number>();
  }
  void optional.mapStream(["a"]);
  void sum.mapStream([1]);
  // @ts-expect-error the function wants two arguments, and a stream has one for each call
  void add.mapStream([1]);
  for await (const future of get.mapStream(["a"], { window: 2 }))
    expectTypeOf(future).toEqualTypeOf<Future<{ url: string; size: number }>>();
  expectTypeOf(await race([add.submit(1, 2)])).toEqualTypeOf<number>();
  const { done } = await wait(add.map([1], [2]));
  expectTypeOf(done).toEqualTypeOf<readonly Future<number>[]>();
}

export async function states(): Promise<void> {
  const state = await add.safe(1, 2);
  expectTypeOf(state).toEqualTypeOf<FinalState<number>>();
  if (state.type === "COMPLETED") expectTypeOf(state.data).toEqualTypeOf<number>();
  else expectTypeOf(state.error).toEqualTypeOf<Error>();
  switch (state.type) {
    case "COMPLETED":
    case "FAILED":
    case "CRASHED":
    case "CANCELLED":
      break;
    default:
      state satisfies never;
  }
  // @ts-expect-error a failed run has no value
  if (state.type === "FAILED") void state.data;
}

export function options(): void {
  expectTypeOf(add.with({ retries: 3, retryDelaySeconds: [1, 2] })).toEqualTypeOf<
    Task<[a: number, b: number], number>
  >();
  // @ts-expect-error a misspelt option
  add.with({ retry: 3 });
  // @ts-expect-error seconds are numbers
  task("t", { timeoutSeconds: "1" }, () => 1);
  // @ts-expect-error the schema belongs to flows
  task("t", { params: z.object({}) }, () => 1);
}

export async function flows(): Promise<void> {
  const etl = flow("etl", { params: z.object({ n: z.number().default(1), day: z.coerce.date() }) }, (p) => {
    expectTypeOf(p).toEqualTypeOf<{ n: number; day: Date }>();
    return p.n;
  });
  expectTypeOf(await etl({ day: "2026-01-31" })).toEqualTypeOf<number>();
  // @ts-expect-error the schema wants a number
  void etl({ day: "2026-01-31", n: "1" });
  const nothing = flow("nothing", async () => {
    expectTypeOf(runContext().signal).toEqualTypeOf<AbortSignal>();
  });
  expectTypeOf(nothing()).toEqualTypeOf<Promise<void>>();
  const factorial: Flow<[n: number], number> = flow("factorial", async (n: number): Promise<number> =>
    n <= 1 ? 1 : n * (await factorial(n - 1)),
  );
  expectTypeOf(
    flow(async function named(a: string) {
      return a.length;
    }),
  ).toEqualTypeOf<Flow<[a: string], number>>();
  const sums = flow("sums", (ns: number[]) => add.map(ns, ns));
  expectTypeOf(await sums([1])).toEqualTypeOf<number[]>();
  expectTypeOf(sums.submit([1])).toEqualTypeOf<Future<number[]>>();
  const both = flow("both", async () => [add.submit(1, 2), await get.safe("x")] as const);
  expectTypeOf(await both()).toEqualTypeOf<[number, { url: string; size: number }]>();
  const judges = task("judges", (n: number) => (n > 0 ? completed(String(n)) : failed("not positive")));
  expectTypeOf(await judges(1)).toEqualTypeOf<string>();
  expectTypeOf(judges.submit(1)).toEqualTypeOf<Future<string>>();
  const decides = flow("decides", (n: number) => (n > 0 ? completed(String(n)) : n < 0 ? failed("negative") : null));
  expectTypeOf(await decides(1)).toEqualTypeOf<string | null>();
  // oxlint-disable-next-line typescript/no-explicit-any -- what users have
  expectTypeOf(await flow("anything", (): any => null)()).toEqualTypeOf<any>();
  // oxlint-disable-next-line typescript/no-explicit-any -- what users have
  expectTypeOf(await flow("anythings", (): any[] => [])()).toEqualTypeOf<any[]>();
  const untyped = flow("untyped", (text: string): unknown => JSON.parse(text));
  expectTypeOf(await untyped("1")).toEqualTypeOf<unknown>();
  // @ts-expect-error a flow's function comes last
  flow(() => 1, "name");
}

export async function pauses(): Promise<void> {
  expectTypeOf(await pauseFlowRun({ key: "gate" })).toEqualTypeOf<undefined>();
  const waitForInput = z.object({ approved: z.boolean(), by: z.string().default("nobody") });
  expectTypeOf(await pauseFlowRun({ waitForInput })).toEqualTypeOf<{ approved: boolean; by: string }>();
  // @ts-expect-error a schema is wanted, not a value
  void pauseFlowRun({ waitForInput: { approved: true } });
  // @ts-expect-error seconds are a number
  void pauseFlowRun({ timeoutSeconds: "60" });
}

export function covariance(text: Future<"a">, failure: AllowFailure<"a">): void {
  const takesText = task("takes-text", (s: string) => s);
  takesText.submit(text);
  takesText.submit(failure);
}
