import { FUNCTIONS } from "./functions";
import { fault, lex, type Token } from "./lexer";
import { TemplateError, type Command, type Operand, type Operator, type Pipe, type TemplateNode } from "./syntax";

/** Words of Go's templates that this simulator does not know. */
const OTHER_KEYWORDS = new Set(["block", "break", "continue", "define", "template"]);

/**
 * Reads a template of Go's text/template: fields, variables, pipes, functions, `if`, `with` and `range`.
 *
 * Differs from Docker: `define`, `template`, `block`, `break` and `continue` are refused.
 *
 * @throws TemplateError in Go's words.
 */
export function parseTemplate(template: string): TemplateNode[] {
  return new Parser(template).parse();
}

class Parser {
  readonly #template: string;
  readonly #tokens: readonly Token[];
  readonly #variables = ["$"];
  #at = 0;

  constructor(template: string) {
    this.#template = template;
    this.#tokens = lex(template);
  }

  parse(): TemplateNode[] {
    const { nodes, end } = this.#list();
    if (end !== undefined) throw this.#fail(`unexpected {{${end}}}`);
    return nodes;
  }

  /** Nodes up to `{{end}}`, `{{else}}` or the end of the text. */
  #list(): { nodes: TemplateNode[]; end: "end" | "else" | undefined } {
    const nodes: TemplateNode[] = [];
    for (let token = this.#next(); token !== undefined; token = this.#next()) {
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      this.#skipSpace();
      const word = this.#peek();
      if (word?.kind === "word" && (word.text === "end" || word.text === "else")) {
        this.#at++;
        if (word.text === "end") this.#close("end");
        return { nodes, end: word.text };
      }
      nodes.push(this.#action(word));
    }
    return { nodes, end: undefined };
  }

  #action(word: Token | undefined): TemplateNode {
    const name = word?.kind === "word" ? word.text : "";
    if (OTHER_KEYWORDS.has(name)) throw this.#fail(`{{${name}}} is not simulated`);
    if (name !== "if" && name !== "with" && name !== "range") return { kind: "action", pipe: this.#pipe("command", "close") };
    this.#at++;
    return this.#control(name);
  }

  #control(kind: "if" | "with" | "range"): TemplateNode {
    const scope = this.#variables.length;
    const pipe = this.#pipe(kind, "close");
    const { nodes, end } = this.#list();
    if (end === undefined) throw this.#fail("unexpected EOF");
    let otherwise: readonly TemplateNode[] = [];
    if (end === "else") {
      this.#skipSpace();
      const next = this.#peek();
      if (kind !== "range" && next?.kind === "word" && next.text === kind) {
        this.#at++;
        otherwise = [this.#control(kind)];
      } else {
        this.#close("else");
        const last = this.#list();
        if (last.end !== "end") throw this.#fail(last.end === "else" ? "expected end; found {{else}}" : "unexpected EOF");
        otherwise = last.nodes;
      }
    }
    this.#variables.length = scope;
    return { kind, pipe, body: nodes, otherwise };
  }

