import { TemplateError } from "./syntax";

export type TokenKind =
  | ("text" | "open" | "close" | "space")
  | ("field" | "variable" | "word" | "dot")
  | ("text-constant" | "number" | "char")
  | ("pipe" | "assign" | "declare" | "paren-open" | "paren-close" | "comma");

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly position: number;
}

const LETTERS = /^[\p{L}_][\p{L}\p{Nd}_]*/u;
const SIMPLE: Readonly<Record<string, TokenKind>> = { "|": "pipe", "(": "paren-open", ")": "paren-close", ",": "comma" };

/**
 * Cuts a template into tokens (Go text/template/parse/lex.go).
 *
 * @throws TemplateError in Go's words.
 */
export function lex(template: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimsNext = false;
  while (at < template.length) {
    const open = template.indexOf("{{", at);
    const end = open < 0 ? template.length : open;
    const trimsHere = open >= 0 && /^\{\{-\s/.test(template.slice(open));
    let text = template.slice(at, end);
    const position = at;
    if (trimsNext) text = text.trimStart();
    if (trimsHere) text = text.trimEnd();
    if (text !== "") tokens.push({ kind: "text", text, position });
    trimsNext = false;
    if (open < 0) break;
    at = open + (trimsHere ? 4 : 2);
    const comment = /^\/\*[\s\S]*?\*\/(\s-)?\}\}/.exec(template.slice(at));
    if (comment) {
      trimsNext = comment[1] !== undefined;
      at += comment[0].length;
      continue;
    }
    tokens.push({ kind: "open", text: "{{", position: open });
    [at, trimsNext] = lexAction(template, at, tokens);
  }
  return tokens;
}

/** Cuts what is between the braces; returns where it ends, and whether the text behind loses its blanks. */
function lexAction(template: string, start: number, tokens: Token[]): [end: number, trims: boolean] {
  let at = start;
  let depth = 0;
  for (;;) {
    const rest = template.slice(at);
    if (/^\s-\}\}/.test(rest) || rest.startsWith("}}")) {
      if (depth > 0) throw fault(template, at, "unclosed left paren");
      const trims = !rest.startsWith("}}");
      tokens.push({ kind: "close", text: "}}", position: at });
      return [at + (trims ? 4 : 2), trims];
    }
    if (rest === "") throw fault(template, at, "unclosed action");
    const token = lexToken(template, rest, at);
    if (token.kind === "paren-open") depth++;
    if (token.kind === "paren-close") depth--;
    tokens.push(token);
    at += token.text.length;
  }
}

function lexToken(template: string, rest: string, position: number): Token {
  const make = (kind: TokenKind, text: string): Token => ({ kind, text, position });
  const space = /^\s+?(?=\s-\}\}|\S|$)/.exec(rest);
  if (space) return make("space", space[0]);
  const simple = SIMPLE[rest.charAt(0)];
  if (simple !== undefined) return make(simple, rest.charAt(0));
  if (rest.startsWith(":=")) return make("declare", ":=");
  if (rest.startsWith(":")) throw fault(template, position, "expected :=");
  if (rest.startsWith("=")) return make("assign", "=");
  if (/^["`']/.test(rest)) return lexQuoted(template, rest, position);
  const name = LETTERS.exec(rest.replace(/^[.$]/, ""))?.[0] ?? "";
  if (rest.startsWith("$")) return make("variable", `$${name}`);
  if (rest.startsWith(".") && !/^\.\d/.test(rest)) return name === "" ? make("dot", ".") : make("field", `.${name}`);
  const number = /^[+-]?[\d.][\w.]*/.exec(rest)?.[0];
  if (number !== undefined) {
    if (!/^[+-]?(\d[\d_]*|0[xX][\da-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/.test(number)) {
      throw fault(template, position, `bad number syntax: ${JSON.stringify(number)}`);
    }
    return make("number", number);
  }
  const word = LETTERS.exec(rest)?.[0];
  if (word !== undefined) return make("word", word);
  const char = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw fault(template, position, `bad character U+${code} '${char}'`);
}

function lexQuoted(template: string, rest: string, position: number): Token {
  const quote = rest.charAt(0);
  const pattern = quote === "`" ? /^`[^`]*`/ : quote === '"' ? /^"(?:\\.|[^"\\\n])*"/ : /^'(?:\\.|[^'\\\n])*'/;
  const text = pattern.exec(rest)?.[0];
  if (text !== undefined) return { kind: quote === "'" ? "char" : "text-constant", text, position };
  const kinds: Record<string, string> = { "`": "raw quoted string", '"': "quoted string", "'": "character constant" };
  throw fault(template, position, `unterminated ${kinds[quote]}`);
}

/** An error at a place of a template without a name. */
export function fault(template: string, position: number, message: string): TemplateError {
  const line = template.slice(0, position).split("\n").length;
  return new TemplateError(`template: :${line}: ${message}`);
}
