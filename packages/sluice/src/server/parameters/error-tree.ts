import type { SchemaValueIndexError, SchemaValuePropertyError } from "../../wire/contract/shapes.ts";
import type { ValueFault } from "./json-schema.ts";

/** A fault at the root, or the faults of a part. */
export type ErrorNode = string | SchemaValuePropertyError | SchemaValueIndexError;

/** Sorts faults into a tree, by the places where they are: forms show each at its field. */
export function errorTree(faults: readonly ValueFault[]): ErrorNode[] {
  const root: Branch = { messages: [], parts: new Map() };
  for (const { path, keyword, message } of faults) {
    // What is missing is told at the field that is.
    const name = keyword === "required" ? /^'(.*)' is a required property$/s.exec(message)?.[1] : undefined;
    let branch = root;
    for (const step of name === undefined ? path : [...path, name]) branch = partOf(branch, step);
    branch.messages.push(message);
  }
  return nodesOf(root);
}

interface Branch {
  readonly messages: string[];
  readonly parts: Map<string | number, Branch>;
}

function partOf(branch: Branch, step: string | number): Branch {
  const known = branch.parts.get(step);
  if (known) return known;
  const made: Branch = { messages: [], parts: new Map() };
  branch.parts.set(step, made);
  return made;
}

function nodesOf({ messages, parts }: Branch): ErrorNode[] {
  const inner = [...parts].map(([step, branch]): ErrorNode => {
    const errors = nodesOf(branch);
    return typeof step === "number" ? { index: step, errors } : { property: step, errors };
  });
  return [...messages, ...inner];
}
