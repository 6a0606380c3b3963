import { SluiceError } from "../../wire/errors.ts";

/** A template such as `"load-{table}"` or `"{order.id}"`, or a function of the parameters by name. */
export type RunNameOption = string | ((parameters: Readonly<Record<string, unknown>>) => string);

/** Longest name of a run in characters; the rest is cut. */
const MAX_NAME_CHARS = 300;

/** Longest text that one placeholder gives, in characters. */
const MAX_VALUE_CHARS = 100;

/**
 * Names a flow run.
 *
 * @param option its `flowRunName`; undefined gives two random words, such as `amber-otter`
 * @param parameters by name; a template also knows `flow_name`
 * @throws SluiceError `SLUICE_OPTION_INVALID` when the function returns no text; what it throws goes to the caller
 * @see renderRunName for what a template may hold
 */
export function flowRunName(
  option: RunNameOption | undefined,
  flowName: string,
  parameters: Readonly<Record<string, unknown>>,
): string {
  if (option === undefined) return randomRunName();
  return nameOf("flowRunName", option, { flow_name: flowName, ...parameters });
}

/** Names a task run by its `taskRunName`, as {@link flowRunName}; a template also knows `task_name`. */
export function taskRunName(
  option: RunNameOption,
  taskName: string,
  parameters: Readonly<Record<string, unknown>>,
): string {
  return nameOf("taskRunName", option, { task_name: taskName, ...parameters });
}

/**
 * Fills a template: `{name}` and `{name.field.0}` take values, `{{` and `}}` are braces.
 *
 * Text enters as it is, other values as JSON, each cut at 100 characters. A placeholder without a value (a parameter left to its default, a
 * misspelling) stays as written: a name is for people, and must not fail a run.
 */
export function renderRunName(template: string, values: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/\{\{|\}\}|\{\s*([^{}]+?)\s*\}/g, (written: string, path: string | undefined) => {
    if (path === undefined) return written.charAt(0);
    let value: unknown = values;
    for (const key of path.split(".")) {
      if (typeof value !== "object" || value === null || !(key in value)) return written;
      value = Reflect.get(value, key);
      if (typeof value === "function") return written;
    }
    return textOf(value).slice(0, MAX_VALUE_CHARS);
  });
}

/** Makes a name of two random words, such as `amber-otter`. */
export function randomRunName(random: () => number = Math.random): string {
  return `${pick(ADJECTIVES, random)}-${pick(ANIMALS, random)}`;
}

function nameOf(optionName: string, option: RunNameOption, values: Readonly<Record<string, unknown>>): string {
  const name: unknown = typeof option === "string" ? renderRunName(option, values) : option(values);
  if (typeof name === "string" && name !== "") return name.slice(0, MAX_NAME_CHARS);
  const got = name === "" ? "an empty text" : `a value of type ${typeof name}`;
  throw new SluiceError(
    "SLUICE_OPTION_INVALID",
    `${optionName} must give a text that is not empty, but gave ${got}: return the name of the run.`,
  );
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    // A cycle or a bigint inside: the name shows what it is, as for any other object without JSON.
    return Object.prototype.toString.call(value);
  }
}

function pick(words: readonly string[], random: () => number): string {
  return words[Math.floor(random() * words.length)] ?? "run";
}

const ADJECTIVES = (
  "agile amber ample apt azure balmy bold brave breezy bright brisk bronze bubbly busy calm candid careful cheerful civil clear clever cobalt " +
  "coral cosmic crimson crisp curious daring dapper deft dewy eager early earnest easy fair famous fearless fond frank free fresh friendly gentle " +
  "gifted glad golden graceful grand green hale handy happy hardy hazel honest humble indigo ivory jade jolly jovial keen kind lively loyal lucid " +
  "lucky lunar magenta mellow merry mighty mild mint misty modest neat nimble noble olive opal patient placid polite prime proud quick quiet rapid " +
  "rosy royal ruby rustic sage scarlet serene sharp silent silver smart smooth snowy solar solid spry stable steady stellar sturdy sunny swift " +
  "tawny teal tidy tranquil trusty upbeat valiant velvet vivid warm wise witty zesty"
).split(" ");

const ANIMALS = (
  "alpaca antelope badger barbet beaver bison bobcat bongo bunting camel caracal caribou cheetah chinchilla cicada civet cobra condor coyote crane " +
  "cricket curlew deer dingo dolphin dormouse dove dragonfly dunlin eagle egret eland elk ermine falcon ferret finch firefly flamingo fox gannet " +
  "gazelle gecko gibbon giraffe goshawk grebe grouse gull hare harrier hawk hedgehog heron hoopoe hornbill hyrax ibex ibis iguana impala jackal " +
  "jaguar jay kestrel kingfisher kite kiwi koala kudu lapwing lark lemur leopard linnet llama loon lynx macaw magpie manatee marlin marmot marten " +
  "martin meerkat merlin mink mongoose moose narwhal newt ocelot okapi oriole osprey otter owl oxpecker panda pelican penguin petrel pheasant pika " +
  "plover puffin puma quail quokka rabbit raven robin salmon sandpiper seal serval shrike sparrow squirrel stork swallow swan tapir tern thrush " +
  "tiger toucan trout turtle viper vole wallaby warbler weasel whale wolf wombat wren yak zebra"
).split(" ");
