/** Prefect's limits: characters of one line and of one request. */
const MAX_LINE_CHARS = 1_000_000;
const MAX_BATCH_CHARS = 4_000_000;

interface LogLine {
  readonly message: string;
}

/**
 * Cuts a batch of log lines into bodies of `POST /logs/` that a Prefect server takes.
 *
 * @param body JSON list of lines; a longer line than the server takes is cut, and says so
 */
export function logBatches(body: string): string[] {
  if (body.length <= MAX_LINE_CHARS) return [body];
  // The tracker wrote this list.
  const lines = (JSON.parse(body) as readonly LogLine[]).map((line) => JSON.stringify(shortened(line)));
  const batches: string[] = [];
  let batch: string[] = [];
  let size = 0;
  for (const line of lines) {
    if (size + line.length > MAX_BATCH_CHARS) {
      batches.push(`[${batch.join(",")}]`);
      batch = [];
      size = 0;
    }
    batch.push(line);
    size += line.length + 1;
  }
  batches.push(`[${batch.join(",")}]`);
  return batches;
}

function shortened(line: LogLine): LogLine {
  // Half of the limit is left to the escapes and fields of the line.
  const limit = MAX_LINE_CHARS / 2;
  if (line.message.length <= limit) return line;
  const cut = line.message.length - limit;
  return { ...line, message: `${line.message.slice(0, limit)}… (${cut} more characters were cut off)` };
}
