/**
 * What the daemon's API answers, as the Go values that it is made of: templates of the client see field names, empty fields and the
 * difference between a struct and a map, JSON has the order of the fields and leaves some of them out.
 */
export type AnswerValue = string | number | bigint | boolean | Nothing | Answer | AnswerMap | readonly AnswerValue[];

/** A map with text keys; written in the order of its keys. */
export type AnswerMap = ReadonlyMap<string, AnswerValue>;

export type NothingKind = "slice" | "map" | "pointer" | "interface" | "IP" | "Prefix";

/** A map whose keys are ports: to Go no texts, which `index` of a template learns. */
export class PortMap extends Map<string, AnswerValue> {}

/** A map whose keys are drawn, so that their order is chance: it is that of the entries. */
export class DrawnMap extends Map<string, AnswerValue> {}

/** Go's nil, `null` in JSON; or an address or a block that is none, an empty text there. */
export class Nothing {
  readonly of: NothingKind;
  readonly plain: null | "";

  constructor(of: NothingKind, plain: null | "" = null) {
    this.of = of;
    this.plain = plain;
  }
}

export const NO_SLICE = new Nothing("slice");
export const NO_MAP = new Nothing("map");
export const NO_POINTER = new Nothing("pointer");

/** One field of a struct. */
export interface AnswerField {
  /** The name in JSON. */
  readonly json: string;
  /** The name in Go, where it differs. */
  readonly go?: string;
  readonly value: AnswerValue;
  /** Left out of JSON if there is nothing in it. */
  readonly omitEmpty?: boolean;
}

/** A struct: its fields in the order of their declaration. */
export class Answer {
  readonly fields: readonly AnswerField[];

  constructor(fields: readonly AnswerField[]) {
    this.fields = fields;
  }

  /** Fields whose names are the same in Go and JSON and that are always written. */
  static of(values: Readonly<Record<string, AnswerValue>>): Answer {
    return new Answer(Object.entries(values).map(([json, value]) => ({ json, value })));
  }
}

/** In place of an integer that no number of JavaScript is; JSON has it without the quotes. */
export const BIG_INTEGER = "\u0000integer ";

/** The value as plain data, as `JSON.parse` of the daemon's answer gives it. */
export function toPlain(value: AnswerValue): unknown {
  if (value instanceof Nothing) return value.plain;
  if (value instanceof Answer) return Object.fromEntries(written(value).map(({ json, value: inner }) => [json, toPlain(inner)]));
  if (value instanceof Map) return Object.fromEntries(sortedEntries(value as AnswerMap).map(([key, inner]) => [key, toPlain(inner)]));
  if (Array.isArray(value)) return (value as readonly AnswerValue[]).map(toPlain);
  if (typeof value === "bigint") return value <= Number.MAX_SAFE_INTEGER ? Number(value) : `${BIG_INTEGER}${value}`;
  return value;
}

/** The value as a reader sees it who knows nothing of its types: JSON read into maps. */
export function toUntyped(value: AnswerValue): AnswerValue {
  if (value instanceof Nothing) return new Nothing("interface");
  if (value instanceof Answer) return new Map(written(value).map(({ json, value: inner }) => [json, toUntyped(inner)]));
  if (value instanceof Map) {
    const entries = [...(value as AnswerMap)].map(([key, inner]) => [key, toUntyped(inner)] as const);
    return value instanceof DrawnMap ? new DrawnMap(entries) : new Map(entries);
  }
  if (Array.isArray(value)) return (value as readonly AnswerValue[]).map(toUntyped);
  return value;
}

/** The entries of a map in the order in which Go writes them. */
export function sortedEntries(map: AnswerMap): (readonly [string, AnswerValue])[] {
  if (map instanceof DrawnMap) return [...map];
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The fields that JSON has. */
function written(answer: Answer): AnswerField[] {
  return answer.fields.filter(({ omitEmpty, value }) => omitEmpty !== true || !isEmpty(value));
}

function isEmpty(value: AnswerValue): boolean {
  if (value instanceof Nothing) return true;
  if (value instanceof Answer) return false;
  if (value instanceof Map) return value.size === 0;
  if (Array.isArray(value)) return value.length === 0;
  return value === "" || value === 0 || value === false;
}

/** Texts by key, as an answer. */
export function textMap(record: Readonly<Record<string, string>>): AnswerMap {
  return new Map(Object.entries(record));
}
