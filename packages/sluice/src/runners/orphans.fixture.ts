/** A program of its own for the tests of what outlives it: `FILE` nests a busy process and writes its id; `warm` carries runs and ends by itself. */
import { ProcessPoolTaskRunner, setHomeLink } from "./index.ts";
import { specOf, valueOf } from "./task-runner.fixture.ts";

setHomeLink({
  connectThread: () => null,
  address: {},
  engineUrl: new URL("./plain-engine.fixture.ts", import.meta.url).href,
  pythonFolder: "",
  environment: {},
});
const runner = new ProcessPoolTaskRunner({ maxWorkers: 1 });
const options = { signal: new AbortController().signal, graceMs: 1000, timeoutMs: null };
const [what = ""] = process.argv.slice(2);
if (what === "warm") {
  process.disconnect?.();
  console.log(`worker ${String(valueOf(await runner.carry(specOf("pid"), options)))}`);
  await runner.carry(specOf("print", [Buffer.from([0xff, 0x00]).toString("latin1") + " printed\n"]), options);
  console.log(`sum ${String(valueOf(await runner.carry(specOf("add", [1, 2]), options)))}`);
} else {
  await runner.carry(specOf("nest a busy process", [what]), options);
}
