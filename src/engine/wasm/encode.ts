import {
  IMAGE_CIPHER_COST,
  IMAGE_COPY_COST,
  IMAGE_COSTS,
  IMAGE_EXPONENTIAL,
  IMAGE_HEADER,
  Section,
  SECTION_OFFSET,
  SECTION_RECORDS,
  SECTION_SIZE,
} from "../../../assembly/abi/image";
import * as dns from "../../../assembly/abi/dns";
import * as ipvs from "../../../assembly/abi/ipvs";
import * as netfilter from "../../../assembly/abi/netfilter";
import * as abi from "../../../assembly/abi/program";
import { KEY_SIZE, POLICY_SIZE, SA_SIZE } from "../../../assembly/abi/xfrm";
import { NONE } from "../../../assembly/abi/version";
import { domainNameBytes } from "../../net/domain-name";
import { NO_ADDRESS6, NO_XFRM } from "../program";
import type {
  Address6Record,
  AddressRecord,
  DatapathProgram,
  DeviceRecord,
  FlowRecord,
  HostRecord,
  LinkRecord,
  NamespaceRecord,
  Neighbour6Record,
  NeighbourRecord,
  ResolverRecord,
  Route6Record,
  RouteRecord,
  SocketRecord,
  UpstreamRecord,
  VxlanRemoteRecord,
  ZoneEntryRecord,
  ZoneRecord,
} from "../program";
import { words, writeChain, writeRealServer, writeRule, writeVirtualService } from "./encode-rules";
import { writeCapacity } from "./encode-capacity";
import { writeKey, writePolicy, writeSa } from "./encode-xfrm";

/** Writes one record at an offset. */
export type RecordWriter<T> = (view: DataView, at: number, record: T) => void;

interface Layout<T> {
  readonly section: Section;
  readonly size: number;
  readonly write: RecordWriter<T>;
  readonly of: (program: DatapathProgram) => readonly T[];
}

/** Writes fields of 32 bits; the name of the ABI's constant says which. */
const u8 = (view: DataView, at: number, value: number) => view.setUint8(at, value);
const u32 = (view: DataView, at: number, value: number) => view.setUint32(at, value, true);
const f64 = (view: DataView, at: number, value: number) => view.setFloat64(at, value, true);

function writeHost(view: DataView, at: number, { cpus, backlog, costless = 0 }: HostRecord): void {
  u32(view, at + abi.HOST_CPUS, cpus);
  u32(view, at + abi.HOST_BACKLOG, backlog);
  u32(view, at + abi.HOST_COSTLESS, costless);
}

function writeNamespace(view: DataView, at: number, { host, forwarding, ttl, bridgeNf, forwarding6 = 0, hopLimit = 64 }: NamespaceRecord): void {
  u32(view, at + abi.NAMESPACE_HOST, host);
  u32(view, at + abi.NAMESPACE_FORWARDING, forwarding);
  u32(view, at + abi.NAMESPACE_TTL, ttl);
  u32(view, at + abi.NAMESPACE_BRIDGE_NF, bridgeNf);
  u32(view, at + abi.NAMESPACE_FORWARDING6, forwarding6);
  u32(view, at + abi.NAMESPACE_HOP_LIMIT, hopLimit);
}

function writeDevice(view: DataView, at: number, record: DeviceRecord): void {
  u32(view, at + abi.DEVICE_NAMESPACE, record.namespace);
  u32(view, at + abi.DEVICE_KIND, record.kind);
  u32(view, at + abi.DEVICE_FLAGS, record.flags);
  u32(view, at + abi.DEVICE_MAC_HIGH, record.macHigh);
  u32(view, at + abi.DEVICE_MAC_LOW, record.macLow);
  u32(view, at + abi.DEVICE_MTU, record.mtu);
  u32(view, at + abi.DEVICE_PEER, record.peer);
  u32(view, at + abi.DEVICE_MASTER, record.master);
  u32(view, at + abi.DEVICE_LINK, record.link);
  u32(view, at + abi.DEVICE_MODE, record.mode ?? 0);
  u32(view, at + abi.DEVICE_VLAN, record.vlan ?? 0);
  u32(view, at + abi.DEVICE_UNDERLAY, record.underlay ?? 0);
  u32(view, at + abi.DEVICE_PORT, record.port ?? 0);
  u32(view, at + abi.DEVICE_VNI, record.vni ?? 0);
}

