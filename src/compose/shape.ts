import { alternatives, type Field } from "./field";
import { failAt } from "./node";
import { suggest } from "./suggest";

/** What a value may look like: the part of JSON Schema that the Compose specification uses, with messages for people. */
export type Shape = AnyShape | ScalarShape | ListShape | MappingShape | RecordShape | EitherShape;

export type ScalarType = "string" | "number" | "integer" | "boolean" | "null";

interface AnyShape {
  readonly is: "any";
}
export interface ScalarShape {
  readonly is: "scalar";
  readonly types: readonly ScalarType[];
  /** The only texts allowed. */
  readonly choices?: readonly string[];
}
interface ListShape {
  readonly is: "list";
  readonly of: Shape;
  readonly unique: boolean;
}
interface MappingShape {
  readonly is: "mapping";
  readonly of: Shape;
  readonly keys: RegExp | undefined;
}
interface RecordShape {
  readonly is: "record";
  readonly fields: Readonly<Record<string, Shape>>;
  readonly required: readonly string[];
}
interface EitherShape {
  readonly is: "either";
  readonly shapes: readonly Shape[];
}

export const any: Shape = { is: "any" };
export const scalar = (...types: ScalarType[]): ScalarShape => ({ is: "scalar", types });
export const choice = (...choices: string[]): ScalarShape => ({ is: "scalar", types: ["string"], choices });
export const listOf = (of: Shape): ListShape => ({ is: "list", of, unique: false });
/** A list that Compose refuses to hold a value twice. */
export const setOf = (of: Shape): ListShape => ({ is: "list", of, unique: true });
/** Any key that fits `keys`. */
export const mappingOf = (of: Shape, keys?: RegExp): MappingShape => ({ is: "mapping", of, keys });
/** The given keys and `x-` extensions, no others. */
export const record = (fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): RecordShape => {
  return { is: "record", fields, required };
};
/** One of several shapes, told apart by whether the value is a scalar, a list or a mapping. */
export const either = (...shapes: Shape[]): EitherShape => ({ is: "either", shapes });

/**
 * Checks a value against a shape.
 *
 * @throws SimulationError `INVALID_INPUT` at the first value, in the order of the text, that does not fit.
 */
export function checkShape(field: Field, shape: Shape): void {
  const fitting = candidates(shape).filter((candidate) => fits(field, candidate));
  const chosen = fitting[0];
  if (!chosen) field.expected(alternativesOf(shape));
  if (chosen.is === "list") checkList(field, chosen);
  else if (chosen.is === "mapping") checkMapping(field, chosen);
  else if (chosen.is === "record") checkRecord(field, chosen);
  else if (chosen.is === "scalar" && chosen.choices && !chosen.choices.includes(field.text())) field.expected(alternatives(chosen.choices));
}

type PlainShape = Exclude<Shape, EitherShape>;

function candidates(shape: Shape): PlainShape[] {
  return shape.is === "either" ? shape.shapes.flatMap(candidates) : [shape];
}

function fits(field: Field, shape: PlainShape): boolean {
  const { node } = field;
  if (shape.is === "any") return true;
  if (node.kind === "list") return shape.is === "list";
  if (node.kind === "mapping") return shape.is === "mapping" || shape.is === "record";
  if (shape.is !== "scalar") return false;
  if (node.value === null) return shape.types.includes("null");
  if (typeof node.value !== "number") return shape.types.includes(typeof node.value as "string" | "boolean");
  return shape.types.includes("number") || (shape.types.includes("integer") && Number.isInteger(node.value));
}

function checkList(field: Field, shape: ListShape): void {
  const seen = new Map<string, number>();
  for (const [index, item] of field.items().entries()) {
    checkShape(item, shape.of);
    if (!shape.unique || item.node.kind !== "scalar") continue;
    const earlier = seen.get(item.text());
    if (earlier !== undefined) item.fail(`expected every item once, found ${JSON.stringify(item.text())} also as item ${earlier}`);
    seen.set(item.text(), index);
  }
}

function checkMapping(field: Field, shape: MappingShape): void {
  for (const child of field.children()) {
    if (shape.keys && !shape.keys.test(child.name)) refuseKey(field, child, []);
    checkShape(child, shape.of);
  }
}

function checkRecord(field: Field, shape: RecordShape): void {
  for (const child of field.children()) {
    const of = Object.hasOwn(shape.fields, child.name) ? shape.fields[child.name] : undefined;
    if (of) checkShape(child, of);
    else if (!child.name.startsWith("x-")) refuseKey(field, child, Object.keys(shape.fields));
  }
  for (const key of shape.required) if (!field.child(key)) field.fail(`expected the property ${JSON.stringify(key)}, found none`);
}

function refuseKey(parent: Field, child: Field, known: readonly string[]): never {
  const message = `additional property ${JSON.stringify(child.name)} is not allowed${suggest(child.name, known)}`;
  return failAt({ ...child.keyPlace, path: parent.path }, message);
}

function alternativesOf(shape: Shape): string {
  const names = new Set<string>();
  for (const candidate of candidates(shape)) {
    if (candidate.is === "scalar") for (const type of candidate.types) names.add(NAMES[type]);
    else if (candidate.is !== "any") names.add(candidate.is === "list" ? "a list" : "a mapping");
  }
  const all = [...names].filter((name) => name !== NAMES.null || names.size === 1);
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
}

const NAMES: Readonly<Record<ScalarType, string>> = {
  string: "a string",
  number: "a number",
  integer: "an integer",
  boolean: "true or false",
  null: "nothing",
};
