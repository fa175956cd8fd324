import { SimulationError } from "../errors";

const PLAIN_ESCAPES = new Set(['"', "\\", "$", "`", "\n"]);

/**
 * Splits a line into words as a POSIX shell does: blanks, single and double quotes, backslashes. Nothing is expanded.
 *
 * @throws SimulationError `INVALID_INPUT` if a quote is not closed.
 * @example splitWords("docker network create -o 'a=b c' back") // ["docker", "network", "create", "-o", "a=b c", "back"]
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= "";
    if (char === "'" || char === '"') {
      const [text, end] = quoted(line, at);
      word += text;
      at = end;
    } else if (char === "\\") {
      at++;
      word += line.charAt(at);
    } else {
      word += char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The text of a quotation that begins at `start`, and where it ends. */
function quoted(line: string, start: number): [text: string, end: number] {
  const quote = line.charAt(start);
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === quote) return [text, at];
    const escapes = quote === '"' && char === "\\" && PLAIN_ESCAPES.has(line.charAt(at + 1));
    if (escapes) at++;
    text += escapes ? line.charAt(at) : char;
  }
  throw new SimulationError("INVALID_INPUT", `command line: expected a closing ${quote}, found the end of ${JSON.stringify(line)}`);
}
