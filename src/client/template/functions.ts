import { Answer, NO_POINTER, NO_SLICE, Nothing, PortMap, sortedEntries, type AnswerMap, type AnswerValue } from "../../model/inspect/answer";
import { goJson } from "./json";
import { print } from "./print";

/** What a function could not do. */
export class CallError extends Error {
  override readonly name = "CallError";
}

interface TemplateFunction {
  readonly least: number;
  readonly most: number;
  readonly call: (args: readonly AnswerValue[]) => AnswerValue;
}

const at = (args: readonly AnswerValue[], index: number): AnswerValue => args[index] ?? new Nothing("interface");

function text(value: AnswerValue, index: number): string {
  if (typeof value === "string") return value;
  throw new CallError(`wrong type for value; expected string; got ${typeName(value)} in argument ${index}`);
}

function fixed(count: number, call: TemplateFunction["call"]): TemplateFunction {
  return { least: count, most: count, call };
}

function texts(...calls: [name: string, call: (text: string) => string][]): [string, TemplateFunction][] {
  return calls.map(([name, call]) => [name, fixed(1, ([value]) => call(text(value ?? "", 0)))]);
}

/** The functions of Go's text/template and those that the docker client adds (docker/cli templates/templates.go). */
export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ...texts(
    ["lower", (word) => word.toLowerCase()],
    ["upper", (word) => word.toUpperCase()],
    ["title", (word) => word.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase())],
  ),
  ["json", fixed(1, (args) => goJson(at(args, 0)))],
  ["split", fixed(2, (args) => text(at(args, 0), 0).split(text(at(args, 1), 1)))],
  ["join", fixed(2, (args) => listOf(at(args, 0)).map((item) => print(item)).join(text(at(args, 1), 1)))],
  ["pad", fixed(3, (args) => padded(text(at(args, 0), 0), Number(at(args, 1)), Number(at(args, 2))))],
  ["truncate", fixed(2, (args) => text(at(args, 0), 0).slice(0, Number(at(args, 1))))],
  ["len", fixed(1, (args) => lengthOf(at(args, 0)))],
  ["index", { least: 1, most: Number.POSITIVE_INFINITY, call: ([value, ...keys]) => keys.reduce(indexInto, value ?? new Nothing("interface")) }],
  ["slice", { least: 1, most: 4, call: sliceOf }],
  ["not", fixed(1, (args) => !isTrue(at(args, 0)))],
  ["and", { least: 1, most: Number.POSITIVE_INFINITY, call: (args) => args.find((value) => !isTrue(value)) ?? at(args, args.length - 1) }],
  ["or", { least: 1, most: Number.POSITIVE_INFINITY, call: (args) => args.find(isTrue) ?? at(args, args.length - 1) }],
  ["eq", { least: 1, most: Number.POSITIVE_INFINITY, call: equals }],
  ["ne", fixed(2, (args) => !equals(args))],
  ["lt", fixed(2, (args) => compare(at(args, 0), at(args, 1)) < 0)],
  ["le", fixed(2, (args) => compare(at(args, 0), at(args, 1)) <= 0)],
  ["gt", fixed(2, (args) => compare(at(args, 0), at(args, 1)) > 0)],
  ["ge", fixed(2, (args) => compare(at(args, 0), at(args, 1)) >= 0)],
  ["print", { least: 0, most: Number.POSITIVE_INFINITY, call: printAll }],
  ["println", { least: 0, most: Number.POSITIVE_INFINITY, call: (args) => `${args.map((value) => print(value)).join(" ")}\n` }],
  ["html", { least: 0, most: Number.POSITIVE_INFINITY, call: (args) => printAll(args).replace(/["'&<>]/g, (letter) => `&${HTML[letter]};`) }],
  ["js", { least: 0, most: Number.POSITIVE_INFINITY, call: (args) => printAll(args).replace(/[\\'"<>&=]/g, (letter) => JS[letter] ?? letter) }],
  ["urlquery", { least: 0, most: Number.POSITIVE_INFINITY, call: (args) => encodeURIComponent(printAll(args)).replace(/%20/g, "+").replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`) }],
  ["call", { least: 0, most: Number.POSITIVE_INFINITY, call: ([value]) => fail(value === undefined ? "call of nil" : `non-function of type ${typeName(value)}`) }],
  ["printf", { least: 1, most: Number.POSITIVE_INFINITY, call: ([format, ...args]) => formatted(text(format ?? "", 0), args) }],
]);

/** text/template: htmlReplacementChars and jsReplacementChars. */
const HTML: Readonly<Record<string, string>> = { '"': "#34", "'": "#39", "&": "amp", "<": "lt", ">": "gt" };
const JS: Readonly<Record<string, string>> = { "\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D" };

/** Whether a value counts as true in `if`, `and` and `or`. */
export function isTrue(value: AnswerValue): boolean {
  // Structs are always true, those of addresses as well.
  if (value instanceof Nothing) return value.plain !== null;
  if (value instanceof Answer) return true;
  if (value instanceof Map) return value.size > 0;
  if (Array.isArray(value)) return value.length > 0;
  return value !== "" && value !== 0 && value !== false;
}

/** Go's name for the type of a value. */
export function typeName(value: AnswerValue): string {
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "int";
  if (typeof value === "boolean") return "bool";
  return "interface {}";
}

function listOf(value: AnswerValue): readonly AnswerValue[] {
  if (Array.isArray(value)) return value as readonly AnswerValue[];
  if (value instanceof Nothing && value.of !== "pointer") return [];
  throw new CallError(`wrong type for value; expected []string; got ${typeName(value)}`);
}

function padded(word: string, before: number, after: number): string {
  return word === "" ? "" : `${" ".repeat(before)}${word}${" ".repeat(after)}`;
}

function lengthOf(value: AnswerValue): number {
  if (value instanceof Nothing) {
    if (value.of === "slice" || value.of === "map") return 0;
    throw new CallError("len of nil pointer");
  }
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (value instanceof Map) return value.size;
  if (Array.isArray(value)) return value.length;
  throw new CallError(`len of type ${typeName(value)}`);
}

/** `index` where the types are known: a key that a map does not have leads to what is zero among its values. */
export function indexTyped([value, ...keys]: readonly AnswerValue[]): AnswerValue {
  return keys.reduce((inner, key) => {
    if (inner instanceof PortMap && typeof key === "string") throw new CallError("value has type string; should be nat.Port");
    const isEmpty = inner instanceof Map ? inner.size === 0 : inner instanceof Nothing && inner.of === "map";
    if (isEmpty && typeof key === "string") return "";
    const found = indexInto(inner, key);
    return inner instanceof Map && typeof key === "string" && !inner.has(key) ? zeroLike([...(inner as AnswerMap).values()][0]) : found;
  }, value ?? new Nothing("interface"));
}

function zeroLike(value: AnswerValue | undefined): AnswerValue {
  if (typeof value === "string") return "";
  if (value instanceof Answer) return NO_POINTER;
  return Array.isArray(value) ? NO_SLICE : new Nothing(value instanceof Nothing ? value.of : "interface");
}

function indexInto(value: AnswerValue, key: AnswerValue): AnswerValue {
  if (value instanceof Nothing) {
    if (value.of === "slice") throw new CallError(`index out of range: ${print(key)}`);
    if (value.of === "map") return new Nothing("interface");
    throw new CallError(value.of === "interface" ? "index of untyped nil" : "index of nil pointer");
  }
  if (value instanceof Map) {
    if (typeof key !== "string") throw new CallError(`value has type ${typeName(key)}; should be string`);
    return (value as AnswerMap).get(key) ?? new Nothing("interface");
  }
  if (Array.isArray(value)) {
    const list = value as readonly AnswerValue[];
    if (typeof key !== "number") throw new CallError(`cannot index slice/array with type ${typeName(key)}`);
    // Go lets the length itself pass, and reflection stumbles over it.
    return list[key] ?? fail(key === list.length ? "reflect: slice index out of range" : `index out of range: ${key}`);
  }
  throw new CallError(`can't index item of type ${typeName(value)}`);
}

function sliceOf([value, from, to]: readonly AnswerValue[]): AnswerValue {
  if (typeof value !== "string" && !Array.isArray(value)) throw new CallError(`can't slice item of type ${typeName(value ?? "")}`);
  const length = value.length;
  const [start, end] = [Number(from ?? 0), Number(to ?? length)];
  for (const bound of [start, end]) if (bound < 0 || bound > length) throw new CallError(`index out of range: ${bound}`);
  if (start > end) throw new CallError(`invalid slice index: ${start} > ${end}`);
  return typeof value === "string" ? value.slice(start, end) : (value as readonly AnswerValue[]).slice(start, end);
}

function equals([first, ...others]: readonly AnswerValue[]): boolean {
  if (first === undefined || others.length === 0) throw new CallError("missing argument for comparison");
  return others.some((other) => {
    if (first instanceof Nothing || other instanceof Nothing) return first instanceof Nothing && other instanceof Nothing;
    if (typeof first === "object" || typeof other === "object") throw new CallError("non-comparable type");
    if (typeof first !== typeof other) throw new CallError("incompatible types for comparison");
    return first === other;
  });
}

function compare(a: AnswerValue, b: AnswerValue): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw new CallError(typeof a === typeof b ? "invalid type for comparison" : "incompatible types for comparison");
}

/** Blanks between two neighbours of which neither is a text (fmt.Sprint). */
function printAll(args: readonly AnswerValue[]): string {
  return args.reduce<string>((line, value, index) => {
    const gap = index > 0 && typeof value !== "string" && typeof args[index - 1] !== "string" ? " " : "";
    return line + gap + print(value);
  }, "");
}

function formatted(format: string, args: readonly AnswerValue[]): string {
  let next = 0;
  const line = format.replace(/%([-+ 0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g, (_, flags: string, width: string, precision: string | undefined, verb: string) => {
    if (verb === "%") return "%";
    const value = args[next++];
    if (value === undefined) return `%!${verb}(MISSING)`;
    const body = formatOne(verb, value, precision);
    const fill = flags.includes("0") && !flags.includes("-") ? "0" : " ";
    return flags.includes("-") ? body.padEnd(Number(width)) : body.padStart(Number(width), fill);
  });
  const extra = args.slice(next).map((value) => `${typeName(value)}=${print(value)}`);
  return extra.length > 0 ? `${line}%!(EXTRA ${extra.join(", ")})` : line;
}

function formatOne(verb: string, value: AnswerValue, precision: string | undefined): string {
  const wrong = () => `%!${verb}(${typeName(value)}=${print(value)})`;
  if (verb === "v") return print(value);
  if (verb === "T") return typeName(value);
  if (verb === "d") return typeof value === "number" ? String(value) : wrong();
  if (verb === "t") return typeof value === "boolean" ? String(value) : wrong();
  if (verb === "q") return typeof value === "string" ? JSON.stringify(value) : wrong();
  if (verb !== "s") return wrong();
  if (typeof value === "number" || typeof value === "boolean") return wrong();
  return precision === undefined ? print(value) : print(value).slice(0, Number(precision));
}

function fail(message: string): never {
  throw new CallError(message);
}

/** The pairs that `range` runs over; `undefined` if it cannot. */
export function pairsOf(value: AnswerValue): readonly (readonly [AnswerValue, AnswerValue])[] | undefined {
  if (value instanceof Nothing) return value.of === "pointer" ? undefined : [];
  if (value instanceof Map) return sortedEntries(value as AnswerMap);
  if (Array.isArray(value)) return (value as readonly AnswerValue[]).map((item, index) => [index, item]);
  return undefined;
}
