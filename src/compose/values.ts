import { isIp } from "../net/ip";
import type { Field } from "./field";

/** One `key=value` of a mapping or of a list; `null` is a key without a value. */
export interface KeyValue {
  readonly field: Field;
  readonly key: string;
  readonly value: string | null;
}

/** Reads what may be `{key: value}` or `["key=value"]`. Of a repeated key the last value stays. */
export function readKeyValues(field: Field | undefined): KeyValue[] {
  if (!field) return [];
  const pairs = new Map<string, KeyValue>();
  for (const child of field.node.kind === "mapping" ? field.children() : field.items()) {
    const pair = field.node.kind === "mapping" ? ofEntry(child) : ofText(child);
    pairs.set(pair.key, pair);
  }
  return [...pairs.values()];
}

function ofEntry(field: Field): KeyValue {
  return { field, key: field.name, value: field.isNull ? null : field.text() };
}

function ofText(field: Field): KeyValue {
  const text = field.text();
  const equals = text.indexOf("=");
  return equals < 0 ? { field, key: text, value: null } : { field, key: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** The same as a record; a key without a value has an empty one. */
export function readRecord(field: Field | undefined): Record<string, string> {
  return Object.fromEntries(readKeyValues(field).map(({ key, value }) => [key, value ?? ""]));
}

/** One text or a list of texts, each once. */
export function readTexts(field: Field | undefined): string[] {
  return [...new Set(field?.texts().map((item) => item.text()) ?? [])];
}

/** One address or a list of addresses, each once. */
export function readAddresses(field: Field | undefined): string[] {
  for (const item of field?.texts() ?? []) if (!isIp(item.text())) item.expected("an IPv4 or IPv6 address");
  return readTexts(field);
}
