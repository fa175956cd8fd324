import { Answer, Nothing, type AnswerField, type AnswerMap, type AnswerValue } from "../../model/inspect/answer";

const NO_ADDRESS = new Nothing("IP", "");
const NO_PREFIX = new Nothing("Prefix", "");
const ADDRESSES: ReadonlySet<string> = new Set(["Gateway", "GlobalIPv6Address", "IPAddress", "IPv4Address", "IPv6Address", "IPv6Gateway"]);
const PREFIXES: ReadonlySet<string> = new Set(["IPRange", "Subnet"]);

/** An answer as the client of Docker 29 reads it: addresses and blocks are values of Go's netip (moby api/types/network), also those that are none. */
export function withNetip(value: AnswerValue): AnswerValue {
  if (value instanceof Answer) return new Answer(value.fields.map((field) => ({ ...field, value: readField(value, field) })));
  if (value instanceof Map) return new Map([...(value as AnswerMap)].map(([key, inner]) => [key, withNetip(inner)]));
  return Array.isArray(value) ? (value as readonly AnswerValue[]).map(withNetip) : value;
}

function readField({ fields }: Answer, { json, value }: AnswerField): AnswerValue {
  if (value !== "") return withNetip(value);
  if (PREFIXES.has(json)) return NO_PREFIX;
  if (!ADDRESSES.has(json)) return value;
  // The members of a network are shown with the length of their blocks.
  return json.endsWith("Address") && json.startsWith("IPv") && fields.some((field) => field.json === "Name") ? NO_PREFIX : NO_ADDRESS;
}
