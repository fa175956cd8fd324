/** The name server of the recordings' internet. */
import { DNS_A, DNS_PORT, RESOLVER_AUTHORITATIVE } from "../../../assembly/abi/dns";
import { SocketRole } from "../../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../assembly/abi/protocol";
import { NONE } from "../../../assembly/abi/version";
import type { DnsTables, SocketRecord } from "../../../src/engine/program";
import { parseIpv4 } from "../../../src/net/ip";
import { NAME_SERVER, ZONE } from "./machines";

const TTL_SECS = 60;

/** The tables with the name server behind them, as the last resolver. */
export function withNameServer(dns: DnsTables): DnsTables {
  const names = Object.entries(ZONE);
  const first = dns.domains.length;
  const entries = names.flatMap(([, addresses], index) =>
    addresses.map((address) => ({ name: first + index, type: DNS_A, ttl: TTL_SECS, target: NONE, address: [parseIpv4(address, "address"), 0, 0, 0] as const })),
  );
  return {
    domains: [...dns.domains, ...names.map(([name]) => name)],
    resolvers: [...dns.resolvers, { flags: RESOLVER_AUTHORITATIVE, searchFirst: dns.searches.length, searchCount: 1, upstreamFirst: dns.upstreams.length, upstreamCount: 0 }],
    searches: [...dns.searches, dns.zones.length],
    zones: [...dns.zones, { flags: 0, first: dns.zoneRecords.length, count: entries.length }],
    zoneRecords: [...dns.zoneRecords, ...entries],
    upstreams: dns.upstreams,
  };
}

/** It answers in datagrams and over connections. */
export function nameServerSockets(namespace: number, resolver: number): SocketRecord[] {
  return [PROTOCOL_UDP, PROTOCOL_TCP].map((protocol) => nameServerSocket(namespace, resolver, protocol));
}

function nameServerSocket(namespace: number, resolver: number, protocol: number): SocketRecord {
  return { namespace, protocol, ip: parseIpv4(NAME_SERVER, "address"), port: DNS_PORT, role: SocketRole.NameServer, flow: NONE, resolver };
}
