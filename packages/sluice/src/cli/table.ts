import { paint, type Style } from "../client/live/style.ts";
import { displayWidth, fitWidth, padWidth } from "../client/live/text-width.ts";

const GAP = "  ";
// A column is not made narrower than this to fit a terminal; lines then run over.
const NARROWEST = 8;

/** One column of a table. Cells may be painted; they must be one line. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Numbers and durations stand right. Default "left". */
  readonly align?: "left" | "right";
  /** True for a column that is cut when the table is wider than the terminal; ids are not. */
  readonly flexible?: boolean;
}

/** How wide a table may get and how it may look. */
export interface TableOptions {
  readonly style: Style;
  /** Columns of the terminal; without it (a file, a pipe) nothing is cut. */
  readonly columns?: number | undefined;
}

/** Sets rows in columns under their titles, one string a line, no trailing spaces. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions,
): string[] {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...cells.map((row) => displayWidth(row[index] ?? ""))),
  );
  if (options.columns !== undefined) shrink(widths, columns, options.columns);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        return padWidth(fitWidth(text, width), width, columns[index]?.align === "right" ? "left" : "right");
      })
      .join(GAP)
      .trimEnd();
  const titles = line(columns.map((column) => column.title));
  return [paint(options.style, "dim", titles), ...cells.map((row) => line(row))];
}

/** Takes what is too much from the widest flexible column, one by one. */
function shrink<Row>(widths: number[], columns: readonly Column<Row>[], limit: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  for (let excess = total() - limit; excess > 0; excess--) {
    let widest = -1;
    for (const [index, width] of widths.entries()) {
      const isCandidate = columns[index]?.flexible === true && width > NARROWEST;
      if (isCandidate && width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
