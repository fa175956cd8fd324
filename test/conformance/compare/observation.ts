import type { Checks } from "../checks";
import { isRecord, type Json, type ObserveStep } from "../recording";

type Fields = { readonly [key: string]: Json | undefined };

const TRAFFIC = "depends on what talked before, and the kernel's own later checks";
const CARRIER = "link state of a bridge right after a change";

/** The state of hosts and containers. */
export function compareObservation(checks: Checks, path: string, expected: ObserveStep, got: ObserveStep | string): void {
  const ours = typeof got === "string" ? undefined : got;
  const reason = typeof got === "string" ? got : "not observed";
  for (const [name, host] of entriesOf(expected.hosts)) compareHost(checks, `${path}.hosts.${name}`, host, fieldsOf(ours?.hosts, name), reason);
  for (const [name, container] of entriesOf(expected.containers)) {
    compareContainer(checks, `${path}.containers.${name}`, container, fieldsOf(ours?.containers, name), reason);
  }
  for (const [name] of entriesOf(ours?.containers)) {
    if (!isRecord(expected.containers) || expected.containers[name] === undefined) checks.count(`${path}.containers.${name}`, false, "no such container", "a container");
  }
}

function compareHost(checks: Checks, path: string, expected: Fields, got: Fields | undefined, reason: string): void {
  for (const [field, value] of Object.entries(expected)) {
    const where = `${path}.${field}`;
    const ours = got?.[field];
    if (field === "neigh" || field === "fdb") checks.skip(`hosts.${field}`, TRAFFIC);
    else if (got === undefined) checks.fail(where, value, reason);
    else if (field === "iptables" || field === "ip6tables") compareTables(checks, where, value, ours);
    else if (field === "ifaces" || field === "routes") compareLinks(checks, where, value, ours, unsettledBridges(expected));
    else if (field === "overlay_ns") compareNamespaces(checks, where, value, ours, reason);
    else checks.compare(where, value, ours);
  }
  for (const field of ["iptables", "ip6tables", "routes6"]) {
    if (expected[field] === undefined && isRecord(got) && hasContent(got[field])) checks.compare(`${path}.${field}`, undefined, got[field]);
  }
}

/** The engine's own namespaces: as hosts, with fewer fields. */
function compareNamespaces(checks: Checks, path: string, expected: Json | undefined, got: Json | undefined, reason: string): void {
  for (const [name, namespace] of entriesOf(expected)) {
    // Cables are numbered by all that ever were on a network: who that was differed where the addresses of those who are there now did.
    const isChance = ["neigh", "fdb"].some((field) => checks.hasUnstable(`${path}.${name}.${field}`));
    if (isChance) checks.skip(`${path}.${name}.ifaces: numbers of cables`, "the addresses on the network differed in a second recording");
    const seen = (value: Fields | undefined) => (value && isChance ? { ...value, ifaces: withoutNumbers(value.ifaces) } : value);
    compareHost(checks, `${path}.${name}`, seen(namespace) ?? {}, seen(fieldsOf(got, name)), reason);
    // What a daemon has told the kernel of other hosts stays, whoever talked.
    for (const [field, isTold] of [["neigh", / PERMANENT$/], ["fdb", / dst .* permanent$/]] as const) {
      const told = (value: Json | undefined) => linesOf(value).filter((line) => isTold.test(line)).sort();
      if (namespace[field] !== undefined) checks.compare(`${path}.${name}.${field}`, told(namespace[field]), told(fieldsOf(got, name)?.[field]));
    }
  }
}

function withoutNumbers(ifaces: Json | undefined): Json | undefined {
  return Array.isArray(ifaces) ? (ifaces as Json[]).map((device) => (isRecord(device) && device.kind === "veth" ? { ...device, name: "veth" } : device)) : ifaces;
}

/** Bridges that were recorded as up although no port was left: the kernel takes a moment. */
function unsettledBridges({ ifaces }: Fields): ReadonlySet<string> {
  const devices = Array.isArray(ifaces) ? (ifaces as Json[]).filter(isRecord) : [];
  const masters = new Set(devices.map(({ master }) => master));
  return new Set(devices.filter(({ kind, state, name }) => kind === "bridge" && (state === "UP") !== masters.has(name)).map(({ name }) => String(name)));
}

