import { flow, gather, task } from "sluice";
import { DaskTaskRunner } from "sluice/dask";

/*
 * A program for `temporary.test.ts`: `node temporary.fixture.ts PYTHON REPORT BARE` uses temporary clusters of other kinds; BARE is a Python with Dask and without bokeh.
 */
const [, , python = "", report = "", bare = ""] = process.argv;
const square = task("square", (n: number) => n * n);
const squares = flow("squares", async (n: number) => gather(square.map(Array.from({ length: n }, (_, i) => i))));

if (import.meta.main) {
  const dashboard_address = ":0";
  const adaptive = new DaskTaskRunner({
    python,
    clusterKwargs: { n_workers: 0, threads_per_worker: 1, dashboard_address },
    adaptKwargs: { minimum: 0, maximum: 2 },
    performanceReportPath: report,
  });
  const secure = new DaskTaskRunner({
    python,
    clusterClass: "distributed.deploy.local:LocalCluster",
    clusterKwargs: { n_workers: 1, protocol: "tls://", security: true, dashboard_address },
  });
  const ends: unknown[] = [];
  for (const taskRunner of [adaptive, secure]) ends.push(await squares.with({ taskRunner })(4));
  const absent = new DaskTaskRunner({ python, clusterClass: "nowhere.NoCluster" });
  const unable = new DaskTaskRunner({ python: bare, performanceReportPath: report });
  for (const taskRunner of [absent, unable]) {
    const state = await squares.with({ taskRunner }).safe(1);
    ends.push(state.type === "COMPLETED" ? "completed" : state.error.message);
  }
  console.log(JSON.stringify(ends));
}
