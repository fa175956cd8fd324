import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Alias, type Node, type Scalar, type YAMLMap } from "yaml";
import { SimulationError, type SourcePosition } from "../errors";
import { describe, list, mapping, scalar, type ComposeNode, type Entry, type MappingNode, type MergeTag } from "./node";

/** A file's name, as messages shall show it, and its text. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

/** compose-go loader/reset.go: defaultMaxNodeVisits. Keeps nested aliases from growing without bound. */
export const NODES_MAX = 100_000;
/** Far beyond any real file, and far within the call stack. */
export const NESTING_MAX = 200;

/**
 * Reads YAML 1.2 with merge keys into positioned nodes, one per document of the text. An empty text has none.
 *
 * @throws SimulationError `INVALID_INPUT` at the line and column of the first mistake.
 */
export function parseYaml(source: SourceText): ComposeNode[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(source.text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    uniqueKeys: false, // the reader below also says where the first one is
    logLevel: "silent",
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  const at = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(offset);
    return { file: source.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const nodes: ComposeNode[] = [];
  for (const document of documents) {
    const mistake = [...document.errors].sort((a, b) => a.pos[0] - b.pos[0])[0];
    if (mistake) {
      const text = mistake.message.charAt(0).toLowerCase() + mistake.message.slice(1).split("\n")[0];
      throw new SimulationError("INVALID_INPUT", `expected valid YAML: ${text}`, { position: at(mistake.pos[0]) });
    }
    if (!document.contents) continue;
    const node = new Reader(at, aliasTargets(document.contents)).read(document.contents);
    const details = node.position && { position: node.position };
    if (node.size > NODES_MAX) {
      const message = `expected at most ${NODES_MAX} values with aliases written out, found ${node.size}`;
      throw new SimulationError("LIMIT_EXCEEDED", message, { limit: NODES_MAX, ...details });
    }
    if (node.depth > NESTING_MAX) {
      const message = `expected at most ${NESTING_MAX} levels of nesting, found ${node.depth}`;
      throw new SimulationError("LIMIT_EXCEEDED", message, { limit: NESTING_MAX, ...details });
    }
    nodes.push(node);
  }
  return nodes;
}

/**
 * The same nodes from a plain object, without positions.
 *
 * @throws SimulationError `INVALID_INPUT` for what YAML could not hold: functions, symbols, bigints, cycles.
 */
export function nodeFromObject(value: unknown, path = "", parents: readonly object[] = []): ComposeNode {
  const fail = (found: string): never => {
    throw new SimulationError("INVALID_INPUT", `${path || "the description"}: expected plain data, found ${found}`, { path });
  };
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return scalar(value, undefined);
  }
  if (typeof value !== "object") return fail(`a ${typeof value}`);
  if (parents.includes(value)) return fail("a cycle");
  if (parents.length >= NESTING_MAX) return fail(`more than ${NESTING_MAX} levels of nesting`);
  const above = [...parents, value];
  if (Array.isArray(value)) return list(value.map((item: unknown, index) => nodeFromObject(item, `${path}[${index}]`, above)), undefined);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return fail(`an instance of ${value.constructor.name}`);
  const entries = new Map<string, Entry>();
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    entries.set(key, { position: undefined, value: nodeFromObject(child, path ? `${path}.${key}` : key, above) });
  }
  return mapping(entries, undefined);
}

/** An alias stands for the last anchor of that name before it, so names are resolved in the order of the text. */
function aliasTargets(root: Node): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const walk = (node: unknown): void => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) targets.set(node, target);
      return;
    }
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return;
    if (node.anchor) anchors.set(node.anchor, node);
    if (isSeq(node)) node.items.forEach(walk);
    if (isMap(node)) {
      for (const pair of node.items) {
        walk(pair.key);
        walk(pair.value);
      }
    }
  };
  walk(root);
  return targets;
}

class Reader {
  /** Shared nodes stay shared, so that a value with ten aliases is interpolated and reported once. */
  private readonly done = new Map<Node, ComposeNode>();
  private readonly open = new Set<Node>();

  constructor(
    private readonly at: (offset: number) => SourcePosition,
    private readonly targets: ReadonlyMap<Alias, Node>,
  ) {}

