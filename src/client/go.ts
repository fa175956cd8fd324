/** Readers of Go's standard library, with its words for what they do not take (strconv, encoding/csv). */

/** Why a text was not taken. */
export class GoError extends Error {
  override readonly name = "GoError";
}

/** A text as `%q` prints it. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** strconv.ParseBool. */
export function parseBool(text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw syntaxError("ParseBool", text);
}

/** strconv.ParseInt with 64 bits and base 0 as flags use it. */
export function parseInteger(text: string): number {
  if (!/^[+-]?(\d+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+)$/.test(text)) throw syntaxError("ParseInt", text);
  const value = text.startsWith("-") ? -Number(text.slice(1)) : Number(text.replace(/^\+/, ""));
  if (Math.abs(value) >= 2 ** 63) throw rangeError("ParseInt", text);
  return value;
}

/** strconv.Atoi. */
export function parseDecimal(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw syntaxError("Atoi", text);
  return Number(text);
}

/** nat.ParsePortRange of docker/go-connections. */
export function parsePortRange(text: string): [from: number, to: number] {
  if (text === "") throw new GoError("Empty string specified for ports.");
  const [first = "", second] = text.split("-");
  const from = parseUnsigned(first, 65535);
  const to = second === undefined ? from : parseUnsigned(second, 65535);
  if (to < from) throw new GoError(`Invalid range specified for the Port: ${text}`);
  return [from, to];
}

/** strconv.ParseUint in base 10, up to `max`. */
export function parseUnsigned(text: string, max: number): number {
  if (!/^\d+$/.test(text)) throw syntaxError("ParseUint", text);
  const value = Number(text);
  if (value > max) throw rangeError("ParseUint", text);
  return value;
}

function syntaxError(reader: string, text: string): GoError {
  return new GoError(`strconv.${reader}: parsing ${quote(text)}: invalid syntax`);
}

function rangeError(reader: string, text: string): GoError {
  return new GoError(`strconv.${reader}: parsing ${quote(text)}: value out of range`);
}

/** One line of comma-separated values (RFC 4180), as flags that take several at once are written. */
export function parseCsv(text: string): string[] {
  if (text === "") return [];
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(rest);
    const field = quoted ?? /^[^,]*/.exec(rest);
    const body = field?.[0] ?? "";
    if (!quoted && body.includes('"')) {
      const column = text.length - rest.length + body.indexOf('"') + 1;
      throw new GoError(`parse error on line 1, column ${column}: bare " in non-quoted-field`);
    }
    fields.push(quoted ? (quoted[1] ?? "").replace(/""/g, '"') : body);
    if (body.length === rest.length) return fields;
    rest = rest.slice(body.length + 1);
  }
}
