/** How large the engine's tables are: what the network needs, and room for what is added while it runs. */
import { LINK_LIMIT_DEFAULT, NEIGHBOUR_QUEUE_MAX, SOCKET_QUEUE_MAX, VXLAN_FRAME_ROOM } from "../../assembly/abi/limits";
import { DeviceKind, FlowKind, SocketRole } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import { domainBytes } from "../engine/check-processes";
import { eventsOfRecords } from "../engine/event-room";
import { ADDRESSES6_DEFAULT, type Capacity, type DnsTables, type FlowRecord, NO_XFRM, type SocketRecord, type XfrmTables } from "../engine/program";
import type { ProgramBuilder } from "./program-builder";

/** Of Ethernet; the check sequence is not simulated. */
const ETHERNET_HEADER = 14;
/** Of 802.1Q. */
const VLAN_TAG = 4;
/** Three that go on, and those of messages under way. */
const MANAGEMENT_FLOWS = 12;
/** Of most devices, and what a slot holds at least. */
const USUAL_MTU = 1500;
/** 65,536 slots of 1,514 bytes are 106 MB. */
const PACKETS_MIN = 4096;
const PACKETS_MAX = 65536;
/** Entries that every pair of neighbours may need, capped for large bridges: 65,536 of them are 4 MB. */
const NEIGHBOURS_MAX = 65536;
/** Frames that a caller may inject ahead of time. */
const INJECTED_FRAMES = 4096;
/** nf_conntrack_max of a machine with some memory (nf_conntrack_core.c: 65,536 buckets, one entry each): 8 MB. */
const CONNTRACK_MAX = 65536;
/** Of all load balancers together: 1 MB. */
const IPVS_CONNECTIONS = 16384;
/** Of all namespaces together: a sandbox has about 20 chains, and each published port a handful of rules. */
const CHAINS = 1024;
const RULES = 4096;
/** Connections of one client's exchanges within a minute, and those of all: 65,536 of them are 17 MB. */
const PROXIED_EXCHANGES = 4096;
const TIME_WAIT_MAX = 65536;
/** Clients of UDP proxies and queries under way at one time; 600 bytes each. */
const SESSIONS = 1024;
/** Ends of DNS connections at one time: four for a question that is passed on; 131 kB each, of which little is ever touched. */
const STREAMS = 64;
/** Things that come beside those that there are: a container has three devices, and is a namespace anew whenever it starts. */
const SPARE = 256;
/** Every sandbox knows everybody on its networks. */
const SPARE_NAMES = 8192;
/** Of a network of a swarm. */
const VIEWS_MIN = 8;
const KEYS_MIN = 6;
const EVENT_RECORDS = 65536;
const CAPTURE_BYTES = 4 * 1024 * 1024;

/** What lists of a program besides those that the builder has. */
interface OtherRecords {
  readonly flows: readonly FlowRecord[];
  /** Of traffic. */
  readonly sockets: readonly SocketRecord[];
  /** Of the daemons' processes. */
  readonly processes: readonly SocketRecord[];
  readonly dns: DnsTables;
  readonly xfrm?: XfrmTables;
  readonly chains: readonly unknown[];
  readonly rules: readonly unknown[];
  /** Absent: there is no swarm, and will be none but of several hosts. */
  readonly virtualServices?: readonly unknown[];
  readonly realServers?: readonly unknown[];
}

export function capacityOf(builder: ProgramBuilder, { flows, sockets, processes, dns, xfrm, chains, rules, virtualServices, realServers }: OtherRecords): Capacity {
  const capacity = {
    packets: packetsOf(builder, flows, sockets),
    frameBytes: frameBytesOf(builder),
    fdb: 1024 + 2 * builder.devices.length,
    neighbours: neighboursOf(builder),
    flows: Math.max(256, 2 * flows.length + 64) + managementRoom(builder),
    sockets: Math.max(512, 2 * (sockets.length + processes.length) + 128) + managementRoom(builder),
    connections: connectionsOf(flows, processes),
    conntrack: CONNTRACK_MAX,
    ...processCapacity(dns, builder),
    hosts: roomFor(builder.hosts),
    namespaces: roomFor(builder.namespaces),
    devices: roomFor(builder.devices),
    addresses: Math.max(roomFor(builder.addresses), roomFor(builder.addresses6)),
    routes: Math.max(roomFor(builder.routes), roomFor(builder.routes6)),
    links: roomFor(builder.links),
    chains: Math.max(CHAINS, roomFor(chains)),
    rules: Math.max(RULES, roomFor(rules)),
    addresses6: ADDRESSES6_DEFAULT,
    ...(builder.hosts.length > 1 && { vxlanRemotes: roomFor(builder.vxlanRemotes), ...xfrmCapacity(xfrm) }),
    ...((builder.hosts.length > 1 || virtualServices !== undefined) && balancerCapacity(virtualServices, realServers)),
    eventRecords: EVENT_RECORDS,
    captureBytes: CAPTURE_BYTES,
  };
  // What the nodes of a swarm tell one another: a message and an answer each.
  const payloads = builder.hosts.length > 1 ? 2 * capacity.flows : 0;
  return { ...capacity, events: eventsOfRecords(capacity) + INJECTED_FRAMES, payloads };
}

