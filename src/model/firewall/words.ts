import { type ErrorCode, SimulationError, type SourcePosition } from "../../errors";

/** A word of a command line, and where it begins. */
export interface Word {
  readonly text: string;
  readonly position: SourcePosition;
}

/**
 * Cuts a line into words as a shell does: blanks part them, quotes and backslashes keep them together, `#` begins a comment.
 *
 * @throws SimulationError for a quote that is not closed.
 */
export function splitWords(line: string, { file, line: number }: { readonly file: string; readonly line: number }): readonly Word[] {
  const words: Word[] = [];
  // A word is a run of quoted and bare pieces.
  const piece = /"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\]/y;
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at]!)) {
      at++;
      continue;
    }
    if (line[at] === "#") break;
    const position = { file, line: number, column: at + 1 };
    let text = "";
    for (;;) {
      piece.lastIndex = at;
      const match = piece.exec(line);
      if (!match) break;
      text += unquote(match[0]);
      at = piece.lastIndex;
    }
    if (at < line.length && !/\s/.test(line[at]!)) refuseRule("INVALID_INPUT", `the quote ${line[at]} is not closed`, position);
    words.push({ text, position });
  }
  return words;
}

function unquote(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1);
  return (piece.startsWith(`"`) ? piece.slice(1, -1) : piece).replace(/\\(.)/g, "$1");
}

/** Says what is wrong with a rule, at its word. */
export function refuseRule(code: ErrorCode, sentence: string, position: SourcePosition): never {
  throw new SimulationError(code, sentence, { position });
}

/** Reads the words of one command from the left. */
export class WordReader {
  readonly #words: readonly Word[];
  #next = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  get done(): boolean {
    return this.#next >= this.#words.length;
  }

  /** The next word, which stays. */
  peek(): Word | undefined {
    return this.#words[this.#next];
  }

  take(): Word | undefined {
    return this.#words[this.#next++];
  }

  /** The value of an option. */
  value(option: Word, expected: string): Word {
    const word = this.take();
    if (word && !(word.text.startsWith("-") && word.text.length > 1)) return word;
    return refuseRule("INVALID_INPUT", `${option.text}: expected ${expected}, found ${word ? JSON.stringify(word.text) : "the end of the rule"}`, option.position);
  }

  /** Whether the next word is no option: then it belongs to the one before. */
  hasValue(): boolean {
    const text = this.peek()?.text;
    return text !== undefined && text !== "!" && !text.startsWith("-");
  }
}
