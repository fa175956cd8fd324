import { SimulationError } from "../errors";
import { substitute, type Lookup } from "./interpolate";
import { place } from "./node";
import type { Notices } from "./notice";
import type { SourceText } from "./yaml";

/**
 * Reads the `.env` format by Compose's rules (compose-go dotenv/parser.go): comments, `export`, `KEY=value` and `KEY: value`, single
 * quotes as they are, double quotes with escapes, quotes over several lines, `$NAME` in all but single quotes, and a bare `KEY` that
 * takes its value from the surrounding environment.
 *
 * @param lookup the environment, which wins over what the file says where the file refers to a variable
 * @throws SimulationError `INVALID_INPUT` at the line that is not one of these.
 * @example parseEnvFile({ file: ".env", text: "TAG=1.2 # pinned" }, () => undefined, new Notices()).get("TAG") // "1.2"
 */
export function parseEnvFile(source: SourceText, lookup: Lookup, notices: Notices): Map<string, string> {
  return new EnvReader(source, lookup, notices).read();
}

// Go's isSpace of the parser: white space within a line.
const SPACES = /[\t\v\f\r \u0085\u00a0]*/y;
const NAME_CHARACTER = /[\p{L}\p{N}_.\-[\]\t\v\f\r \u0085\u00a0]/u;

class EnvReader {
  private readonly values = new Map<string, string>();
  private readonly text: string;
  private offset = 0;

  constructor(
    private readonly source: SourceText,
    private readonly lookup: Lookup,
    private readonly notices: Notices,
  ) {
    this.text = source.text.replace(/^\ufeff/, "");
  }

  read(): Map<string, string> {
    while (this.skipToStatement()) {
      this.skip(/export[\t\v\f\r \u0085\u00a0]+/y);
      const start = this.offset;
      const name = this.readName();
      if (name === "") this.fail(start, `expected NAME=value, found ${JSON.stringify(this.lineAt(start))}`);
      if (/\s/.test(name)) this.fail(start, `expected a variable name without a space, found ${JSON.stringify(name)}`);
      const separator = this.text.charAt(this.offset);
      if (separator !== "=" && separator !== ":") {
        const inherited = this.lookup(name);
        if (inherited !== undefined) this.values.set(name, inherited);
        continue;
      }
      this.offset++;
      this.skip(SPACES);
      this.values.set(name, this.readValue());
    }
    return this.values;
  }

  private skipToStatement(): boolean {
    this.skip(/(?:\s+|#[^\n]*)*/y);
    return this.offset < this.text.length;
  }

  private readName(): string {
    const start = this.offset;
    while (this.offset < this.text.length && !/[=:\n]/.test(this.text.charAt(this.offset))) {
      const character = String.fromCodePoint(this.text.codePointAt(this.offset) ?? 0);
      if (!NAME_CHARACTER.test(character)) {
        const line = JSON.stringify(this.lineAt(start));
        this.fail(this.offset, `expected a letter, a digit or one of "_.-[]" in a variable name, found ${JSON.stringify(character)} in ${line}`);
      }
      this.offset += character.length;
    }
    return this.text.slice(start, this.offset).trim();
  }

  private readValue(): string {
    const start = this.offset;
    const quote = this.text.charAt(start);
    if (quote === '"' || quote === "'") return this.readQuoted(quote);
    const line = this.lineAt(start);
    this.offset += line.length;
    const comment = line.indexOf(" #");
    return this.expand((comment < 0 ? line : line.slice(0, comment)).trimEnd(), start);
  }

  private readQuoted(quote: string): string {
    const start = this.offset;
    let value = "";
    for (this.offset++; this.offset < this.text.length; this.offset++) {
      const character = this.text.charAt(this.offset);
      if (character === quote) {
        this.offset++;
        return quote === '"' ? this.expand(unescape(value), start) : value;
      }
      // A backslash is kept for `unescape`, except before the quote that it protects.
      if (character === "\\") {
        const next = this.text.charAt(++this.offset);
        value += next === quote ? next : `\\${next}`;
      } else {
        value += character;
      }
    }
    return this.fail(start, `expected a closing ${quote}, found ${JSON.stringify(this.lineAt(start))}`);
  }

  private expand(value: string, start: number): string {
    return substitute(value, {
      lookup: (name) => this.lookup(name) ?? this.values.get(name),
      unset: (name) => {
        const at = place("", this.positionAt(start));
        this.notices.add("unset-variable", at, `the ${JSON.stringify(name)} variable is not set, defaulting to a blank string`);
      },
      fail: (reason) => this.fail(start, reason),
    });
  }

  private skip(pattern: RegExp): void {
    pattern.lastIndex = this.offset;
    this.offset += pattern.exec(this.text)?.[0].length ?? 0;
  }

  private lineAt(start: number): string {
    const end = this.text.indexOf("\n", start);
    return this.text.slice(start, end < 0 ? undefined : end);
  }

  private positionAt(offset: number) {
    const before = this.text.slice(0, offset).split("\n");
    return { file: this.source.file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }

  private fail(offset: number, message: string): never {
    throw new SimulationError("INVALID_INPUT", message, { position: this.positionAt(offset) });
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", '"': '"', "\\": "\\",
  $: "$$", // stays literal through the substitution that follows
};

function unescape(value: string): string {
  return value.replace(/\\(?:([abfnrtv$"\\])|0(\d{3}))/g, (whole: string, letter?: string, octal?: string) => {
    if (letter !== undefined) return ESCAPES[letter] ?? whole;
    return octal !== undefined && /^[0-3][0-7]{2}$/.test(octal) ? String.fromCharCode(parseInt(octal, 8)) : whole;
  });
}