function writeAddress(view: DataView, at: number, { device, ip, prefix }: AddressRecord): void {
  u32(view, at + abi.ADDRESS_DEVICE, device);
  u32(view, at + abi.ADDRESS_IP, ip);
  u32(view, at + abi.ADDRESS_PREFIX, prefix);
}

function writeRoute(view: DataView, at: number, record: RouteRecord): void {
  u32(view, at + abi.ROUTE_NAMESPACE, record.namespace);
  u32(view, at + abi.ROUTE_DESTINATION, record.destination);
  u32(view, at + abi.ROUTE_PREFIX, record.prefix);
  u32(view, at + abi.ROUTE_TYPE, record.type);
  u32(view, at + abi.ROUTE_DEVICE, record.device);
  u32(view, at + abi.ROUTE_GATEWAY, record.gateway);
  u32(view, at + abi.ROUTE_SOURCE, record.source);
  u32(view, at + abi.ROUTE_METRIC, record.metric);
}

function writeNeighbour(view: DataView, at: number, { device, ip, macHigh, macLow }: NeighbourRecord): void {
  u32(view, at + abi.NEIGHBOUR_DEVICE, device);
  u32(view, at + abi.NEIGHBOUR_IP, ip);
  u32(view, at + abi.NEIGHBOUR_MAC_HIGH, macHigh);
  u32(view, at + abi.NEIGHBOUR_MAC_LOW, macLow);
}

function writeVxlanRemote(view: DataView, at: number, { device, macHigh, macLow, remote }: VxlanRemoteRecord): void {
  u32(view, at + abi.VXLAN_REMOTE_DEVICE, device);
  u32(view, at + abi.VXLAN_REMOTE_MAC_HIGH, macHigh);
  u32(view, at + abi.VXLAN_REMOTE_MAC_LOW, macLow);
  u32(view, at + abi.VXLAN_REMOTE_IP, remote);
}

function writeAddress6(view: DataView, at: number, { device, ip, prefix, flags }: Address6Record): void {
  u32(view, at + abi.ADDRESS6_DEVICE, device);
  words(view, at + abi.ADDRESS6_IP, ip);
  u32(view, at + abi.ADDRESS6_PREFIX, prefix);
  u32(view, at + abi.ADDRESS6_FLAGS, flags);
}

function writeRoute6(view: DataView, at: number, record: Route6Record): void {
  u32(view, at + abi.ROUTE6_NAMESPACE, record.namespace);
  words(view, at + abi.ROUTE6_DESTINATION, record.destination);
  u32(view, at + abi.ROUTE6_PREFIX, record.prefix);
  u32(view, at + abi.ROUTE6_TYPE, record.type);
  u32(view, at + abi.ROUTE6_DEVICE, record.device);
  words(view, at + abi.ROUTE6_GATEWAY, record.gateway);
  words(view, at + abi.ROUTE6_SOURCE, record.source);
  u32(view, at + abi.ROUTE6_METRIC, record.metric);
}

function writeNeighbour6(view: DataView, at: number, { device, ip, macHigh, macLow }: Neighbour6Record): void {
  u32(view, at + abi.NEIGHBOUR6_DEVICE, device);
  words(view, at + abi.NEIGHBOUR6_IP, ip);
  u32(view, at + abi.NEIGHBOUR6_MAC_HIGH, macHigh);
  u32(view, at + abi.NEIGHBOUR6_MAC_LOW, macLow);
}

/** Also for patches, as are the next two. */
export function writeLink(view: DataView, at: number, record: LinkRecord): void {
  f64(view, at + abi.LINK_RATE, record.rateBps);
  f64(view, at + abi.LINK_DELAY, record.delayNs);
  u32(view, at + abi.LINK_JITTER, record.jitterNs);
  u32(view, at + abi.LINK_LOSS, record.loss);
  u32(view, at + abi.LINK_DUPLICATE, record.duplicate);
  u32(view, at + abi.LINK_REORDER, record.reorder);
  u32(view, at + abi.LINK_LIMIT, record.limit);
}

