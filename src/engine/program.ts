import type { Forwarding, Scheduler } from "../../assembly/abi/ipvs";
import type { Family } from "../../assembly/abi/netfilter";
import type { DeviceKind, FlowKind, RouteType, SocketRole } from "../../assembly/abi/program";
import type { AddressWords } from "./address-words";
import type { DnsTables } from "./dns-records";
import type { ChainRecord, ConntrackFilter, RuleRecord } from "./netfilter-records";
import type { PayloadRecord } from "./payload-records";
import type { XfrmTables } from "./xfrm-records";

export { type AddressWords, NO_ADDRESS6 } from "./address-words";
export { type DnsTables, NO_DNS, NO_PROCESSES, type ResolverRecord, type UpstreamRecord, type ZoneEntryRecord, type ZoneRecord } from "./dns-records";
export type { ChainRecord, ConntrackFilter, RuleRecord } from "./netfilter-records";
export type { PayloadRecord } from "./payload-records";
export { type KeyRecord, NO_XFRM, type PolicyRecord, type SaRecord, type XfrmTables } from "./xfrm-records";

/**
 * A compiled network: what the packet path needs to know, and nothing of Docker. Plain integers and a string table,
 * so that it can be hashed, stored as JSON, sent to a worker and rendered as `ip route` text. Indices are positions in
 * the arrays below; `NONE` stands for "no index". IPv4 addresses are u32 in reading order; times are integer
 * nanoseconds; probabilities are u32 (p × 2^32, at most 2^32 - 1).
 *
 * The names of the fields are those of `assembly/abi/program.ts`, where each is explained.
 */
export interface DatapathProgram {
  readonly abi: number;
  /** Display names by index of host, namespace, device and flow. */
  readonly names: ProgramNames;
  readonly hosts: readonly HostRecord[];
  readonly namespaces: readonly NamespaceRecord[];
  readonly devices: readonly DeviceRecord[];
  readonly addresses: readonly AddressRecord[];
  readonly routes: readonly RouteRecord[];
  readonly neighbours: readonly NeighbourRecord[];
  readonly addresses6: readonly Address6Record[];
  readonly routes6: readonly Route6Record[];
  readonly neighbours6: readonly Neighbour6Record[];
  /** Absent: none. */
  readonly vxlanRemotes?: readonly VxlanRemoteRecord[];
  readonly links: readonly LinkRecord[];
  readonly sockets: readonly SocketRecord[];
  readonly flows: readonly FlowRecord[];
  readonly chains: readonly ChainRecord[];
  readonly rules: readonly RuleRecord[];
  /** Load balancing (IPVS); none unless given. */
  readonly virtualServices?: readonly VirtualServiceRecord[];
  readonly realServers?: readonly RealServerRecord[];
  /** What name servers know; a network without any has `NO_DNS`. */
  readonly dns: DnsTables;
  /** What is encrypted, and how; absent: nothing. */
  readonly xfrm?: XfrmTables;
  /** Nanoseconds of CPU per visit, by `Node`; `NODE_COUNT` entries. */
  readonly costs: readonly number[];
  /** Nanoseconds of CPU per `COST_BYTES` bytes copied between a process and the stack. */
  readonly copyCost: number;
  /** Nanoseconds of CPU per `COST_BYTES` bytes that are encrypted or decrypted; absent: 0. */
  readonly cipherCost?: number;
  /** `EXPONENTIAL_ENTRIES` quantiles of the exponential distribution, in units of 1/`EXPONENTIAL_SCALE` of the mean. */
  readonly exponential: readonly number[];
  readonly capacity: Capacity;
}

export interface ProgramNames {
  readonly hosts: readonly string[];
  readonly namespaces: readonly string[];
  readonly devices: readonly string[];
  readonly flows: readonly string[];
  /** `filter DOCKER-USER`, by index of chain. */
  readonly chains: readonly string[];
  /** The rule as iptables-save writes it, and what it is there for, by index of rule. */
  readonly rules: readonly RuleName[];
  /** `web on front`, and `10.0.1.3 (web.1)`, by index; none unless given. */
  readonly virtualServices?: readonly string[];
  readonly realServers?: readonly string[];
}

/** A rule in words. */
export interface RuleName {
  /** `-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT`. */
  readonly text: string;
  /** `port 8080→80/tcp of web`, `network back`; the position of a rule that a person wrote. */
  readonly cause: string;
}

