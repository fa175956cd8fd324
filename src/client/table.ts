/** Columns as Go's text/tabwriter sets them for docker's lists: at least 10 wide, 3 blanks between (docker/cli formatter.go). */
const LEAST_WIDTH = 10;
const GAP = 3;

/**
 * Sets lines whose cells are separated by tabs. The last cell of a line is not padded.
 *
 * @example alignColumns(["NAME\tDRIVER", "app\tbridge"]) // ["NAME      DRIVER", "app       bridge"]
 */
export function alignColumns(lines: readonly string[], leastWidth = LEAST_WIDTH): string[] {
  const rows = lines.map((line) => line.split("\t"));
  const width = (column: number) => {
    const cells = rows.filter((row) => row.length - 1 > column).map((row) => [...(row[column] ?? "")].length);
    return Math.max(leastWidth, ...cells.map((length) => (length === 0 ? 0 : length + GAP)));
  };
  return rows.map((row) => row.map((cell, column) => (column < row.length - 1 ? pad(cell, width(column)) : cell)).join(""));
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - [...cell].length));
}
