import {
  CAPACITY_ADDRESSES,
  CAPACITY_ADDRESSES6,
  CAPACITY_CAPTURE_BYTES,
  CAPACITY_CHAINS,
  CAPACITY_CONNECTIONS,
  CAPACITY_CONNTRACK,
  CAPACITY_DEVICES,
  CAPACITY_DOMAINS,
  CAPACITY_DOMAIN_BYTES,
  CAPACITY_EVENTS,
  CAPACITY_EVENT_RECORDS,
  CAPACITY_FDB,
  CAPACITY_FLOWS,
  CAPACITY_FRAME_BYTES,
  CAPACITY_HOSTS,
  CAPACITY_IPVS_CONNECTIONS,
  CAPACITY_KEYS,
  CAPACITY_LINKS,
  CAPACITY_NAMESPACES,
  CAPACITY_NEIGHBOURS,
  CAPACITY_PACKETS,
  CAPACITY_PAYLOADS,
  CAPACITY_POLICIES,
  CAPACITY_REAL_SERVERS,
  CAPACITY_RESOLVERS,
  CAPACITY_ROUTES,
  CAPACITY_RULES,
  CAPACITY_SAS,
  CAPACITY_SEARCHES,
  CAPACITY_SESSIONS,
  CAPACITY_SOCKETS,
  CAPACITY_STREAMS,
  CAPACITY_UPSTREAMS,
  CAPACITY_VIRTUAL_SERVICES,
  CAPACITY_VXLAN_REMOTES,
  CAPACITY_ZONES,
  CAPACITY_ZONE_RECORDS,
} from "../../../assembly/abi/image";
import { type DatapathProgram, NO_XFRM } from "../program";

const u32 = (view: DataView, at: number, value: number) => view.setUint32(at, value, true);

/** Writes how large the tables are. */
export function writeCapacity(view: DataView, { capacity, xfrm = NO_XFRM }: DatapathProgram): void {
  u32(view, CAPACITY_PACKETS, capacity.packets);
  u32(view, CAPACITY_FRAME_BYTES, capacity.frameBytes);
  u32(view, CAPACITY_EVENTS, capacity.events);
  u32(view, CAPACITY_FDB, capacity.fdb);
  u32(view, CAPACITY_NEIGHBOURS, capacity.neighbours);
  u32(view, CAPACITY_SOCKETS, capacity.sockets);
  u32(view, CAPACITY_FLOWS, capacity.flows);
  u32(view, CAPACITY_CONNECTIONS, capacity.connections);
  u32(view, CAPACITY_CONNTRACK, capacity.conntrack);
  u32(view, CAPACITY_SESSIONS, capacity.sessions);
  u32(view, CAPACITY_STREAMS, capacity.streams ?? 0);
  u32(view, CAPACITY_DOMAINS, capacity.domains);
  u32(view, CAPACITY_DOMAIN_BYTES, capacity.domainBytes);
  u32(view, CAPACITY_RESOLVERS, capacity.resolvers);
  u32(view, CAPACITY_SEARCHES, capacity.searches);
  u32(view, CAPACITY_ZONES, capacity.zones);
  u32(view, CAPACITY_ZONE_RECORDS, capacity.zoneRecords);
  u32(view, CAPACITY_UPSTREAMS, capacity.upstreams);
  u32(view, CAPACITY_HOSTS, capacity.hosts);
  u32(view, CAPACITY_NAMESPACES, capacity.namespaces);
  u32(view, CAPACITY_DEVICES, capacity.devices);
  u32(view, CAPACITY_ADDRESSES, capacity.addresses);
  u32(view, CAPACITY_ROUTES, capacity.routes);
  u32(view, CAPACITY_LINKS, capacity.links);
  u32(view, CAPACITY_CHAINS, capacity.chains);
  u32(view, CAPACITY_RULES, capacity.rules);
  u32(view, CAPACITY_ADDRESSES6, capacity.addresses6);
  u32(view, CAPACITY_VIRTUAL_SERVICES, capacity.virtualServices ?? 0);
  u32(view, CAPACITY_REAL_SERVERS, capacity.realServers ?? 0);
  u32(view, CAPACITY_IPVS_CONNECTIONS, capacity.ipvsConnections ?? 0);
  u32(view, CAPACITY_VXLAN_REMOTES, capacity.vxlanRemotes ?? 0);
  u32(view, CAPACITY_POLICIES, capacity.policies ?? xfrm.policies.length);
  u32(view, CAPACITY_SAS, capacity.sas ?? xfrm.sas.length);
  u32(view, CAPACITY_KEYS, capacity.keys ?? xfrm.keys.length);
  u32(view, CAPACITY_PAYLOADS, capacity.payloads ?? 0);
  u32(view, CAPACITY_EVENT_RECORDS, capacity.eventRecords);
  u32(view, CAPACITY_CAPTURE_BYTES, capacity.captureBytes);
}