/** How large the engine makes its tables at load. Each is a count. */
export interface Capacity {
  /** Packets that exist at one time. */
  readonly packets: number;
  /** Bytes of the largest frame. */
  readonly frameBytes: number;
  readonly events: number;
  /** What a program that is loaded again may have; the first one fits as well. */
  readonly hosts: number;
  readonly namespaces: number;
  readonly devices: number;
  readonly addresses: number;
  readonly routes: number;
  readonly links: number;
  readonly chains: number;
  readonly rules: number;
  readonly fdb: number;
  readonly neighbours: number;
  readonly sockets: number;
  readonly flows: number;
  readonly connections: number;
  /** Tracked connections (net.netfilter.nf_conntrack_max), of all namespaces together. */
  readonly conntrack: number;
  /** Datagram sockets that proxies and resolvers open: one per client or per query under way. */
  readonly sessions: number;
  /** Ends of TCP connections whose processes speak DNS; 0 unless given. */
  readonly streams?: number;
  /** Domain names and bytes of their wire form, and the tables of `DnsTables`. */
  readonly domains: number;
  readonly domainBytes: number;
  readonly resolvers: number;
  readonly searches: number;
  readonly zones: number;
  readonly zoneRecords: number;
  readonly upstreams: number;
  /** Different IPv6 addresses that the engine can tell apart, those of packets from elsewhere included. */
  readonly addresses6: number;
  /** Virtual services, their real servers, and connections to them of all namespaces together; 0 unless given. */
  readonly virtualServices?: number;
  readonly realServers?: number;
  readonly ipvsConnections?: number;
  /** Permanent entries of VXLAN devices; they learn as many. Absent: 0. */
  readonly vxlanRemotes?: number;
  /** Of `xfrm`; absent: what the program has. */
  readonly policies?: number;
  readonly sas?: number;
  readonly keys?: number;
  /** Event records between two drains. */
  readonly eventRecords: number;
  /** Things that flows say word for word; 0 unless given. */
  readonly payloads?: number;
  /** Bytes of captured frames between two drains. */
  readonly captureBytes: number;
}

export interface HostRecord {
  readonly cpus: number;
  readonly backlog: number;
  /** 0 unless given. */
  readonly costless?: number;
}

export interface NamespaceRecord {
  readonly host: number;
  /** net.ipv4.ip_forward: 0 or 1. */
  readonly forwarding: number;
  /** net.ipv4.ip_default_ttl. */
  readonly ttl: number;
  /** BRIDGE_NF_ bits. */
  readonly bridgeNf: number;
  /** net.ipv6.conf.all.forwarding; 0 unless given. */
  readonly forwarding6?: number;
  /** net.ipv6.conf.all.hop_limit; 64 unless given. */
  readonly hopLimit?: number;
}

export interface DeviceRecord {
  readonly namespace: number;
  readonly kind: DeviceKind;
  readonly flags: number;
  readonly macHigh: number;
  readonly macLow: number;
  readonly mtu: number;
  readonly peer: number;
  readonly master: number;
  readonly link: number;
  /** Of Macvlan and Ipvlan; 0 unless given. */
  readonly mode?: number;
  /** Of Vlan; 0 unless given. */
  readonly vlan?: number;
  /** Of Vxlan; 0 unless given. */
  readonly underlay?: number;
  readonly port?: number;
  readonly vni?: number;
}

export interface AddressRecord {
  readonly device: number;
  readonly ip: number;
  readonly prefix: number;
}

export interface RouteRecord {
  readonly namespace: number;
  readonly destination: number;
  readonly prefix: number;
  readonly type: RouteType;
  readonly device: number;
  readonly gateway: number;
  readonly source: number;
  readonly metric: number;
}

/** A permanent neighbour entry (`ip neigh … nud permanent`). */
export interface NeighbourRecord {
  readonly device: number;
  readonly ip: number;
  readonly macHigh: number;
  readonly macLow: number;
}

/** Behind which host a MAC is, as a Vxlan device knows it (`bridge fdb … dst REMOTE self permanent`). */
export interface VxlanRemoteRecord {
  readonly device: number;
  readonly macHigh: number;
  readonly macLow: number;
  readonly remote: number;
}

export interface Address6Record {
  readonly device: number;
  readonly ip: AddressWords;
  readonly prefix: number;
  /** ADDRESS6_ bits. */
  readonly flags: number;
}

export interface Route6Record {
  readonly namespace: number;
  readonly destination: AddressWords;
  readonly prefix: number;
  readonly type: RouteType;
  readonly device: number;
  readonly gateway: AddressWords;
  readonly source: AddressWords;
  readonly metric: number;
}