  read(node: Node): ComposeNode {
    if (isAlias(node)) return this.readAlias(node);
    const known = this.done.get(node);
    if (known) return known;
    this.open.add(node);
    const read = this.readContent(node);
    this.open.delete(node);
    this.done.set(node, read);
    return read;
  }

  private readAlias(alias: Alias): ComposeNode {
    const target = this.targets.get(alias);
    if (!target) return this.fail(this.offsetOf(alias), `expected an anchor before the alias *${alias.source}, found none`);
    if (this.open.has(target)) {
      return this.fail(this.offsetOf(alias), `expected a value that ends, found the alias *${alias.source} inside its own anchor`);
    }
    return this.read(target);
  }

  private readContent(node: Node): ComposeNode {
    const position = this.at(this.offsetOf(node));
    const tag = mergeTag(node.tag);
    if (isSeq(node)) return list(node.items.map((item) => this.read(item as Node)), position, tag);
    if (isMap(node)) return this.readMapping(node, position, tag);
    const value: unknown = isScalar(node) ? valueOf(node) : null;
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return scalar(value, position, tag);
    }
    return scalar(isScalar(node) ? (node.source ?? null) : null, position, tag);
  }

  private readMapping(node: YAMLMap, position: SourcePosition, tag: MergeTag | undefined): MappingNode {
    const entries = new Map<string, Entry>();
    let merge: { node: Node | null; position: SourcePosition } | undefined;
    for (const pair of node.items) {
      const key = pair.key as Node;
      const keyPosition = this.at(this.offsetOf(key));
      const name: unknown = isScalar(key) ? key.value : isAlias(key) ? undefined : key;
      if (typeof name === "symbol") {
        if (merge) this.failAt(keyPosition, `mapping key "<<" already defined at line ${merge.position.line}`);
        merge = { node: pair.value as Node | null, position: keyPosition };
        continue;
      }
      if (typeof name !== "string") {
        const found = isScalar(key) ? String(key.source ?? key.value) : isAlias(key) ? `*${key.source}` : describe(this.read(key));
        return this.failAt(keyPosition, `expected a string as key, found ${found}`);
      }
      const earlier = entries.get(name);
      if (earlier) this.failAt(keyPosition, `mapping key ${JSON.stringify(name)} already defined at line ${earlier.position?.line}`);
      const value = pair.value === null ? scalar(null, keyPosition) : this.read(pair.value as Node);
      // An empty value has no text of its own to point at.
      const empty = value.kind === "scalar" && value.value === null;
      entries.set(name, { position: keyPosition, value: empty ? scalar(null, keyPosition, value.tag) : value });
    }
    if (merge) this.mergeInto(entries, merge.node, merge.position);
    return mapping(entries, position, tag);
  }

  /** Keys of the mapping itself win over merged ones, earlier merged mappings over later (yaml.org/type/merge.html). */
  private mergeInto(entries: Map<string, Entry>, node: Node | null, position: SourcePosition): void {
    const read = node === null ? scalar(null, position) : this.read(node);
    for (const source of read.kind === "list" ? read.items : [read]) {
      if (source.kind !== "mapping") {
        this.failAt(position, `expected a mapping or a list of mappings after "<<", found ${describe(source)}`);
      }
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    }
  }

  private offsetOf(node: Node): number {
    return node.range?.[0] ?? 0;
  }

  private fail(offset: number, message: string): never {
    return this.failAt(this.at(offset), message);
  }

  private failAt(position: SourcePosition, message: string): never {
    throw new SimulationError("INVALID_INPUT", message, { position });
  }
}

function mergeTag(tag: string | undefined): MergeTag | undefined {
  return tag === "!reset" ? "reset" : tag === "!override" ? "override" : undefined;
}

/** Go's YAML still reads numbers with a leading zero as octal ones, as YAML 1.1 has them (go.yaml.in/yaml resolve.go). */
function valueOf({ value, source = "" }: Scalar): unknown {
  return typeof value === "number" && /^[-+]?0[0-7]+$/.test(source) ? Number.parseInt(source, 8) : value;
}
