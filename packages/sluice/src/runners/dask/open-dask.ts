import type { RunnerNotice } from "../../engine/task-runner.ts";
import type { OpenCluster } from "../cluster/cluster-pool.ts";
import type { DaskConnection } from "./dask-connection.ts";
import { DaskMail } from "./dask-mail.ts";
import { DaskRun } from "./dask-run.ts";

/** Makes a connection carry runs. @param temporary what is to be told of a temporary cluster, and what ends it */
export function openDask(
  connection: DaskConnection,
  temporary: { readonly notices: RunnerNotice[]; close(): Promise<void> } = {
    notices: [],
    close: () => Promise.resolve(),
  },
): OpenCluster {
  const { client, module } = connection;
  const mail = new DaskMail(connection);
  return {
    carry: async (spec, options) => {
      const { home } = spec.function;
      // What Python runs needs no code of ours.
      const code = home === null || spec.python !== undefined ? "" : await connection.codeOf(home);
      return new DaskRun(spec, options, connection).run(code, mail);
    },
    cancelRun: (runId) => {
      // Whether the scheduler answers is told by its stream.
      client.broadcast({ op: `${module}_cancel_run`, run_id: runId }).catch(() => undefined);
    },
    notices: temporary.notices,
    ref: () => client.ref(),
    unref: () => client.unref(),
    close: async () => {
      client.close();
      await temporary.close();
    },
  };
}
