/**
 * What a job writes (ray_job.py): Ray's own words, `sluice-started TOKEN MICROSECONDS`, the console of the flow and of its tasks, and `sluice-end TOKEN BASE64`.
 *
 * Console lines are given on as they come, each once: from the log that is followed, and in the end from the whole of it.
 */
export class JobConsole {
  readonly #token: string;
  readonly #onLine: (line: string) => void;
  readonly #onStarted: (startedUs: number) => void;
  /** Characters of the log that were looked at, and of those the last that make no whole line yet. */
  #seen = 0;
  #open = "";
  #isOurs = false;
  #end: Buffer | undefined;

  constructor(
    token: string,
    told: { readonly onLine: (line: string) => void; readonly onStarted: (startedUs: number) => void },
  ) {
    this.#token = token;
    this.#onLine = told.onLine;
    this.#onStarted = told.onStarted;
  }

  /** The next part of the log. */
  add(text: string): void {
    this.#seen += text.length;
    const lines = (this.#open + text).split("\n");
    this.#open = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
  }

  /** The whole log. @returns the end of the body; undefined when the job has written none */
  finish(log: string): Buffer | undefined {
    this.add(log.slice(this.#seen));
    if (this.#open !== "") this.add("\n");
    return this.#end;
  }

  #take(line: string): void {
    const [word, token, value = ""] = line.startsWith("sluice-") ? line.split(" ", 3) : [];
    if (token !== this.#token) {
      // What comes before is about the job, not of the flow.
      if (this.#isOurs && line !== "") this.#onLine(line);
      else if (line.startsWith("Running entrypoint for job ")) this.#isOurs = true;
    } else if (word === "sluice-started") this.#onStarted(Number(value));
    else if (word === "sluice-end") this.#end = Buffer.from(value, "base64");
  }
}
