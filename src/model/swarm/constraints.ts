import { cidrContains, parseCidr } from "../../net/cidr";
import { isIp, parseIp } from "../../net/ip";
import type { ClusterNode } from "./objects";

/** One of the conditions of `--constraint`. */
export interface Constraint {
  readonly key: string;
  readonly isEqual: boolean;
  readonly value: string;
}

/** swarmkit manager/constraint/constraint.go. */
const KEY = /^[a-z_][a-z0-9\-_.]+$/i;
const VALUE = /^[a-z0-9:\-_\s.*()?+[\]\\^$|/]+$/i;
const OPERATORS = ["==", "!="] as const;

/** What the simulated hosts are. */
export const PLATFORM = { os: "linux", arch: "x86_64" } as const;

/** Reads `node.role==manager`; a text says what is wrong with it, in the managers' words. */
export function readConstraint(text: string): Constraint | string {
  const operator = OPERATORS.find((candidate) => text.includes(candidate));
  if (operator === undefined) return `constraint expected one operator from ${OPERATORS.join(", ")}`;
  const at = text.indexOf(operator);
  const [key, value] = [text.slice(0, at).trim(), text.slice(at + operator.length).trim()];
  if (!KEY.test(key)) return `key '${key}' is invalid`;
  if (!VALUE.test(value)) return `value '${value}' is invalid`;
  return { key, isEqual: operator === "==", value };
}

/** Whether a node meets all of them; a key that nobody knows is met by none. */
export function meetsConstraints(node: ClusterNode, constraints: readonly Constraint[]): boolean {
  return constraints.every((constraint) => meets(node, constraint));
}

function meets(node: ClusterNode, { key, isEqual, value }: Constraint): boolean {
  const is = (actual: string) => (actual.toLowerCase() === value.toLowerCase()) === isEqual;
  const lower = key.toLowerCase();
  if (lower === "node.id") return is(node.id);
  if (lower === "node.hostname") return is(node.hostname);
  if (lower === "node.role") return is(node.role);
  if (lower === "node.platform.os") return is(PLATFORM.os);
  if (lower === "node.platform.arch") return is(PLATFORM.arch);
  if (lower === "node.ip") return matchesAddress(node.address, value) === isEqual;
  if (lower.startsWith(NODE_LABELS)) return is(node.labels[key.slice(NODE_LABELS.length)] ?? "");
  if (lower.startsWith(ENGINE_LABELS)) return is(node.engineLabels[key.slice(ENGINE_LABELS.length)] ?? "");
  return false;
}

const NODE_LABELS = "node.labels.";
const ENGINE_LABELS = "engine.labels.";

function matchesAddress(address: string, wanted: string): boolean {
  if (isIp(wanted)) return address === wanted;
  try {
    return cidrContains(parseCidr(wanted, "node.ip"), parseIp(address, "address"));
  } catch {
    return false;
  }
}

/** What a node has of what tasks are to be spread over: `node.labels.zone`, `engine.labels.rack`. */
export function spreadValueOf(node: ClusterNode, descriptor: string): string {
  if (descriptor.startsWith(NODE_LABELS)) return node.labels[descriptor.slice(NODE_LABELS.length)] ?? "";
  if (descriptor.startsWith(ENGINE_LABELS)) return node.engineLabels[descriptor.slice(ENGINE_LABELS.length)] ?? "";
  return "";
}
