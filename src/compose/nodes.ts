import { BACKLOG_DEFAULT } from "../../assembly/abi/limits";
import {
  DEFAULT_FABRIC, defaultUnderlay, type FabricSettings, hostWorld, type HostSpec, type LinkSpec, type SwarmNodeSpec, type TopologySpec,
} from "../api/spec";
import type { LinkProperties } from "./cable";
import { placed } from "./node";
import type { ComposeProject } from "./project";

/** The machines that run a project, and what is around them. */
export interface Machines {
  readonly hosts: readonly HostSpec[];
  readonly underlay: NonNullable<TopologySpec["underlay"]>;
  readonly nodes: readonly SwarmNodeSpec[];
}

const CPUS = 2;

/**
 * `host1`, which makes the swarm, and the others, which join it, on one switch with a router and the machines `lan` and `internet`.
 *
 * @throws SimulationError for a host that is not among them, and for a first one that is to be a worker.
 */
export function machinesOf({ dockwire }: Pick<ComposeProject, "dockwire">, count: number): Machines {
  const rules = dockwire?.hosts ?? new Map();
  const names = Array.from({ length: count }, (_, index) => `host${index + 1}`);
  for (const [name, { place, role }] of rules) {
    if (!names.includes(name)) throw placed(place, `${place.path}: expected one of ${count === 1 ? "the only node host1" : `host1 to host${count}`}, found ${JSON.stringify(name)}`, "NOT_FOUND");
    if (name === names[0] && role === "worker") throw placed(place, `${place.path}: expected a manager as the first node, found a worker`);
  }
  const { link, mtu, pathMtu, ipv6, names: known } = dockwire?.underlay ?? {};
  const fabric: FabricSettings = { ...DEFAULT_FABRIC, ...(ipv6 !== undefined && { ipv6 }), ...(mtu !== undefined && { mtu }), ...(pathMtu !== undefined && { pathMtu }), ...(link && { link: linkOf(link) }), ...(known && { names: known }) };
  const made = names.map((name, index): HostSpec => {
    const rule = rules.get(name);
    const own = rule && Object.keys(rule.link).length > 0 ? { link: linkOf({ ...link, ...rule.link }) } : {};
    const uplink = { ...rule?.addresses, ...rule?.surroundings, ...(rule?.mtu !== undefined && { mtu: rule.mtu }), ...own };
    const daemon = rule?.daemon ?? dockwire?.daemon;
    return {
      name,
      cpus: rule?.cpus ?? CPUS,
      backlog: BACKLOG_DEFAULT,
      ...(daemon && { daemon }),
      ...(rule?.rules && { rules: [rule.rules] }),
      world: hostWorld(name, index, uplink, fabric),
    };
  });
  const nodes = names.map((host, index): SwarmNodeSpec => {
    const { role, availability, labels = {}, place } = rules.get(host) ?? {};
    return {
      host,
      role: role ?? (index === 0 ? "manager" : "worker"),
      ...(availability && { availability }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(place?.position && { position: place.position }),
    };
  });
  return { ...defaultUnderlay(made, fabric), nodes };
}

export function linkOf({ limitPackets, ...link }: LinkProperties): LinkSpec {
  return { ...link, ...(limitPackets !== undefined && { limit: limitPackets }) };
}
