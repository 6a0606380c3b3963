/** A cached task runs once for the same inputs; the next equal call takes the stored result, in any later process too. */
import { flow, INPUTS, task } from "sluice";

let downloads = 0;
const download = task("download", { cachePolicy: INPUTS, cacheExpiration: 3600 }, (url: string, verbose: boolean) => {
  downloads += 1;
  if (verbose) console.log("downloading", url);
  return url.length;
});
const quietly = download.with({ cachePolicy: INPUTS.without("verbose") });

const master = flow("master", async () => {
  const runs = [];
  for (let i = 0; i < 3; i++) {
    const run = download.submit("https://example.com/a", true);
    runs.push(`${await run} ${run.state.name}`);
  }
  console.log(runs, "downloads:", downloads);

  await quietly("https://example.com/b", true);
  await quietly("https://example.com/b", false);
  console.log("downloads:", downloads);

  await download.with({ refreshCache: true })("https://example.com/a", true);
  console.log("downloads:", downloads);
});

await master();

// Output:
// downloading https://example.com/a
// [ '21 Completed', '21 Cached', '21 Cached' ] downloads: 1
// downloading https://example.com/b
// downloads: 2
// downloading https://example.com/a
// downloads: 3
