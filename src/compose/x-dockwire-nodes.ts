import { type DaemonFileSpec, type HostSurroundings, type NamesSpec, type NameTable, readListener, readRoute, type RulesSpec, type UplinkSettings } from "../api/spec";
import { SimulationError } from "../errors";
import { isIp } from "../net/ip";
import { CABLE_KEYS, readCable, type LinkProperties } from "./cable";
import type { Field } from "./field";
import { failAt, placed, type Place, plain } from "./node";
import { any, choice, either, listOf, mappingOf, record, scalar, type Shape } from "./shape";

/** What `x-dockwire` says of the machines that run the project. */
export interface NodesSection {
  /** How many; absent: one machine without a swarm. */
  readonly nodes: number | undefined;
  /** `underlay`: the cables between the nodes, and the MTU of their interfaces. */
  readonly underlay: UnderlayRule | undefined;
  /** `daemon`: the daemon.json of hosts that have none of their own. */
  readonly daemon: DaemonFileSpec | undefined;
  /** `hosts`, by their names: `host1`, `host2`, … */
  readonly hosts: ReadonlyMap<string, HostRule>;
}

export interface UnderlayRule {
  readonly link: LinkProperties;
  readonly mtu: number | undefined;
  /** The largest IP packet that switches pass on. */
  readonly pathMtu: number | undefined;
  readonly ipv6: boolean | undefined;
  /** What name servers know. */
  readonly names: NamesSpec | undefined;
}

export interface HostRule {
  readonly place: Place;
  readonly role: "manager" | "worker" | undefined;
  readonly availability: "active" | "pause" | "drain" | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpus: number | undefined;
  readonly mtu: number | undefined;
  /** Of its cable; properties that are absent are those of `underlay`. */
  readonly link: LinkProperties;
  readonly addresses: HostAddresses;
  readonly daemon: DaemonFileSpec | undefined;
  readonly surroundings: HostSurroundings;
  /** What its user does to the packet filter, in iptables syntax, and the path of that key. */
  readonly rules: RulesSpec | undefined;
}

type HostAddresses = Pick<UplinkSettings, "address" | "gateway" | "address6" | "gateway6">;

const quantity = scalar("string", "number");
const text = scalar("string");
const daemon = mappingOf(any);

const nameTable = mappingOf(either(text, listOf(text)));

export const NODES_SHAPE: Readonly<Record<string, Shape>> = {
  nodes: quantity,
  underlay: record({ ...CABLE_KEYS, mtu: quantity, path_mtu: quantity, ipv6: scalar("boolean", "string"), names: record({ internet: nameTable, lan: nameTable }) }),
  daemon,
  hosts: mappingOf(
    record({
      ...CABLE_KEYS, mtu: quantity, cpus: quantity, role: choice("manager", "worker"), availability: choice("active", "pause", "drain"),
      labels: mappingOf(scalar("string", "number", "boolean", "null")), address: text, gateway: text, address6: text, gateway6: text, daemon, rules: text,
      resolv_conf: record({ nameservers: listOf(text), search: listOf(text), options: listOf(text) }), routes: listOf(text), listen: listOf(quantity),
    }),
  ),
};

/** RFC 791: what every host can take; Ethernet's largest jumbo frames. */
const MTU = { least: 68, most: 9216 } as const;
export const MOST_NODES = 1000;

/** @throws SimulationError `INVALID_INPUT` for a host that a swarm here cannot have. */
export function readNodes(field: Field): NodesSection {
  const underlay = field.get("underlay");
  return {
    nodes: field.get("nodes")?.integer(1, MOST_NODES),
    underlay: underlay && readUnderlay(underlay),
    daemon: readDaemon(field.get("daemon")),
    hosts: new Map((field.get("hosts")?.children() ?? []).map((host) => [host.name, readHost(host)])),
  };
}

function readUnderlay(field: Field): UnderlayRule {
  return { link: readCable(field), mtu: mtuOf(field, "mtu"), pathMtu: mtuOf(field, "path_mtu"), ipv6: field.get("ipv6")?.flag(), names: readNames(field.get("names")) };
}

function readNames(field: Field | undefined): NamesSpec | undefined {
  if (!field) return undefined;
  const tableOf = (key: "internet" | "lan"): NameTable | undefined => {
    const names = field.get(key)?.children();
    return names && Object.fromEntries(names.map((name) => [name.name, addressesOf(name)]));
  };
  const [internet, lan] = [tableOf("internet"), tableOf("lan")];
  return { ...(internet && { internet }), ...(lan && { lan }) };
}

function addressesOf(field: Field): string[] {
  return (field.node.kind === "list" ? field.items() : [field]).map((address) => (isIp(address.text()) ? address.text() : address.expected("an address")));
}

function readHost(field: Field): HostRule {
  if (!/^host[1-9]\d*$/.test(field.name)) failAt(field.keyPlace, `expected host1, host2 and so on, found ${JSON.stringify(field.name)}`);
  return {
    place: field.keyPlace,
    role: field.get("role")?.choice(["manager", "worker"]),
    availability: field.get("availability")?.choice(["active", "pause", "drain"]),
    labels: Object.fromEntries((field.get("labels")?.children() ?? []).map((label) => [label.name, label.isNull ? "" : label.text()])),
    cpus: field.get("cpus")?.integer(1, 64),
    mtu: mtuOf(field, "mtu"),
    link: readCable(field),
    addresses: Object.fromEntries(["address", "gateway", "address6", "gateway6"].flatMap((key) => (field.get(key) ? [[key, field.get(key)!.text()]] : []))),
    daemon: readDaemon(field.get("daemon")),
    surroundings: readSurroundings(field),
    rules: readRules(field.get("rules")),
  };
}

/** Keys and values as they are: which there may be depends on the generation. */
function readDaemon(field: Field | undefined): DaemonFileSpec | undefined {
  const position = field?.keyPlace.position;
  return field && { file: plain(field.node) as DaemonFileSpec["file"], subject: field.path, ...(position && { position }) };
}

function readRules(field: Field | undefined): RulesSpec | undefined {
  return field && { text: field.text(), file: field.path };
}

function readSurroundings(field: Field): HostSurroundings {
  const resolvConf = field.get("resolv_conf");
  const textsOf = (key: "nameservers" | "search" | "options") => resolvConf?.get(key)?.items().map((item) => item.text());
  const [nameservers, search, options] = [textsOf("nameservers"), textsOf("search"), textsOf("options")];
  return {
    ...(resolvConf && { resolvConf: { ...(nameservers && { nameservers }), ...(search && { search }), ...(options && { options }) } }),
    routes: (field.get("routes")?.items() ?? []).map((item) => atPlace(item, () => readRoute(item.text(), item.path))),
    listeners: (field.get("listen")?.items() ?? []).map((item) => atPlace(item, () => readListener(item.text(), item.path))),
  };
}

/** What is wrong is wrong there. */
function atPlace<T>({ place }: Field, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SimulationError ? placed(place, error.message, error.code) : error;
  }
}

function mtuOf(field: Field, key: string): number | undefined {
  return field.get(key)?.integer(MTU.least, MTU.most);
}
