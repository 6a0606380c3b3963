import { SluiceError } from "../../wire/errors.ts";
import type { RunTree } from "../../wire/run-tree.ts";
import type { Transport } from "../transport.ts";

/** Where run trees come from. */
export interface TreeSource {
  /** Reads the tree of a flow run; undefined while the store does not know the run. */
  readTree(flowRunId: string): Promise<RunTree | undefined>;
}

/**
 * Reads run trees through a transport.
 *
 * @throws SluiceError `SLUICE_API_REFUSED` for an answer other than 200 and 404, and what the transport throws
 */
export function treeSource(transport: Pick<Transport, "send">): TreeSource {
  return {
    async readTree(flowRunId) {
      const { status, body } = await transport.send({ method: "GET", path: `/api/sluice/flow_runs/${flowRunId}/tree` });
      if (status === 404) return undefined;
      if (status !== 200) {
        throw new SluiceError(
          "SLUICE_API_REFUSED",
          `The server answered the request for the tree of ${flowRunId} with ${String(status)}.`,
        );
      }
      // The route answers exactly this shape: wire/run-tree.ts declares it for both sides.
      return JSON.parse(body) as RunTree;
    },
  };
}
