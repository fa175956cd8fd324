import { describe, failAt, formatPath, list, mapping, place, scalar } from "./node";
import type { ComposeNode, Entry, ListNode, MappingNode } from "./node";

type Keys = readonly string[];
type Merger = (base: ComposeNode, over: ComposeNode, path: Keys) => ComposeNode;

/**
 * Merges a later description over an earlier one by Compose's rules (compose-go override/merge.go): mappings by key, lists one
 * after the other, scalars replaced, with the exceptions of the table below. Repeated items of lists are removed where they are read.
 * `!reset` stays in the result as a mark, because it also deletes what still earlier files said; `withoutResets` removes it.
 *
 * @throws SimulationError `INVALID_INPUT` when a list or mapping is overridden by something else.
 */
export function mergeNodes(base: ComposeNode, over: ComposeNode, path: Keys = []): ComposeNode {
  if (over.tag !== undefined || base.tag === "reset") return over;
  const special = RULES.find(([pattern]) => matches(pattern, path));
  if (special) return special[1](base, over, path);
  if (isNull(over)) return base;
  if (base.kind === "scalar") return over;
  if (base.kind === "mapping") return mergeMappings(base, expectKind(over, "mapping", path), path);
  return concatenate(base, expectKind(over, "list", path));
}

/** The tree without what `!reset` deleted, and without the tags. */
export function withoutResets(node: ComposeNode): ComposeNode {
  if (node.kind === "scalar") return node;
  if (node.kind === "list") return list(node.items.filter((item) => item.tag !== "reset").map(withoutResets), node.position);
  const entries = new Map<string, Entry>();
  for (const [key, entry] of node.entries) {
    if (entry.value.tag !== "reset") entries.set(key, { ...entry, value: withoutResets(entry.value) });
  }
  return mapping(entries, node.position);
}

function mergeMappings(base: MappingNode, over: MappingNode, path: Keys): MappingNode {
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const before = entries.get(key);
    // A value that is merely merged into keeps the place of its own key.
    const value = before ? mergeNodes(before.value, entry.value, [...path, key]) : entry.value;
    entries.set(key, before && value !== entry.value ? { value, position: before.position } : entry);
  }
  return mapping(entries, base.position, base.tag);
}

function concatenate(base: ListNode, over: ListNode): ListNode {
  return list([...base.items, ...over.items], base.position ?? over.position, base.tag);
}

const replace: Merger = (_base, over) => over;

/** Lists as they are, a single text as a list, mappings as `key=value`. A key without a value replaces one with a value. */
const mergeAsLists: Merger = (base, over) => {
  if (base.kind !== "mapping" || over.kind !== "mapping") return concatenate(asList(base), asList(over));
  return mapping(new Map([...base.entries, ...over.entries]), base.position, base.tag);
};

const mergeExtraHosts: Merger = (base, over) => {
  const before = asList(base);
  const known = new Set(before.items.map((item) => (item.kind === "scalar" ? item.value : undefined)));
  const added = asList(over).items.filter((item) => item.kind !== "scalar" || !known.has(item.value));
  return concatenate(before, list(added, over.position));
};

/** `[a, b]` means `{a: fallback, b: fallback}`. */
const mergeAsMappings = (fallback: (item: ComposeNode) => ComposeNode): Merger => (base, over, path) => {
  if (isNull(over)) return base;
  if (isNull(base)) return over;
  return mergeMappings(asMapping(base, path, fallback), asMapping(over, path, fallback), path);
};

const mergeBuild: Merger = (base, over, path) => {
  if (isNull(over)) return base;
  if (isNull(base)) return over;
  const asBuild = (node: ComposeNode): MappingNode => {
    if (node.kind !== "scalar") return expectKind(node, "mapping", path);
    return mapping(new Map([["context", { value: node, position: node.position }]]), node.position);
  };
  return mergeMappings(asBuild(base), asBuild(over), path);
};

/** Options of a logging driver do not fit another driver. */
const mergeLogging: Merger = (base, over, path) => {
  if (isNull(over)) return base;
  if (base.kind !== "mapping" || over.kind !== "mapping") return over;
  const driver = (node: MappingNode): unknown => {
    const value = node.entries.get("driver")?.value;
    return value?.kind === "scalar" ? value.value : undefined;
  };
  const [before, after] = [driver(base), driver(over)];
  return before === undefined || after === undefined || before === after ? mergeMappings(base, over, path) : over;
};