function compareLinks(checks: Checks, path: string, expected: Json | undefined, got: Json | undefined, unsettled: ReadonlySet<string>): void {
  if (unsettled.size === 0) {
    checks.compare(path, expected, got);
    return;
  }
  checks.skip(path, CARRIER);
  const settle = (value: Json | undefined): Json | undefined => {
    if (!Array.isArray(value)) return value;
    return (value as Json[]).map((entry) => {
      if (isRecord(entry)) return unsettled.has(String(entry.name)) ? { ...entry, state: "(unsettled)" } : entry;
      const device = / dev (.*?)(?: proto | scope | src | metric | linkdown|$)/.exec(String(entry))?.[1] ?? "";
      return unsettled.has(device) ? String(entry).replace(/ linkdown$/, "") : entry;
    });
  };
  checks.compare(path, settle(expected), settle(got));
}

function compareContainer(checks: Checks, path: string, expected: Fields, got: Fields | undefined, reason: string): void {
  for (const [field, value] of Object.entries(expected)) {
    const where = `${path}.${field}`;
    if (got === undefined) checks.fail(where, field === "net" ? withoutNeighbours(value) : value, reason);
    else if (field === "net") checks.compare(where, withoutNeighbours(value), withoutNeighbours(got.net));
    else checks.compare(where, value, got[field]);
  }
  for (const field of Object.keys(got ?? {})) {
    if (expected[field] === undefined && hasContent(got?.[field])) checks.count(`${path}.${field}`, false, "(nothing)", got?.[field] ?? null);
  }
}

function withoutNeighbours(net: Json | undefined): Json | undefined {
  if (!isRecord(net)) return net;
  const { neigh: _, ...rest } = net;
  return rest;
}

/** Chains with their policies, then the rules of each chain in order: how chains follow one another says nothing. */
function compareTables(checks: Checks, path: string, expected: Json | undefined, got: Json | undefined): void {
  const [tables, ours] = [isRecord(expected) ? expected : {}, isRecord(got) ? got : {}];
  for (const table of new Set([...Object.keys(tables), ...Object.keys(ours)])) compareTable(checks, `${path}.${table}`, linesOf(tables[table]), linesOf(ours[table]));
}

function compareTable(checks: Checks, path: string, expected: readonly string[], got: readonly string[]): void {
  const chain = (line: string) => (line.startsWith(":") ? "chains" : (line.split(" ")[1] ?? ""));
  const numbered = (lines: readonly string[]) => lines.map((line, index) => ({ line, index, chain: chain(line) }));
  const [theirs, ours] = [numbered(expected), numbered(got)];
  for (const name of new Set([...theirs, ...ours].map((entry) => entry.chain))) {
    const wanted = theirs.filter((entry) => entry.chain === name);
    const found = ours.filter((entry) => entry.chain === name);
    if (name === "chains") found.sort((a, b) => order(wanted, a.line) - order(wanted, b.line));
    for (let at = 0; at < Math.max(wanted.length, found.length); at++) {
      const where = wanted[at] === undefined ? `${path}.${name}[${at}]` : `${path}[${wanted[at].index}]`;
      checks.compare(where, wanted[at]?.line, found[at]?.line);
    }
  }
}

/** Where a chain stands in the recording: the order of chains within a table is that of their creation, and not compared. */
function order(wanted: readonly { readonly line: string }[], line: string): number {
  const name = line.split(" ")[0];
  const at = wanted.findIndex((entry) => entry.line.split(" ")[0] === name);
  return at === -1 ? wanted.length : at;
}

function linesOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function hasContent(value: Json | undefined): boolean {
  return value !== undefined && value !== null && !(typeof value === "object" && Object.keys(value).length === 0);
}

function entriesOf(value: Json | undefined): [string, Fields][] {
  return isRecord(value) ? Object.entries(value).map(([name, inner]) => [name, isRecord(inner) ? inner : {}]) : [];
}

function fieldsOf(value: Json | undefined, name: string): Fields | undefined {
  const inner = isRecord(value) ? value[name] : undefined;
  return isRecord(inner) ? inner : undefined;
}