export function writeSocket(view: DataView, at: number, record: SocketRecord): void {
  u32(view, at + abi.SOCKET_NAMESPACE, record.namespace);
  u32(view, at + abi.SOCKET_PROTOCOL, record.protocol);
  u32(view, at + abi.SOCKET_IP, record.ip);
  u32(view, at + abi.SOCKET_PORT, record.port);
  u32(view, at + abi.SOCKET_ROLE, record.role);
  u32(view, at + abi.SOCKET_FLOW, record.flow);
  u32(view, at + abi.SOCKET_TARGET_IP, record.targetIp ?? 0);
  u32(view, at + abi.SOCKET_TARGET_PORT, record.targetPort ?? 0);
  u32(view, at + abi.SOCKET_RESPONSE_BYTES, record.responseBytes ?? 0);
  u32(view, at + abi.SOCKET_RESOLVER, record.resolver ?? NONE);
  u32(view, at + abi.SOCKET_FLAGS, record.flags ?? 0);
  u32(view, at + abi.SOCKET_FAMILY, record.family ?? netfilter.Family.Ipv4);
  words(view, at + abi.SOCKET_IP6, record.ip6 ?? NO_ADDRESS6);
  u32(view, at + abi.SOCKET_TARGET_FAMILY, record.targetFamily ?? netfilter.Family.Ipv4);
  words(view, at + abi.SOCKET_TARGET_IP6, record.targetIp6 ?? NO_ADDRESS6);
}

export function writeFlow(view: DataView, at: number, record: FlowRecord): void {
  u32(view, at + abi.FLOW_KIND, record.kind);
  u32(view, at + abi.FLOW_PROTOCOL, record.protocol);
  u32(view, at + abi.FLOW_NAMESPACE, record.namespace);
  u32(view, at + abi.FLOW_DESTINATION, record.destination);
  u32(view, at + abi.FLOW_DESTINATION_PORT, record.destinationPort);
  u32(view, at + abi.FLOW_SOURCE_PORT, record.sourcePort);
  u32(view, at + abi.FLOW_BYTES, record.bytes);
  u32(view, at + abi.FLOW_RESPONSE_BYTES, record.responseBytes);
  u32(view, at + abi.FLOW_COUNT, record.count);
  u32(view, at + abi.FLOW_DONT_FRAGMENT, record.dontFragment);
  f64(view, at + abi.FLOW_INTERVAL, record.intervalNs);
  f64(view, at + abi.FLOW_ON, record.onNs);
  f64(view, at + abi.FLOW_OFF, record.offNs);
  f64(view, at + abi.FLOW_START, record.startNs);
  f64(view, at + abi.FLOW_STOP, record.stopNs);
  f64(view, at + abi.FLOW_THINK, record.thinkNs);
  f64(view, at + abi.FLOW_TIMEOUT, record.timeoutNs);
  u32(view, at + abi.FLOW_NAME, record.name ?? NONE);
  u32(view, at + abi.FLOW_QUERY_TYPE, record.queryType ?? 0);
  u32(view, at + abi.FLOW_SOURCE_PORTS, record.sourcePorts ?? 1);
  u32(view, at + abi.FLOW_UNTIL_ANSWER, record.untilAnswer ?? 0);
  u32(view, at + abi.FLOW_TTL, record.ttl ?? 0);
  u32(view, at + abi.FLOW_FIRST_SEQUENCE, record.firstSequence ?? 0);
  u32(view, at + abi.FLOW_UDP_SIZE, record.udpSize ?? 0);
  u32(view, at + abi.FLOW_FAMILY, record.family ?? netfilter.Family.Ipv4);
  words(view, at + abi.FLOW_DESTINATION6, record.destination6 ?? NO_ADDRESS6);
  u32(view, at + abi.FLOW_MESSAGE, record.message ?? NONE);
  u32(view, at + abi.FLOW_ANSWER, record.answer ?? NONE);
}

