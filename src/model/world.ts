import type { LinkSpec, PortProtocol, PortRangeSpec } from "./spec";

/** A network interface by which a host reaches the world. */
export interface UplinkSpec {
  /** `"eth0"`. */
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** `"192.0.2.11/24"`, either family, the first one of a family is preferred as source. */
  readonly addresses: readonly string[];
  /** The switch that it is cabled to; that of all hosts unless given. */
  readonly segment?: string;
  /** The NIC spoils the checksums of VXLAN on the ports that it knows, 4789 and 8472. */
  readonly badOffload?: boolean;
  /** What the cable does, field by field before what all cables of the switch do. */
  readonly link?: LinkSpec;
  /** The largest IP packet that the switch passes on to it; its own MTU unless given. */
  readonly pathMtu?: number;
}

/** A route of a host beside those that its interfaces bring along. */
export interface HostRouteSpec {
  /** `"default"` or a block. */
  readonly destination: string;
  readonly type: "unicast" | "blackhole" | "unreachable" | "prohibit";
  readonly via?: string;
  readonly device?: string;
  /** As `ip route` has it: a device route without `scope` is `link`, one via a gateway `global`. */
  readonly scope: "link" | "global" | "host";
  readonly source?: string;
  readonly metric?: number;
}

export interface ResolvConfSpec {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** A process of the host that listens. */
export interface ListenerSpec {
  readonly protocol: PortProtocol;
  /** `"*"` and `"::"` (every address of both families, as most programs listen), `"0.0.0.0"`, or one address. */
  readonly address: string;
  readonly port: number;
  /** Which program it is, for messages: `"sshd"`. */
  readonly process: string;
}

/** A host as the daemon finds it. */
export interface HostWorld {
  /** What `hostname` prints there. */
  readonly hostname: string;
  readonly uplinks: readonly UplinkSpec[];
  readonly routes: readonly HostRouteSpec[];
  readonly resolvConf: ResolvConfSpec;
  /** The lines of its /etc/hosts. */
  readonly hosts: readonly string[];
  /** Whether the kernel has IPv6 (`net.ipv6.conf.all.disable_ipv6`): then ports are bound on `::` as well. */
  readonly ipv6: boolean;
  readonly listeners: readonly ListenerSpec[];
  /** `net.ipv4.ip_forward` before the daemon starts. */
  readonly ipForward: boolean;
  /** `net.ipv4.ip_local_port_range`. */
  readonly localPorts: PortRangeSpec;
  /** Whether br_netfilter is loaded and `net.bridge.bridge-nf-call-iptables` is 1 before anybody asks for it. */
  readonly bridgeNetfilter: boolean;
  /** False: the kernel has no ip_vs, so that virtual addresses and the routing mesh of a swarm lead nowhere. True unless given. */
  readonly ipvs?: boolean;
}

/** Linux net/ipv4/af_inet.c: inet_init_net. */
export const EPHEMERAL_PORTS: PortRangeSpec = { from: 32768, to: 60999 };

/** A host without cables, on which nothing listens. */
export function emptyWorld(hostname: string): HostWorld {
  return {
    hostname,
    uplinks: [],
    routes: [],
    resolvConf: { nameservers: [], search: [], options: [] },
    hosts: ["127.0.0.1\tlocalhost"],
    ipv6: true,
    listeners: [],
    ipForward: false,
    localPorts: EPHEMERAL_PORTS,
    bridgeNetfilter: false,
  };
}
