import { InvalidArgumentError } from "commander";

/** Reads a whole number of 0 or more, as the value of an option or argument. */
export function readCount(text: string): number {
  const count = Number(text);
  if (text.trim() === "" || !Number.isInteger(count) || count < 0)
    throw new InvalidArgumentError("It must be a whole number of 0 or more.");
  return count;
}

/** Reads a number of 0 or more, as the value of an option. */
export function readRate(text: string): number {
  const rate = Number(text);
  if (text.trim() === "" || !Number.isFinite(rate) || rate < 0)
    throw new InvalidArgumentError("It must be a number of 0 or more.");
  return rate;
}
