import { serialize } from "node:v8";
import type { CarryOptions } from "../../engine/task-runner.ts";
import type { RunSpec } from "../../wire/run-spec.ts";
import type { CarriedOrder } from "../cluster/carried-order.ts";
import { graceOf } from "../cluster/carried-run-parts.ts";
import { notSerializable } from "../run-end.ts";

/**
 * Writes what a run on a node is called with (`run_on_node` of ray_node.py): `u32 length of the header | header (JSON) | order`.
 *
 * @param spec with arguments that can travel
 * @param run its key, and the hashes of the code that it needs
 * @throws SluiceError SLUICE_NOT_SERIALIZABLE
 */
export function nodeCall(
  spec: RunSpec,
  { graceMs, timeoutMs }: Pick<CarryOptions, "graceMs" | "timeoutMs">,
  run: { readonly key: string; readonly sdk: string; readonly code: string; readonly isJob?: boolean },
): readonly [Buffer, Buffer] {
  const { key, sdk, code, isJob = false } = run;
  const order: CarriedOrder = { spec, code, graceMs, timeoutMs, valuesAre: "bare", ...(isJob && { isJob }) };
  return [
    headOf({
      key,
      sdk,
      code,
      limit_seconds: timeoutMs === null ? null : (timeoutMs + graceMs) / 1000,
      grace_seconds: graceOf(spec, graceMs) / 1000,
    }),
    written(order),
  ];
}

function headOf(call: object): Buffer {
  const text = Buffer.from(JSON.stringify(call));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text]);
}

function written(order: CarriedOrder): Buffer {
  try {
    return serialize(order);
  } catch (error) {
    throw notSerializable(order.spec.args, "args", error);
  }
}
