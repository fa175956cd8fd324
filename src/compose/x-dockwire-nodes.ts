import { CABLE_KEYS, readCable, type LinkProperties } from "./cable";
import type { Field } from "./field";
import { failAt, type Place } from "./node";
import { choice, mappingOf, record, scalar, type Shape } from "./shape";

/** What `x-dockwire` says of the machines of a swarm. */
export interface NodesSection {
  /** How many; absent: one machine without a swarm. */
  readonly nodes: number | undefined;
  /** `underlay`: the cables between the nodes, and the MTU of their interfaces. */
  readonly underlay: UnderlayRule | undefined;
  /** `hosts`, by their names: `host1`, `host2`, … */
  readonly hosts: ReadonlyMap<string, HostRule>;
}

export interface UnderlayRule {
  readonly link: LinkProperties;
  readonly mtu: number | undefined;
  /** The largest IP packet that switches pass on. */
  readonly pathMtu: number | undefined;
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
}

const quantity = scalar("string", "number");

export const NODES_SHAPE: Readonly<Record<string, Shape>> = {
  nodes: quantity,
  underlay: record({ ...CABLE_KEYS, mtu: quantity, path_mtu: quantity }),
  hosts: mappingOf(
    record({
      ...CABLE_KEYS, mtu: quantity, cpus: quantity, role: choice("manager", "worker"), availability: choice("active", "pause", "drain"),
      labels: mappingOf(scalar("string", "number", "boolean", "null")),
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
    underlay: underlay && { link: readCable(underlay), mtu: mtuOf(underlay, "mtu"), pathMtu: mtuOf(underlay, "path_mtu") },
    hosts: new Map((field.get("hosts")?.children() ?? []).map((host) => [host.name, readHost(host)])),
  };
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
  };
}

function mtuOf(field: Field, key: string): number | undefined {
  return field.get(key)?.integer(MTU.least, MTU.most);
}