  #close(context: string): void {
    this.#skipSpace();
    const token = this.#next();
    if (token?.kind !== "close") throw this.#fail(`unexpected ${described(token)} in ${context}`);
  }

  #pipe(context: string, until: "close" | "paren-close"): Pipe {
    const { variables, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    const from = this.#position();
    for (;;) {
      this.#skipSpace();
      const token = this.#peek();
      if (token === undefined) throw this.#fail("unclosed action");
      if (token.kind === until) {
        const text = this.#template.slice(from, token.position).trim();
        this.#at++;
        // A pipe may end in `|`, which Go takes without a word.
        if (commands.length === 0) throw this.#fail(`missing value for ${context}`);
        return { variables, assigns, commands, text, position: from };
      }
      if (token.kind === "close" || token.kind === "paren-close") throw this.#fail(`unexpected ${described(token)} in ${context}`);
      commands.push(this.#command(context));
    }
  }

  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const ahead = /^\s*(\$[\p{L}\p{Nd}_]*)\s*(?:,\s*(\$[\p{L}\p{Nd}_]*)\s*)?(:?=)/u.exec(this.#template.slice(this.#position()));
    if (!ahead) return { variables: [], assigns: false };
    const end = this.#position() + ahead[0].length;
    while ((this.#peek()?.position ?? end) < end) this.#at++;
    const variables = [ahead[1], ahead[2]].filter((name) => name !== undefined);
    if (variables.length > 1 && context !== "range") throw this.#fail(`too many declarations in ${context}`);
    const assigns = ahead[3] === "=";
    if (assigns) for (const name of variables) this.#checkVariable(name);
    else this.#variables.push(...variables);
    return { variables, assigns };
  }

  #command(context: string): Command {
    const operands: Operand[] = [];
    this.#skipSpace();
    const from = this.#position();
    for (;;) {
      this.#skipSpace();
      const token = this.#peek();
      if (token === undefined) throw this.#fail("unclosed action");
      if (token.kind === "pipe" || token.kind === "close" || token.kind === "paren-close") {
        const text = this.#template.slice(from, token.position).trim();
        if (token.kind === "pipe") this.#at++;
        const first = operands[0];
        if (!first) throw this.#fail(token.kind === "pipe" ? `unexpected "|" in ${context}` : "empty command");
        return { operands, text, position: first.position };
      }
      operands.push(this.#operand(context));
    }
  }

  #operand(context: string): Operand {
    const token = this.#next();
    if (!token) throw this.#fail("unclosed action");
    const { position } = token;
    const from = position;
    const done = (operator: Operator, path: readonly Token[]): Operand => {
      const last = path.at(-1) ?? this.#tokens[this.#at - 1];
      const text = this.#template.slice(from, (last?.position ?? from) + (last?.text.length ?? 0));
      return { ...operator, text, position: path[0]?.position ?? position };
    };
    if (token.kind === "dot") return done({ kind: "dot" }, this.#fieldsAfterDot());
    if (token.kind === "field") {
      const more = this.#fields();
      return done({ kind: "field", path: [token, ...more].map(({ text }) => text.slice(1)) }, more);
    }
    if (token.kind === "variable") {
      this.#checkVariable(token.text);
      const more = this.#fields();
      return done({ kind: "variable", name: token.text, path: more.map(({ text }) => text.slice(1)) }, more);
    }
    if (token.kind === "paren-open") {
      const pipe = this.#pipe("parenthesized pipeline", "paren-close");
      const more = this.#fields();
      return done({ kind: "pipe", pipe, path: more.map(({ text }) => text.slice(1)) }, more);
    }
    if (token.kind === "text-constant") return done({ kind: "constant", value: unquote(token.text) }, []);
    if (token.kind === "char") return done({ kind: "constant", value: unquote(token.text).codePointAt(0) ?? 0 }, []);
    if (token.kind === "number") return done({ kind: "constant", value: Number(token.text.replace(/_/g, "")) }, []);
    if (token.kind === "word") return this.#word(token);
    throw this.#fail(`unexpected ${described(token)} in ${context}`);
  }

  #word({ text, position }: Token): Operand {
    if (text === "true" || text === "false") return { text, position, kind: "constant", value: text === "true" };
    if (text === "nil") return { text, position, kind: "nil" };
    if (!FUNCTIONS.has(text)) throw this.#fail(`function ${JSON.stringify(text)} not defined`);
    return { text, position, kind: "function", name: text };
  }

  #fields(): Token[] {
    const fields: Token[] = [];
    for (let token = this.#peek(); token?.kind === "field" || token?.kind === "dot"; token = this.#peek()) {
      if (token.kind === "dot") throw this.#fail("unexpected <.> in operand");
      fields.push(token);
      this.#at++;
    }
    return fields;
  }

  #fieldsAfterDot(): Token[] {
    const next = this.#peek();
    if (next?.kind === "field" || next?.kind === "dot") throw this.#fail(`unexpected ${described(next)} in operand`);
    return [];
  }

  #checkVariable(name: string): void {
    if (!this.#variables.includes(name)) throw this.#fail(`undefined variable ${JSON.stringify(name)}`);
  }

  #position(): number {
    return this.#peek()?.position ?? this.#template.length;
  }

  #skipSpace(): void {
    while (this.#peek()?.kind === "space") this.#at++;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #fail(message: string): TemplateError {
    const at = this.#tokens[Math.min(this.#at, this.#tokens.length) - 1];
    return fault(this.#template, at?.position ?? 0, message);
  }
}

function described(token: Token | undefined): string {
  if (token === undefined) return "EOF";
  return token.kind === "dot" || token.kind === "field" ? `<${token.text}>` : JSON.stringify(token.text);
}

/** strconv.Unquote of the escapes that people write. */
function unquote(text: string): string {
  const body = text.slice(1, -1);
  if (text.startsWith("`")) return body;
  const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };
  return body.replace(/\\(u[\da-fA-F]{4}|x[\da-fA-F]{2}|.)/g, (_, code: string) =>
    code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : (escapes[code] ?? code),
  );
}
