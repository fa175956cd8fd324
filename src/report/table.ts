import { plainStyle, type Style } from "./style";

/** A text, or a text with the mark it gets once its width has been measured. */
export type Cell = string | { readonly text: string; readonly mark: keyof Style };

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** May be cut in the middle when the table is wider than the page. */
  readonly shrink?: boolean;
  /** The last column may go on in the next lines. */
  readonly wrap?: boolean;
}

export interface TableOptions {
  readonly style?: Style;
  /** Columns of the page. */
  readonly width?: number;
  /** Blanks in front of every line. */
  readonly indent?: number;
  /** Nothing is cut, even if lines are longer than the page. */
  readonly isWhole?: boolean;
}

/** Columns that every report keeps to. */
export const PAGE_WIDTH = 100;

const GAP = "  ";
const SHRUNK_MIN = 10;

/**
 * Lines of aligned columns under their titles. Widths count code points, which is right for the names and numbers of a report.
 *
 * @example table([{ title: "name" }, { title: "sent", align: "right" }], [["web", "12"]]) // ["name  sent", "web     12"]
 */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], options: TableOptions = {}): string[] {
  const { style = plainStyle, width = PAGE_WIDTH, indent = 0, isWhole = false } = options;
  const widths = fit(columns, rows, width - indent, isWhole);
  const header = columns.map((column): Cell => ({ text: column.title, mark: "dim" }));
  return [header, ...rows].flatMap((row) => lines(row, columns, widths, style).map((line) => " ".repeat(indent) + line));
}

/** A table with the same cells, as Markdown. */
export function markdownTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map((column) => column.title)),
    line(columns.map((column) => (column.align === "right" ? "--:" : "---"))),
    ...rows.map((row) => line(row.map((cell) => textOf(cell).replaceAll("|", "\\|")))),
  ];
}

/**
 * Breaks a text at blanks into lines of at most `width` columns; a longer word stands alone.
 *
 * @example wrapText("one two three", 7) // ["one two", "three"]
 */
export function wrapText(text: string, width: number): string[] {
  const result: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) <= width || line === "") line = longer;
    else {
      result.push(line);
      line = word;
    }
  }
  result.push(line);
  return result;
}

function fit(columns: readonly Column[], rows: readonly (readonly Cell[])[], page: number, isWhole: boolean): number[] {
  const widths = columns.map((column, index) => Math.max(widthOf(column.title), ...rows.map((row) => widthOf(textOf(row[index] ?? "")))));
  const excess = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1)) - page;
  const last = columns.length - 1;
  if (columns[last]?.wrap === true && excess() > 0) {
    const words = [columns[last].title, ...rows.flatMap((row) => textOf(row[last] ?? "").split(" "))];
    widths[last] = Math.max((widths[last] ?? 0) - excess(), ...words.map(widthOf));
  }
  if (isWhole) return widths;
  // The widest gives way first, one column at a time, so that short names stay whole.
  const shrinkable = columns.flatMap((column, index) => (column.shrink === true ? [index] : []));
  while (excess() > 0) {
    const widest = shrinkable.reduce((best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best), shrinkable[0] ?? -1);
    if (widest < 0 || (widths[widest] ?? 0) <= SHRUNK_MIN) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function lines(row: readonly Cell[], columns: readonly Column[], widths: readonly number[], style: Style): string[] {
  const cells = columns.map((column, index) => {
    const text = textOf(row[index] ?? "");
    const width = widths[index] ?? 0;
    return column.wrap === true ? wrapText(text, width) : [cut(text, width)];
  });
  const height = Math.max(...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) => {
    const parts = columns.map((column, index) => {
      const text = cells[index]?.[line] ?? "";
      const padding = " ".repeat(Math.max(0, (widths[index] ?? 0) - widthOf(text)));
      const marked = mark(row[index] ?? "", text, style);
      return column.align === "right" ? padding + marked : marked + padding;
    });
    return parts.join(GAP).trimEnd();
  });
}

function mark(cell: Cell, text: string, style: Style): string {
  return typeof cell === "string" || text === "" ? text : style[cell.mark](text);
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

function widthOf(text: string): number {
  return [...text].length;
}

/** Names differ at their ends (`shop-web-1`, `shop-web-2`), so the middle goes. */
function cut(text: string, width: number): string {
  const points = [...text];
  if (points.length <= width) return text;
  const tail = Math.ceil((width - 1) / 2);
  return `${points.slice(0, width - 1 - tail).join("")}…${points.slice(-tail).join("")}`;
}
