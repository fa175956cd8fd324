import { Answer, NO_MAP, NO_SLICE, Nothing, type AnswerMap, type AnswerValue } from "../../model/inspect/answer";
import { CallError, FUNCTIONS, indexTyped, isTrue, pairsOf, typeName } from "./functions";
import { print } from "./print";
import { ListRow } from "./row";
import { TemplateError, type Command, type Operand, type Pipe, type TemplateNode } from "./syntax";

export interface ExecuteOptions {
  /** What a map says about a key that it does not have: nothing, or that it does not have it. */
  readonly missingKey: "nothing" | "error";
  /** Go's name of the type of a value, for messages. */
  readonly typeOf?: (value: AnswerValue) => string | undefined;
  /** Functions that change how a value looks leave it as it is: the headings of a table are filled in. */
  readonly isHeading?: boolean;
}

interface Variable {
  readonly name: string;
  value: AnswerValue;
}

/** docker/cli templates/templates.go: HeaderFunctions. */
const COSMETIC: ReadonlySet<string> = new Set(["json", "title", "lower", "upper", "truncate"]);

/** What a missing key leads to, which has no fields either. */
const MISSING = new Nothing("interface");

/**
 * Fills a template in.
 *
 * @throws TemplateError in the words of Go's text/template.
 */
export function executeTemplate(template: readonly TemplateNode[], data: AnswerValue, options: ExecuteOptions): string {
  return new Execution(data, options).run(template, data);
}

class Execution {
  readonly #options: ExecuteOptions;
  readonly #variables: Variable[];

  constructor(data: AnswerValue, options: ExecuteOptions) {
    this.#options = options;
    this.#variables = [{ name: "$", value: data }];
  }

  run(nodes: readonly TemplateNode[], dot: AnswerValue): string {
    return nodes.map((node) => this.#node(node, dot)).join("");
  }

  #node(node: TemplateNode, dot: AnswerValue): string {
    if (node.kind === "text") return node.text;
    if (node.kind === "action") {
      const value = this.#pipe(node.pipe, dot);
      return node.pipe.variables.length > 0 ? "" : print(value);
    }
    const scope = this.#variables.length;
    const text = node.kind === "range" ? this.#range(node, dot) : this.#branch(node, dot);
    this.#variables.length = scope;
    return text;
  }

