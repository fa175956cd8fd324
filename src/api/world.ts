import { BACKLOG_DEFAULT } from "../../assembly/abi/limits";
import { SimulationError } from "../errors";
import {
  DEFAULT_FABRIC,
  defaultUnderlay,
  type FabricSettings,
  hostWorld,
  type MachineName,
  MACHINES,
  type UplinkSettings,
} from "../model/default-underlay";
import { readCpus, readLinkOptions, readRules, type LinkOptions } from "./options";
import type { HostSpec, TopologySpec, TrafficSpec } from "./spec";

export type { MachineName };

/** A machine that runs a Docker daemon, and its cable. */
export interface DockerHostOptions {
  /** `"192.0.2.11/24"`; the next one of 192.0.2.0/24 from .11 unless given. Each subnet is a switch of its own, and `gw` routes between them. */
  readonly address?: string;
  /** Further addresses of its interface; what leaves has the first one of a subnet as its source. @example ["192.0.2.111/24"] */
  readonly moreAddresses?: readonly string[];
  /** Its router; the first address of its subnet unless given. */
  readonly gateway?: string;
  readonly mac?: string;
  /** What its cable does, field by field before what all cables do. */
  readonly link?: LinkOptions;
  /** Of its interface; that of the underlay unless given. */
  readonly mtu?: number;
  /** Its NIC computes the checksums of VXLAN wrongly, on the ports that it knows for it (4789, 8472), as vmxnet3 did; false unless given. */
  readonly badOffload?: boolean;
  /** As many as `docker()` was given, or 2. */
  readonly cpus?: number;
  /** What the host's user does to its packet filter, in iptables syntax; what `docker()` was given is for hosts without. */
  readonly rules?: string;
}

/** What the cables between hosts, machines and the switch do, each direction by itself. */
export interface UnderlayOptions extends LinkOptions {
  /** Of all interfaces; 1500 unless given. */
  readonly mtu?: number;
  /** The largest IP packet that switches pass on: longer ones are lost without a word, as in a tunnel that nobody was told of. `mtu` unless given. */
  readonly pathMtu?: number;
  /** What the router's cables to the hosts' switches do, field by field before what all cables do: the way between sites. */
  readonly router?: LinkOptions;
  /** The switch takes frames from one MAC per port, as those of most clouds do; false unless given. */
  readonly portSecurity?: boolean;
}

/** What has been said of one host. */
export type HostSettings = UplinkSettings & Pick<HostSpec, "name" | "cpus" | "rules">;

/** What has been said of hosts and cables; nothing: there is no world. */
export interface WorldSettings {
  readonly hosts: readonly HostSettings[];
  readonly fabric?: FabricSettings;
}

const PARENT_DRIVERS: readonly string[] = ["macvlan", "ipvlan"];

/** @throws SimulationError `INVALID_INPUT` for a quantity that cannot be. */
export function readUnderlayOptions({ mtu = DEFAULT_FABRIC.mtu, pathMtu, router, portSecurity = false, ...link }: UnderlayOptions): FabricSettings {
  checkMtu(mtu, "underlay.mtu");
  if (pathMtu !== undefined) checkMtu(pathMtu, "underlay.pathMtu");
  const given = { ...(pathMtu !== undefined && { pathMtu }), ...(router && { routerLink: readLinkOptions(router, "underlay.router") }) };
  return { mtu, portSecurity, link: readLinkOptions(link, "underlay"), ...given };
}

/**
 * `inherited`: what hosts have of which nothing is said.
 *
 * @throws SimulationError `INVALID_INPUT` for a quantity that cannot be.
 */
export function readHostOptions(name: string, { rules, link, mtu, cpus, ...uplink }: DockerHostOptions, inherited: HostSpec | undefined): HostSettings {
  if (mtu !== undefined) checkMtu(mtu, `${name}.mtu`);
  return {
    ...uplink,
    name,
    cpus: readCpus(cpus ?? inherited?.cpus),
    ...(mtu !== undefined && { mtu }),
    ...(link && { link: readLinkOptions(link, `${name}.link`) }),
    ...(rules === undefined ? { rules: inherited?.rules ?? [] } : readRules(rules, `${name}.rules`)),
  };
}

function checkMtu(mtu: number, field: string): void {
  if (!Number.isInteger(mtu) || mtu < 68) throw new SimulationError("INVALID_INPUT", `${field}: expected a whole number from 68, found ${mtu}`);
}

/** The hosts of a description, with cables and machines around them if anybody asks for one. */
export function completeWorld(spec: TopologySpec, { hosts: declared, fabric }: WorldSettings, traffic: readonly TrafficSpec[]): TopologySpec {
  const described = declared.length === 0 ? spec.hosts : declared.map(({ name, cpus, rules }): HostSpec => ({ name, cpus, backlog: BACKLOG_DEFAULT, ...(rules?.length && { rules }) }));
  const isAskedFor =
    declared.length > 0 ||
    fabric !== undefined ||
    spec.swarm !== undefined ||
    spec.networks.some(({ driver }) => PARENT_DRIVERS.includes(driver)) ||
    traffic.some(({ from, to }) => isMachine(spec, from) || isMachine(spec, to.host) || described.some(({ name }) => name === to.host));
  if (!isAskedFor || spec.underlay) return { ...spec, hosts: described };
  for (const { name, position } of spec.containers) {
    if (!MACHINES.some((machine) => machine === name)) continue;
    throw new SimulationError("CONFLICT", `container ${name}: a machine beside the hosts has the same name`, position && { position });
  }
  const settings = fabric ?? DEFAULT_FABRIC;
  const hosts = described.map((host, index) => ({ ...host, world: host.world ?? hostWorld(host.name, index, declared[index] ?? {}, settings) }));
  return { ...spec, ...defaultUnderlay(hosts, settings) };
}

/** Whether a name stands for a machine, and not for a container that happens to be called that. */
function isMachine({ containers }: TopologySpec, name: string): boolean {
  return MACHINES.some((machine) => machine === name) && !containers.some((container) => container.name === name);
}
