import { BACKLOG_DEFAULT } from "../../assembly/abi/limits";
import { SimulationError } from "../errors";
import {
  DEFAULT_FABRIC,
  defaultUnderlay,
  type FabricSettings,
  type HostSurroundings,
  hostWorld,
  type MachineName,
  MACHINES,
  type UplinkSettings,
} from "../model/default-underlay";
import type { DaemonFile } from "../model/daemon-file";
import { readListener, readRoute } from "../model/host-text";
import { readCpus, readLinkOptions, readRules, refuseOthers, type LinkOptions } from "./options";
import type { HostSpec, NamesSpec, TopologySpec, TrafficSpec } from "./spec";

export type { DaemonFile, MachineName };

/** A machine that runs a Docker daemon, and its cable. */
export interface DockerHostOptions {
  /** `"192.0.2.11/24"`; the next one of 192.0.2.0/24 from .11 unless given. Each subnet is a switch of its own, and `gw` routes between them. */
  readonly address?: string;
  /** Further addresses of its interface; what leaves has the first one of a subnet as its source. @example ["192.0.2.111/24"] */
  readonly moreAddresses?: readonly string[];
  /** Its router; the first address of its subnet unless given. */
  readonly gateway?: string;
  /** `"2001:db8:1::11/64"`; none unless given, or all have one (`underlay({ ipv6: true })`). */
  readonly address6?: string;
  /** The first address of its IPv6 subnet unless given. */
  readonly gateway6?: string;
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
  /** Its `/etc/docker/daemon.json`; what `docker()` was given is for hosts without. @example { icc: false, "default-address-pools": [{ base: "10.91.0.0/16", size: 24 }] } */
  readonly daemon?: DaemonFile;
  /** What its `/etc/resolv.conf` says, which decides whom containers ask. @example { nameservers: ["127.0.0.53"], search: ["corp.example"] } */
  readonly resolvConf?: { readonly nameservers?: readonly string[]; readonly search?: readonly string[]; readonly options?: readonly string[] };
  /** Routes beside the default one, as `ip route` has them; Docker keeps its pools away from those with `dev`. @example ["172.16.0.0/12 via 192.0.2.1", "10.8.0.0/24 dev eth0", "unreachable 10.9.0.0/16"] */
  readonly routes?: readonly string[];
  /** Ports at which programs of the host listen, so that nobody else can. @example ["22/tcp", "127.0.0.53:53/udp"] */
  readonly listen?: readonly string[];
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
  /** Hosts and machines have IPv6 addresses too: 2001:db8:1::11 beside 192.0.2.11, 2001:db8:1::50 for `lan`, 2001:db8:ffff::10 for `internet`; false unless given. */
  readonly ipv6?: boolean;
  /**
   * Names that name servers know: `internet` (198.51.100.10, and 8.8.8.8 and 8.8.4.4, which Docker falls back to) and, beside those, `lan` (192.0.2.50).
   * A host asks `lan` if that has names, else `internet`, unless its `resolvConf` says otherwise; where that names a loopback address, a resolver
   * of the host listens there, which asks them. No name servers unless given.
   * @example { internet: { "www.example.com": "198.51.100.10" }, lan: { "wiki.corp.example": ["192.0.2.50"] } }
   */
  readonly names?: NamesSpec;
}

/** What has been said of one host. */
export type HostSettings = UplinkSettings & HostSurroundings & Pick<HostSpec, "name" | "cpus" | "rules" | "daemon">;

/** What has been said of hosts and cables; nothing: there is no world. */
export interface WorldSettings {
  readonly hosts: readonly HostSettings[];
  readonly fabric?: FabricSettings;
}

const PARENT_DRIVERS: readonly string[] = ["macvlan", "ipvlan"];

/** @throws SimulationError `INVALID_INPUT` for a quantity that cannot be. */
export function readUnderlayOptions({ mtu = DEFAULT_FABRIC.mtu, pathMtu, router, portSecurity = false, ipv6 = false, names, ...link }: UnderlayOptions): FabricSettings {
  checkMtu(mtu, "underlay.mtu");
  if (pathMtu !== undefined) checkMtu(pathMtu, "underlay.pathMtu");
  const given = { ...(pathMtu !== undefined && { pathMtu }), ...(router && { routerLink: readLinkOptions(router, "underlay.router") }), ...(ipv6 && { ipv6 }), ...(names && { names: structuredClone(names) }) };
  return { mtu, portSecurity, link: readLinkOptions(link, "underlay"), ...given };
}

/**
 * `inherited`: what hosts have of which nothing is said.
 *
 * @throws SimulationError `INVALID_INPUT` for a quantity that cannot be.
 */
export function readHostOptions(name: string, options: DockerHostOptions, inherited: HostSpec | undefined): HostSettings {
  const { rules, link, mtu, cpus, daemon, routes, listen, ...uplink } = options;
  const { address, moreAddresses, gateway, address6, gateway6, mac, badOffload, resolvConf, ...rest } = uplink;
  refuseOthers(rest, `host ${name}`);
  const ownDaemon = daemon === undefined ? inherited?.daemon : { file: daemon, subject: `host ${name}: daemon` };
  if (mtu !== undefined) checkMtu(mtu, `${name}.mtu`);
  return {
    ...uplink,
    name,
    cpus: readCpus(cpus ?? inherited?.cpus),
    ...(ownDaemon && { daemon: ownDaemon }),
    ...(routes && { routes: routes.map((text) => readRoute(text, `host ${name}: route`)) }),
    ...(listen && { listeners: listen.map((text) => readListener(text, `host ${name}: listen`)) }),
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
  const described = declared.length === 0 ? spec.hosts : declared.map(({ name, cpus, rules, daemon }): HostSpec => ({ name, cpus, backlog: BACKLOG_DEFAULT, ...(daemon && { daemon }), ...(rules?.length && { rules }) }));
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