/** Blocks of the same subnet are one block. */
const mergeIpamConfig: Merger = (base, over, path) => {
  if (isNull(over)) return base;
  if (isNull(base)) return over;
  const subnet = (node: ComposeNode): unknown => {
    const value = node.kind === "mapping" ? node.entries.get("subnet")?.value : undefined;
    return value?.kind === "scalar" ? value.value : undefined;
  };
  const items = [...expectKind(base, "list", path).items];
  for (const block of expectKind(over, "list", path).items) {
    const index = items.findIndex((item) => subnet(item) === subnet(block));
    const before = items[index];
    if (before?.kind === "mapping" && block.kind === "mapping") items[index] = mergeMappings(before, block, path);
    else items.push(block);
  }
  return list(items, base.position, base.tag);
};

const started = (item: ComposeNode): ComposeNode => {
  const entry = (value: string | boolean): Entry => ({ value: scalar(value, item.position), position: item.position });
  return mapping(new Map([["condition", entry("service_started")], ["required", entry(true)]]), item.position);
};
const nothing = (item: ComposeNode): ComposeNode => scalar(null, item.position);

const RULES: readonly (readonly [pattern: Keys, merger: Merger])[] = [
  ...rules(mergeAsLists, [
    "networks.*.labels", "volumes.*.labels", "services.*.annotations", "services.*.build.args", "services.*.build.additional_contexts",
    "services.*.build.labels", "services.*.deploy.labels", "services.*.dns", "services.*.dns_opt", "services.*.dns_search",
    "services.*.env_file", "services.*.label_file", "services.*.environment", "services.*.labels", "services.*.sysctls", "services.*.tmpfs",
  ]),
  ...rules(mergeExtraHosts, ["services.*.extra_hosts", "services.*.build.extra_hosts"]),
  ...rules(replace, ["services.*.command", "services.*.entrypoint", "services.*.healthcheck.test", "services.*.ulimits.*"]),
  ...rules(mergeAsMappings(started), ["services.*.depends_on"]),
  ...rules(mergeAsMappings(nothing), ["services.*.networks", "services.*.models"]),
  ...rules(mergeBuild, ["services.*.build"]),
  ...rules(mergeLogging, ["services.*.logging"]),
  ...rules(mergeIpamConfig, ["networks.*.ipam.config"]),
];

function rules(merger: Merger, patterns: readonly string[]): [Keys, Merger][] {
  return patterns.map((pattern) => [pattern.split("."), merger]);
}

function matches(pattern: Keys, path: Keys): boolean {
  return pattern.length === path.length && pattern.every((key, index) => key === "*" || key === path[index]);
}

function asList(node: ComposeNode): ListNode {
  if (node.kind === "list") return node;
  if (node.kind === "scalar") return list(node.value === null ? [] : [node], node.position);
  const items: ComposeNode[] = [];
  for (const [key, entry] of node.entries) {
    for (const value of entry.value.kind === "list" ? entry.value.items : [entry.value]) {
      if (value.kind !== "scalar") items.push(value);
      else items.push(scalar(value.value === null ? key : `${key}=${value.value}`, value.position ?? entry.position));
    }
  }
  return list(items, node.position);
}

function asMapping(node: ComposeNode, path: Keys, fallback: (item: ComposeNode) => ComposeNode): MappingNode {
  if (node.kind === "mapping") return node;
  const entries = new Map<string, Entry>();
  for (const item of expectKind(node, "list", path).items) {
    if (item.kind !== "scalar") failAt(place(formatPath(path), item.position), `expected a string, found ${describe(item)}`);
    entries.set(String(item.value), { value: fallback(item), position: item.position });
  }
  return mapping(entries, node.position);
}

function isNull(node: ComposeNode): boolean {
  return node.kind === "scalar" && node.value === null;
}

function expectKind<K extends "list" | "mapping">(node: ComposeNode, kind: K, path: Keys): Extract<ComposeNode, { kind: K }> {
  if (node.kind === kind) return node as Extract<ComposeNode, { kind: K }>;
  return failAt(place(formatPath(path), node.position), `cannot override a ${kind}: expected a ${kind}, found ${describe(node)}`);
}
