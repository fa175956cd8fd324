import { Answer, Nothing, sortedEntries, type AnswerMap, type AnswerValue } from "../../model/inspect/answer";

/** A value as Go's `%v` prints it. */
export function print(value: AnswerValue): string {
  if (value instanceof Nothing) return { slice: "[]", map: "map[]", pointer: "<nil>", interface: "<no value>", IP: "invalid IP", Prefix: "invalid Prefix" }[value.of];
  if (value instanceof Answer) return `{${value.fields.map((field) => printInside(field.value)).join(" ")}}`;
  if (value instanceof Map) return `map[${sortedEntries(value as AnswerMap).map(([key, inner]) => `${key}:${printInside(inner)}`).join(" ")}]`;
  if (Array.isArray(value)) return `[${(value as readonly AnswerValue[]).map(printInside).join(" ")}]`;
  return String(value);
}

function printInside(value: AnswerValue): string {
  return value instanceof Nothing && value.of === "interface" ? "<nil>" : print(value);
}
