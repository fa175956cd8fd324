import pc from "picocolors";
import { plainStyle, type Style } from "../report/style";

/** Whether a stream may get colours: a terminal that can, unless NO_COLOR (no-color.org) says otherwise; FORCE_COLOR decides alone. */
export function isColorful(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "") return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

/** How a report looks on a stream. */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  if (!isColorful(stream)) return plainStyle;
  const { bold, dim, cyan, green, yellow, red } = pc.createColors(true);
  return { title: bold, dim, name: cyan, good: green, warning: yellow, bad: red };
}

/** As wide as a terminal is; elsewhere as wide as names are, for those who look for them in it. */
export function pageOf({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): { readonly width?: number; readonly isWhole: boolean } {
  return isTTY === true ? { ...(columns && { width: Math.max(60, columns) }), isWhole: false } : { isWhole: true };
}

/** The terminal that a progress line is written to; a `WriteStream` is one. */
export interface LineTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One line at the bottom of a terminal that is written over and over, and gone at the end. Nothing at all where there is no terminal. */
export class StatusLine {
  readonly #terminal: LineTerminal;
  #isShown = false;

  constructor(terminal: LineTerminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    if (this.#terminal.isTTY !== true) return;
    // A line as wide as the terminal would wrap in some, and could not be written over. A terminal may not know its width: 0.
    const width = Math.max(20, (this.#terminal.columns || 80) - 1);
    this.#terminal.write(`\r${[...text].slice(0, width).join("")}\u001b[K`);
    this.#isShown = true;
  }

  clear(): void {
    if (!this.#isShown) return;
    this.#terminal.write("\r\u001b[K");
    this.#isShown = false;
  }
}
