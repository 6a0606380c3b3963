import type { ValidateObjBody } from "../../wire/contract/shapes.ts";
import { Refusal, reply } from "../api-reply.ts";
import { errorTree } from "../parameters/error-tree.ts";
import { hydrate, variablesOf } from "../parameters/hydrate.ts";
import { checkValue, schemaFault, SchemaFault } from "../parameters/json-schema.ts";
import type { Handlers } from "./handler.ts";

/** What forms of web pages are checked with, before anything is made of them. */
export const uiSchemaHandlers: Handlers = {
  "POST /ui/schemas/validate": async (call, { store }) => {
    const { schema, values } = call.body as ValidateObjBody;
    const fault = schemaFault(schema);
    if (fault !== undefined) throw new Refusal(422, `Invalid schema: ${fault}`);
    const filled = await store.read(() =>
      hydrate(values, { variable: variablesOf(store), rendersTemplates: false, leavesFaults: true }),
    );
    try {
      const errors = errorTree(checkValue(filled, schema));
      return reply(200, { errors, valid: errors.length === 0 });
    } catch (error) {
      if (!(error instanceof SchemaFault)) throw error;
      const reason = error.isCircular ? "Unable to validate schema with circular references." : error.message;
      throw new Refusal(422, `Invalid schema: ${reason}`);
    }
  },
};