/** Room for services that come later, and their tasks on every node. */
function balancerCapacity(virtualServices: readonly unknown[] = [], realServers: readonly unknown[] = []) {
  return { virtualServices: roomFor(virtualServices), realServers: 4 * roomFor(realServers), ipvsConnections: IPVS_CONNECTIONS };
}

/** Probes, gossip and heartbeats of the hosts of a swarm. */
function managementRoom(builder: ProgramBuilder): number {
  return hasTunnels(builder) ? MANAGEMENT_FLOWS * builder.hosts.length : 0;
}

function hasTunnels({ devices }: ProgramBuilder): boolean {
  return devices.some(({ kind }) => kind === DeviceKind.Vxlan);
}

/**
 * Differs from Linux: what goes over `lo` is cut as if its MTU were no more than a slot holds, because every packet would have to be 64 KiB
 * long.
 */
function frameBytesOf(builder: ProgramBuilder): number {
  const devices = builder.devices.filter(({ kind }) => kind !== DeviceKind.Loopback);
  return devices.reduce((largest, { mtu, kind }) => Math.max(largest, mtu + frameRoom(kind, builder)), USUAL_MTU + ETHERNET_HEADER + tagRoom(builder));
}

/** What a frame has beside what its device's MTU counts. */
function frameRoom(kind: DeviceKind, builder: ProgramBuilder): number {
  return kind === DeviceKind.Vxlan ? VXLAN_FRAME_ROOM : ETHERNET_HEADER + tagRoom(builder);
}

/** Whoever has a cable may have VLANs on it, if not now then later. */
function tagRoom({ devices }: ProgramBuilder): number {
  return devices.some(({ kind }) => kind === DeviceKind.Physical || kind === DeviceKind.Vlan) ? VLAN_TAG : 0;
}

/** Both ends of every flow that may come to be, two more at a proxy on the way, and as many that wait for their time to end. */
function connectionsOf(flows: readonly FlowRecord[], processes: readonly SocketRecord[]): number {
  const hasProxies = processes.some(({ role }) => role === SocketRole.Proxy);
  const exchanges = flows.filter(({ kind }) => kind === FlowKind.Exchange).length;
  // A proxy takes another port for each connection, and each stays in TIME-WAIT at the server for a minute.
  const waiting = Math.min(TIME_WAIT_MAX, exchanges * (hasProxies ? PROXIED_EXCHANGES : 8));
  return (hasProxies ? 8 : 4) * Math.max(256, 2 * flows.length + 64) + waiting;
}

/** Room for what proxies and name servers are doing, and know. */
function processCapacity({ domains, resolvers, searches, zones, zoneRecords, upstreams }: DnsTables, builder: ProgramBuilder) {
  // Until gossip has come to everybody, each host may know something else of one network.
  const views = hasTunnels(builder) ? Math.max(VIEWS_MIN, builder.hosts.length) : 2;
  return {
    sessions: SESSIONS,
    streams: STREAMS,
    domains: SPARE_NAMES + 2 * domains.length,
    domainBytes: 16 * SPARE_NAMES + 2 * domainBytes(domains),
    resolvers: roomFor(resolvers),
    searches: roomFor(searches),
    zones: views * zones.length + SPARE,
    zoneRecords: SPARE_NAMES + views * zoneRecords.length,
    upstreams: roomFor(upstreams),
  };
}

/** A swarm has three keys at a time, of 70 kB each in the engine. */
function xfrmCapacity({ policies, sas, keys }: XfrmTables = NO_XFRM) {
  return { policies: roomFor(policies), sas: roomFor(sas), keys: Math.max(KEYS_MIN, 2 * keys.length) };
}

/** What a network that changes while it runs may come to need. */
function roomFor(records: readonly unknown[]): number {
  return 2 * records.length + SPARE;
}

/** Where packets wait: transmit queues and the wire behind them, sockets, unresolved neighbours. */
function packetsOf({ links, devices }: ProgramBuilder, flows: readonly FlowRecord[], sockets: readonly SocketRecord[]): number {
  const queued = links.reduce((sum, { limit }) => sum + limit, 0);
  const slowest = links.reduce((longest, { delayNs, jitterNs }) => Math.max(longest, delayNs + jitterNs), 0);
  // Each message crosses two cables each way.
  const inFlight = flows.reduce((sum, { intervalNs }) => sum + (intervalNs > 0 ? (4 * slowest) / intervalNs : LINK_LIMIT_DEFAULT), 0);
  const waiting = sockets.length * SOCKET_QUEUE_MAX + devices.length * NEIGHBOUR_QUEUE_MAX;
  return Math.min(PACKETS_MAX, Math.max(PACKETS_MIN, Math.ceil(queued + (slowest > 0 ? inFlight : 0) + waiting)));
}

/** Everyone on a bridge, and the bridge itself, may talk to everyone else. */
function neighboursOf({ devices, neighbours }: ProgramBuilder): number {
  const members = new Map<number, number>();
  for (const { master } of devices) if (master !== NONE && devices[master]?.kind === DeviceKind.Bridge) members.set(master, (members.get(master) ?? 1) + 1);
  const pairs = [...members.values()].reduce((sum, count) => sum + count * (count - 1), 0);
  return Math.min(NEIGHBOURS_MAX, Math.max(1024, pairs + 64)) + 2 * neighbours.length;
}
