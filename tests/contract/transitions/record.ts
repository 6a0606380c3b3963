/**
 * Records what a Prefect server answers: `node tests/contract/transitions/record.ts http://127.0.0.1:4200/api`.
 *
 * The server must be left alone meanwhile, with the services off that move runs (late runs, pause expirations, cancellation clean-up). Takes ten minutes.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { KINDS, runGrid, type Call, type Grid } from "./grid.ts";
import { takeWalks } from "./walks.ts";

const [api = "http://127.0.0.1:4200/api", what = "all"] = process.argv.slice(2);

/** Asks again while the server is overloaded. */
const call: Call = async (method, path, { body, userAgent = "record" } = {}) => {
  for (;;) {
    // A connection of its own for each request: the server closes idle ones while they are used.
    const headers = { "content-type": "application/json", connection: "close", "user-agent": userAgent };
    const response = await fetch(api + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === 503) await delay(200);
    else return { status: response.status, json: text === "" ? undefined : (JSON.parse(text) as unknown) };
  }
};

/** As JSON, a row of the grid a line. */
function gridText(grid: Grid): string {
  return JSON.stringify(grid, null, 1)
    .replaceAll(/\n\s+(\d+,?)(?=\n)/g, " $1")
    .replaceAll(/\n\s+\]/g, " ]");
}

const write = (name: string, text: string): void => writeFileSync(new URL(name, import.meta.url), `${text}\n`);
write("prefect-3.8.8-walks.json", JSON.stringify(await takeWalks(call), null, 1));
if (what === "all") write("prefect-3.8.8.json", gridText(await runGrid(call, KINDS, 1)));