interface PlacedDomain {
  readonly offset: number;
  readonly bytes: number;
}

function writeDomain(view: DataView, at: number, { offset, bytes }: PlacedDomain): void {
  u32(view, at + dns.DOMAIN_OFFSET, offset);
  u32(view, at + dns.DOMAIN_BYTES, bytes);
}

function writeResolver(view: DataView, at: number, record: ResolverRecord): void {
  u32(view, at + dns.RESOLVER_FLAGS, record.flags);
  u32(view, at + dns.RESOLVER_SEARCH_FIRST, record.searchFirst);
  u32(view, at + dns.RESOLVER_SEARCH_COUNT, record.searchCount);
  u32(view, at + dns.RESOLVER_UPSTREAM_FIRST, record.upstreamFirst);
  u32(view, at + dns.RESOLVER_UPSTREAM_COUNT, record.upstreamCount);
}

function writeZone(view: DataView, at: number, { flags, first, count }: ZoneRecord): void {
  u32(view, at + dns.ZONE_FLAGS, flags);
  u32(view, at + dns.ZONE_FIRST, first);
  u32(view, at + dns.ZONE_COUNT, count);
}

function writeZoneEntry(view: DataView, at: number, record: ZoneEntryRecord): void {
  u32(view, at + dns.ZONE_RECORD_NAME, record.name);
  u32(view, at + dns.ZONE_RECORD_TYPE, record.type);
  u32(view, at + dns.ZONE_RECORD_TTL, record.ttl);
  u32(view, at + dns.ZONE_RECORD_TARGET, record.target);
  words(view, at + dns.ZONE_RECORD_ADDRESS, record.address);
}

function writeUpstream(view: DataView, at: number, record: UpstreamRecord): void {
  u32(view, at + dns.UPSTREAM_NAMESPACE, record.namespace);
  u32(view, at + dns.UPSTREAM_IP, record.ip);
  u32(view, at + dns.UPSTREAM_FAMILY, record.family ?? netfilter.Family.Ipv4);
  words(view, at + dns.UPSTREAM_IP6, record.ip6 ?? NO_ADDRESS6);
}

/** Wire forms of all names, one after the other, and where each of them lies. */
function placeDomains({ dns: { domains } }: DatapathProgram): readonly PlacedDomain[] {
  let offset = 0;
  return domains.map((name) => {
    const bytes = domainNameBytes(name)!.length;
    offset += bytes;
    return { offset: offset - bytes, bytes };
  });
}

const layout = <T>(section: Section, size: number, write: RecordWriter<T>, of: (program: DatapathProgram) => readonly T[]) => ({ section, size, write, of });