export interface Neighbour6Record {
  readonly device: number;
  readonly ip: AddressWords;
  readonly macHigh: number;
  readonly macLow: number;
}

export interface LinkRecord {
  readonly rateBps: number;
  readonly delayNs: number;
  readonly jitterNs: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly limit: number;
}

export interface SocketRecord {
  readonly namespace: number;
  readonly protocol: number;
  readonly ip: number;
  readonly port: number;
  readonly role: SocketRole;
  readonly flow: number;
  /** Of a Proxy. */
  readonly targetIp?: number;
  readonly targetPort?: number;
  /** Of an Identity. */
  readonly responseBytes?: number;
  /** Of a Resolver or NameServer: an index of `dns.resolvers`; absent: NONE. */
  readonly resolver?: number;
  /** SOCKET_ bits. */
  readonly flags?: number;
  /** IPv4 unless given; a socket of IPv6 is bound to `ip6` (zeros unless given: any address), and takes nothing of IPv4. */
  readonly family?: Family;
  readonly ip6?: AddressWords;
  /** Of a Proxy whose target is an IPv6 address: that is `targetIp6`. */
  readonly targetFamily?: Family;
  readonly targetIp6?: AddressWords;
}

export interface FlowRecord {
  readonly kind: FlowKind;
  readonly protocol: number;
  readonly namespace: number;
  readonly destination: number;
  readonly destinationPort: number;
  readonly sourcePort: number;
  readonly bytes: number;
  readonly responseBytes: number;
  readonly count: number;
  readonly dontFragment: number;
  readonly intervalNs: number;
  readonly onNs: number;
  readonly offNs: number;
  readonly startNs: number;
  readonly stopNs: number;
  readonly thinkNs: number;
  readonly timeoutNs: number;
  /** Of a Query: an index of `dns.domains`, and a type of record. */
  readonly name?: number;
  readonly queryType?: number;
  /** Of a Query: how long an answer over UDP may be (EDNS); absent or 0: nothing is said about it. */
  readonly udpSize?: number;
  /** Of an Exchange, or a Query over TCP: how many ports its connections use in turn; absent: 1. */
  readonly sourcePorts?: number;
  /** 1: no message after the first answer or error. */
  readonly untilAnswer?: number;
  /** Of datagrams and echo requests; absent or 0: the namespace's. */
  readonly ttl?: number;
  /** `icmp_seq` of the first echo request; absent: 0. */
  readonly firstSequence?: number;
  /** IPv4 unless given; a flow of IPv6 goes to `destination6`. */
  readonly family?: Family;
  readonly destination6?: AddressWords;
  /** What its messages and their answers say: indices of payloads; NONE unless given: the usual bytes. */
  readonly message?: number;
  readonly answer?: number;
}

/** `capacity.addresses6` where nobody says otherwise. */
export const ADDRESSES6_DEFAULT = 16_384;

/** A service of IPVS, and where its real servers are: the newest first, as the kernel keeps them. */
export interface VirtualServiceRecord {
  readonly namespace: number;
  readonly fwmark: number;
  readonly scheduler: Scheduler;
  readonly first: number;
  readonly count: number;
}

export interface RealServerRecord {
  readonly address: number;
  readonly weight: number;
  readonly forwarding: Forwarding;
}

/**
 * A change of a running network, applied between two events. Flows and sockets are written at the given index: an index
 * one past the end appends; an index in use replaces, and its counters start anew.
 */
export interface ProgramPatch {
  /** Appended to `dns.domains`, for flows of kind Query. */
  readonly domains?: readonly string[];
  /**
   * New tables, before the rest of the patch. What has the same index is the same thing and goes on; docs/ENGINE.md, section 16, says
   * what is kept. Its costs, exponential table and capacity are not looked at.
   */
  readonly program?: DatapathProgram;
  /** What flows say word for word, before the flows of the patch; any index below the capacity, again and again. */
  readonly payloads?: readonly { readonly index: number; readonly record: PayloadRecord }[];
  /** Tracked connections that go, once the program is in force. */
  readonly conntrack?: readonly ConntrackFilter[];
  readonly flows?: readonly { readonly index: number; readonly record: FlowRecord }[];
  readonly sockets?: readonly { readonly index: number; readonly record: SocketRecord }[];
  readonly devices?: readonly { readonly index: number; readonly up: boolean }[];
  readonly links?: readonly { readonly index: number; readonly record: LinkRecord }[];
}
