import { SimulationError, type ErrorCode, type SourcePosition } from "../errors";

/** A value of a Compose file together with where it was written. Nodes are immutable and may be shared between parents. */
export type ComposeNode = ScalarNode | ListNode | MappingNode;

/** `!reset` deletes what an earlier file said, `!override` replaces it instead of merging. */
export type MergeTag = "reset" | "override";

interface Written {
  /** Absent for a value that came from a plain object. */
  readonly position: SourcePosition | undefined;
  readonly tag: MergeTag | undefined;
  /** How many nodes the value has when aliases are written out. */
  readonly size: number;
  /** How many levels of nodes, 1 for a scalar. */
  readonly depth: number;
}

export type Scalar = string | number | boolean | null;

export interface ScalarNode extends Written {
  readonly kind: "scalar";
  readonly value: Scalar;
}

export interface ListNode extends Written {
  readonly kind: "list";
  readonly items: readonly ComposeNode[];
}

export interface MappingNode extends Written {
  readonly kind: "mapping";
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  readonly value: ComposeNode;
  /** Where the key was written. */
  readonly position: SourcePosition | undefined;
}

export function scalar(value: Scalar, position: SourcePosition | undefined, tag?: MergeTag): ScalarNode {
  return { kind: "scalar", value, position, tag, size: 1, depth: 1 };
}

export function list(items: readonly ComposeNode[], position: SourcePosition | undefined, tag?: MergeTag): ListNode {
  return { kind: "list", items, position, tag, ...extent(items) };
}

export function mapping(entries: ReadonlyMap<string, Entry>, position: SourcePosition | undefined, tag?: MergeTag): MappingNode {
  return { kind: "mapping", entries, position, tag, ...extent([...entries.values()].map((entry) => entry.value)) };
}

function extent(children: readonly ComposeNode[]): { size: number; depth: number } {
  let [size, depth] = [1, 1];
  for (const child of children) {
    size += child.size;
    depth = Math.max(depth, child.depth + 1);
  }
  return { size, depth };
}

/** The node as plain data, as `JSON.parse` would give it. */
export function plain(node: ComposeNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.value)]));
}

/** What a message says was found. Long texts are cut. */
export function describe(node: ComposeNode): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  if (node.value === null) return "nothing";
  if (typeof node.value !== "string") return String(node.value);
  return JSON.stringify(node.value.length > 80 ? `${node.value.slice(0, 77)}...` : node.value);
}

/** The keys that lead to a value; numbers are list indices. */
export type Path = readonly (string | number)[];

/** `services.web.ports[0]`. */
export function formatPath(path: Path): string {
  return path.map((segment, index) => (typeof segment === "number" ? `[${segment}]` : index === 0 ? segment : `.${segment}`)).join("");
}

/** What a message, now or later, points at: the path of keys after merging, and where that value was written. */
export interface Place {
  readonly path: string;
  /** Absent when the description was a plain object. */
  readonly position?: SourcePosition;
}

export function place(path: string, position: SourcePosition | undefined): Place {
  return position ? { path, position } : { path };
}

/** Throws `file:line:column: path: message`. */
export function failAt(at: Place, message: string, code: ErrorCode = "INVALID_INPUT"): never {
  throw placed(at, at.path ? `${at.path}: ${message}` : message, code);
}

/** `file:line:column: message`, for a sentence that names its subject itself, as Compose's own do. */
export function placed(at: Place, message: string, code: ErrorCode = "INVALID_INPUT"): SimulationError {
  return new SimulationError(code, message, at.position ? { path: at.path, position: at.position } : { path: at.path });
}