/** Every array of a program, each with its own type of record. */
const LAYOUTS = {
  hosts: layout(Section.Hosts, abi.HOST_SIZE, writeHost, ({ hosts }) => hosts),
  namespaces: layout(Section.Namespaces, abi.NAMESPACE_SIZE, writeNamespace, ({ namespaces }) => namespaces),
  devices: layout(Section.Devices, abi.DEVICE_SIZE, writeDevice, ({ devices }) => devices),
  addresses: layout(Section.Addresses, abi.ADDRESS_SIZE, writeAddress, ({ addresses }) => addresses),
  routes: layout(Section.Routes, abi.ROUTE_SIZE, writeRoute, ({ routes }) => routes),
  neighbours: layout(Section.Neighbours, abi.NEIGHBOUR_SIZE, writeNeighbour, ({ neighbours }) => neighbours),
  links: layout(Section.Links, abi.LINK_SIZE, writeLink, ({ links }) => links),
  sockets: layout(Section.Sockets, abi.SOCKET_SIZE, writeSocket, ({ sockets }) => sockets),
  flows: layout(Section.Flows, abi.FLOW_SIZE, writeFlow, ({ flows }) => flows),
  chains: layout(Section.Chains, netfilter.CHAIN_SIZE, writeChain, ({ chains }) => chains),
  rules: layout(Section.Rules, netfilter.RULE_SIZE, writeRule, ({ rules }) => rules),
  domains: layout(Section.Domains, dns.DOMAIN_SIZE, writeDomain, placeDomains),
  domainBytes: layout(Section.DomainBytes, 1, u8, ({ dns: { domains } }) => domains.flatMap((name) => [...domainNameBytes(name)!])),
  resolvers: layout(Section.Resolvers, dns.RESOLVER_SIZE, writeResolver, ({ dns: { resolvers } }) => resolvers),
  searches: layout(Section.Searches, dns.SEARCH_SIZE, u32, ({ dns: { searches } }) => searches),
  zones: layout(Section.Zones, dns.ZONE_SIZE, writeZone, ({ dns: { zones } }) => zones),
  zoneRecords: layout(Section.ZoneRecords, dns.ZONE_RECORD_SIZE, writeZoneEntry, ({ dns: { zoneRecords } }) => zoneRecords),
  upstreams: layout(Section.Upstreams, dns.UPSTREAM_SIZE, writeUpstream, ({ dns: { upstreams } }) => upstreams),
  addresses6: layout(Section.Addresses6, abi.ADDRESS6_SIZE, writeAddress6, ({ addresses6 }) => addresses6),
  routes6: layout(Section.Routes6, abi.ROUTE6_SIZE, writeRoute6, ({ routes6 }) => routes6),
  neighbours6: layout(Section.Neighbours6, abi.NEIGHBOUR6_SIZE, writeNeighbour6, ({ neighbours6 }) => neighbours6),
  virtualServices: layout(Section.VirtualServices, ipvs.SERVICE_SIZE, writeVirtualService, ({ virtualServices = [] }) => virtualServices),
  realServers: layout(Section.RealServers, ipvs.SERVER_SIZE, writeRealServer, ({ realServers = [] }) => realServers),
  vxlanRemotes: layout(Section.VxlanRemotes, abi.VXLAN_REMOTE_SIZE, writeVxlanRemote, ({ vxlanRemotes = [] }) => vxlanRemotes),
  policies: layout(Section.Policies, POLICY_SIZE, writePolicy, ({ xfrm = NO_XFRM }) => xfrm.policies),
  sas: layout(Section.Sas, SA_SIZE, writeSa, ({ xfrm = NO_XFRM }) => xfrm.sas),
  keys: layout(Section.Keys, KEY_SIZE, writeKey, ({ xfrm = NO_XFRM }) => xfrm.keys),
};

/** A program as `assembly/abi/image.ts` lays it out. */
export interface Image {
  readonly bytes: number;
  /** `view` is as long as the image. */
  write(view: DataView): void;
}

export function imageOf(program: DatapathProgram): Image {
  const sections = Object.values(LAYOUTS).map((each) => sectionOf(each as Layout<unknown>, program));
  const bytes = sections.reduce((size, { length }) => size + align(length), IMAGE_HEADER);
  return {
    bytes,
    write(view) {
      let offset = IMAGE_HEADER;
      for (const { write, length } of sections) {
        write(view, offset);
        offset += align(length);
      }
      writeCapacity(view, program);
      f64(view, IMAGE_COPY_COST, program.copyCost);
      f64(view, IMAGE_CIPHER_COST, program.cipherCost ?? 0);
      program.costs.forEach((cost, node) => f64(view, IMAGE_COSTS + node * 8, cost));
      program.exponential.forEach((quantile, index) => u32(view, IMAGE_EXPONENTIAL + index * 4, quantile));
    },
  };
}

function sectionOf<T>({ section, size, write, of }: Layout<T>, program: DatapathProgram) {
  const records = of(program);
  return {
    length: records.length * size,
    write(view: DataView, offset: number): void {
      const header = section * SECTION_SIZE;
      u32(view, header + SECTION_RECORDS, records.length);
      u32(view, header + SECTION_OFFSET, offset);
      for (let index = 0; index < records.length; index++) write(view, offset + index * size, records[index]!);
    },
  };
}

/** Arrays begin where an f64 may. */
function align(bytes: number): number {
  return (bytes + 7) & ~7;
}