  #branch(node: Exclude<TemplateNode, { kind: "text" | "action" }>, dot: AnswerValue): string {
    const value = this.#pipe(node.pipe, dot);
    if (!isTrue(value)) return this.run(node.otherwise, dot);
    return this.run(node.body, node.kind === "with" ? value : dot);
  }

  #range(node: Exclude<TemplateNode, { kind: "text" | "action" }>, dot: AnswerValue): string {
    const { variables, ...pipe } = node.pipe;
    const value = this.#pipe({ ...pipe, variables: [] }, dot);
    const pairs = pairsOf(value);
    // What was looked at last.
    if (!pairs) throw failAt(node.pipe.commands.at(-1)?.operands.at(-1) ?? node.pipe, `range can't iterate over ${print(value)}`);
    if (pairs.length === 0) return this.run(node.otherwise, dot);
    const scope = this.#variables.length;
    const turns = pairs.map(([key, item]) => {
      const [first, second] = variables;
      if (first !== undefined) this.#set(first, second === undefined ? item : key, pipe.assigns);
      if (second !== undefined) this.#set(second, item, pipe.assigns);
      const text = this.run(node.body, item);
      this.#variables.length = scope;
      return text;
    });
    return turns.join("");
  }

  #set(name: string, value: AnswerValue, assigns: boolean): void {
    const existing = assigns ? this.#find(name) : undefined;
    if (existing) existing.value = value;
    else this.#variables.push({ name, value });
  }

  /** The innermost variable of that name. */
  #find(name: string): Variable | undefined {
    return this.#variables.filter((variable) => variable.name === name).at(-1);
  }

  #pipe(pipe: Pipe, dot: AnswerValue): AnswerValue {
    let value: AnswerValue | undefined;
    for (const command of pipe.commands) value = this.#command(command, dot, value);
    const result = value ?? MISSING;
    for (const name of pipe.variables) this.#set(name, result, pipe.assigns);
    return result;
  }

  #command(command: Command, dot: AnswerValue, final: AnswerValue | undefined): AnswerValue {
    const [first, ...rest] = command.operands;
    if (!first) throw failAt(command, "nil is not a command");
    if (first.kind === "function") return this.#call(first, command, [...rest.map((operand) => this.#operand(operand, dot)), ...(final === undefined ? [] : [final])]);
    if (first.kind === "field" && first.path.join() === "Label" && dot instanceof ListRow && rest.length === 1) {
      return dot.label(print(rest.map((operand) => this.#operand(operand, dot))[0] ?? MISSING));
    }
    if (rest.length > 0 || final !== undefined) {
      const what = first.kind === "field" ? `${first.path.at(-1)} has arguments but cannot be invoked as function` : `can't give argument to non-function ${first.text}`;
      throw failAt(first, what);
    }
    if (first.kind === "nil") throw failAt(first, "nil is not a command");
    return this.#operand(first, dot);
  }

  #call(operand: Operand & { kind: "function" }, command: Command, args: readonly AnswerValue[]): AnswerValue {
    const { name } = operand;
    const found = FUNCTIONS.get(name);
    if (!found) throw failAt(operand, `${JSON.stringify(name)} is not a defined function`);
    if (args.length < found.least || args.length > found.most) {
      const wanted = found.most === found.least ? String(found.least) : `at least ${found.least}`;
      throw failAt({ ...operand, text: name }, `wrong number of args for ${name}: want ${wanted} got ${args.length}`);
    }
    if (this.#options.isHeading === true && COSMETIC.has(name)) return args[0] ?? MISSING;
    try {
      return name === "index" && this.#options.missingKey === "nothing" ? indexTyped(args) : found.call(args);
    } catch (error) {
      if (error instanceof CallError) throw failAt(command, `error calling ${name}: ${error.message}`);
      throw error;
    }
  }

  #operand(operand: Operand, dot: AnswerValue): AnswerValue {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return MISSING;
      case "constant":
        return operand.value;
      case "field":
        return this.#fields(dot, operand.path, operand);
      case "variable":
        return this.#fields(this.#find(operand.name)?.value ?? MISSING, operand.path, operand);
      case "pipe":
        // Go says of a field behind parentheses that it was missed at what was looked at last inside them.
        return this.#fields(this.#pipe(operand.pipe, dot), operand.path, operand.pipe.commands.at(-1)?.operands.at(-1) ?? operand);
      case "function":
        return this.#call(operand, { operands: [operand], text: operand.text, position: operand.position }, []);
    }
  }

  #fields(from: AnswerValue, path: readonly string[], operand: Operand): AnswerValue {
    return path.reduce<AnswerValue>((value, name) => this.#field(value, name, operand), from);
  }

  #field(value: AnswerValue, name: string, operand: Operand): AnswerValue {
    if (value === MISSING) {
      if (this.#options.missingKey === "error") throw failAt(operand, `nil data; no entry for key ${JSON.stringify(name)}`);
      return MISSING;
    }
    if (value instanceof Nothing) {
      if (value.of === "map") return MISSING;
      throw failAt(operand, `nil pointer evaluating ${this.#typeOf(value)}.${name}`);
    }
    if (value instanceof Map) {
      const found = (value as AnswerMap).get(name);
      if (found !== undefined) return found;
      if (this.#options.missingKey === "error") throw failAt(operand, `map has no entry for key ${JSON.stringify(name)}`);
      return MISSING;
    }
    const field = value instanceof Answer ? value.fields.find(({ json, go }) => (go ?? json) === name) : undefined;
    if (field) return field.omitEmpty === true ? asDecoded(field.value) : field.value;
    throw failAt(operand, `can't evaluate field ${name} in type ${this.#typeOf(value)}`);
  }

  #typeOf(value: AnswerValue): string {
    return this.#options.typeOf?.(value) ?? typeName(value);
  }
}

/** What JSON leaves out where it is empty is nil to whoever has read it. */
function asDecoded(value: AnswerValue): AnswerValue {
  if (value instanceof Map && value.size === 0) return NO_MAP;
  return Array.isArray(value) && value.length === 0 ? NO_SLICE : value;
}

/** An error at a place, as a template without a name and of one line has it. */
function failAt(place: { readonly text: string; readonly position: number }, message: string): TemplateError {
  return new TemplateError(`template: :1:${place.position}: executing "" at <${place.text}>: ${message}`);
}
