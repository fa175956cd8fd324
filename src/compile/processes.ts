import { DNS_A, DNS_AAAA, DNS_PTR, RESOLVER_LEGACY, RESOLVER_NDOTS, ZONE_IPV6 } from "../../assembly/abi/dns";
import { Family } from "../../assembly/abi/netfilter";
import { SOCKET_ASKED_SOURCE, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import { addressWords } from "../engine/address-words";
import type { DnsTables, ResolverRecord, SocketRecord, UpstreamRecord, ZoneEntryRecord, ZoneRecord } from "../engine/program";
import { type DnsLookup, type DnsZone, type SandboxDns, seenFrom } from "../model/dns";
import type { ContainerState, DockerState, HostState, ProxyState } from "../model/state";
import { isIp, parseIp, parseIpv4 } from "../net/ip";
import { type OverlayLayer, viewOf } from "./overlays";

/** Where a sandbox's resolver listens behind 127.0.0.11:53. The daemon takes any free ports; nobody sees which. */
export const RESOLVER_PORTS = { udp: 39_053, tcp: 39_054 };
/** moby daemon/libnetwork/sandbox_dns_unix.go: resolverIPSandbox. */
const RESOLVER_ADDRESS = parseIpv4("127.0.0.11", "resolver");

/** Indices of network namespaces; undefined: there is none. */
export interface ProcessPlaces {
  host(name: string): number | undefined;
  sandbox(host: string, container: string): number | undefined;
}

/** A socket, and what makes it the same one in the next state. */
export interface KeyedSocket {
  readonly key: string;
  readonly record: SocketRecord;
}

/** The processes that the daemons run: `docker-proxy` for each published port, and the resolvers of sandboxes. `hasIpv6`: the program has addresses of IPv6. */
export function compileProcesses(state: DockerState, places: ProcessPlaces, dnsOf: DnsLookup, hasIpv6 = false, overlays?: OverlayLayer): { readonly sockets: readonly KeyedSocket[]; readonly dns: DnsTables } {
  const dns = new DnsBuilder();
  const sockets: KeyedSocket[] = [];
  for (const host of state.hosts) {
    sockets.push(...host.proxies.flatMap((proxy) => proxySocket(state, host, proxy, { places, hasIpv6 })));
    const own = seenFrom(viewOf(state, host.name, overlays), host.name);
    for (const container of own.containers.filter((candidate) => candidate.host === host.name)) {
      const known = container.running && container.embeddedDns && hasOwnSandbox(container) ? dnsOf(own, container.name) : undefined;
      const namespace = places.sandbox(host.name, container.name);
      if (known === undefined || namespace === undefined) continue;
      const resolver = dns.add(known, namespace, places.host(host.name) ?? namespace);
      const record = { namespace, protocol: PROTOCOL_UDP, ip: RESOLVER_ADDRESS, port: RESOLVER_PORTS.udp, role: SocketRole.Resolver, flow: NONE, resolver };
      sockets.push({ key: `resolver ${host.name} ${container.id}`, record });
      sockets.push({ key: `resolver ${host.name} ${container.id} tcp`, record: { ...record, protocol: PROTOCOL_TCP, port: RESOLVER_PORTS.tcp } });
    }
  }
  return { sockets, dns: dns.tables() };
}

function hasOwnSandbox({ network }: ContainerState): boolean {
  return network.mode === "sandbox";
}

/** A proxy that listens on every address answers datagrams from the address that was asked since Docker 28 (moby cmd/docker-proxy/udp_proxy_linux.go). */
function proxySocket({ generation }: DockerState, { name }: HostState, proxy: ProxyState, { places, hasIpv6 }: { readonly places: ProcessPlaces; readonly hasIpv6: boolean }): KeyedSocket[] {
  const { protocol, hostIp, hostPort, containerIp, containerPort, isMute } = proxy;
  const namespace = places.host(name);
  if (namespace === undefined || protocol === "sctp") return [];
  const [listens, target] = [parseIp(hostIp, "hostIp"), parseIp(containerIp, "containerIp")];
  if (!hasIpv6 && (listens.family === 6 || target.family === 6)) return [];
  const isAny = listens.value === 0 || listens.value === 0n;
  const record: SocketRecord = {
    namespace,
    protocol: protocol === "tcp" ? PROTOCOL_TCP : PROTOCOL_UDP,
    ip: listens.family === 4 ? listens.value : 0,
    port: hostPort,
    role: isMute ? SocketRole.Sink : SocketRole.Proxy,
    flow: NONE,
    targetIp: target.family === 4 ? target.value : 0,
    targetPort: containerPort,
    ...(listens.family === 6 && { family: Family.Ipv6, ip6: addressWords(listens.value) }),
    ...(target.family === 6 && { targetFamily: Family.Ipv6, targetIp6: addressWords(target.value) }),
    flags: !isAny || generation !== "20.10" ? SOCKET_ASKED_SOURCE : 0,
  };
  return [{ key: `proxy ${name} ${protocol} ${hostIp} ${hostPort}`, record }];
}

function contentOf({ names, reverse }: DnsZone, ttl: number): string {
  const entries = [...names].map(([name, { ipv4, ipv6, forwardsOtherFamily }]) => `${name} ${ipv4} ${ipv6} ${forwardsOtherFamily}`);
  return [ttl, ...entries, "", ...[...reverse].map(([name, target]) => `${name} ${target}`)].join("\n");
}

/** Collects what resolvers know. */
class DnsBuilder {
  readonly #domains: string[] = [];
  readonly #indices = new Map<string, number>();
  readonly #resolvers: ResolverRecord[] = [];
  readonly #searches: number[] = [];
  /** Zones that several resolvers search, by what they were made of. */
  readonly #shared = new Map<DnsZone, readonly number[]>();
  readonly #sameContent = new Map<string, readonly number[]>();
  readonly #zones: ZoneRecord[] = [];
  readonly #zoneRecords: ZoneEntryRecord[] = [];
  readonly #upstreams: UpstreamRecord[] = [];

  /** The index of a new resolver. */
  add(known: SandboxDns, sandbox: number, host: number): number {
    const searchFirst = this.#searches.length;
    for (const zone of known.zones ?? [known]) this.#searches.push(...this.#zonesOf(zone, known.ttl));
    const upstreamFirst = this.#upstreams.length;
    for (const { address, from } of known.upstreams) {
      const namespace = from === "host" ? host : sandbox;
      // A server with a zone, fe80::1%eth0, is on no link that is known here.
      if (!isIp(address)) continue;
      const { family, value } = parseIp(address, "nameserver");
      this.#upstreams.push(family === 4 ? { namespace, ip: value } : { namespace, ip: 0, family: Family.Ipv6, ip6: addressWords(value) });
    }
    const flags = (known.keepsSingleLabels ? RESOLVER_NDOTS : 0) | (known.onFailure === "silence" ? RESOLVER_LEGACY : 0);
    const ranges = { searchFirst, searchCount: this.#searches.length - searchFirst, upstreamFirst, upstreamCount: this.#upstreams.length - upstreamFirst };
    return this.#resolvers.push({ flags, ...ranges }) - 1;
  }

  tables(): DnsTables {
    return { domains: this.#domains, resolvers: this.#resolvers, searches: this.#searches, zones: this.#zones, zoneRecords: this.#zoneRecords, upstreams: this.#upstreams };
  }

  /** A name that is passed on where it has no address of the family that is asked for lies in a zone that says so. */
  #zonesOf(zone: DnsZone, ttl: number): readonly number[] {
    const seen = this.#shared.get(zone);
    if (seen) return seen;
    // Hosts that know the same have zones of their own that say the same.
    const content = contentOf(zone, ttl);
    const known = this.#sameContent.get(content) ?? [...this.#addZone(zone, ttl, false), ...this.#addZone(zone, ttl, true)];
    this.#sameContent.set(content, known);
    this.#shared.set(zone, known);
    return known;
  }

  #addZone({ names, reverse }: DnsZone, ttl: number, forwards: boolean): number[] {
    const first = this.#zoneRecords.length;
    for (const [name, { ipv4, ipv6, forwardsOtherFamily }] of names) {
      if (forwardsOtherFamily !== forwards) continue;
      for (const ip of ipv4) this.#zoneRecords.push({ name: this.#domain(name), type: DNS_A, ttl, target: NONE, address: [ip, 0, 0, 0] });
      for (const ip of ipv6) this.#zoneRecords.push({ name: this.#domain(name), type: DNS_AAAA, ttl, target: NONE, address: addressWords(ip) });
    }
    for (const [name, target] of forwards ? [] : reverse) this.#zoneRecords.push({ name: this.#domain(name), type: DNS_PTR, ttl, target: this.#domain(target), address: [0, 0, 0, 0] });
    const count = this.#zoneRecords.length - first;
    return count === 0 ? [] : [this.#zones.push({ flags: forwards ? ZONE_IPV6 : 0, first, count }) - 1];
  }

  #domain(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    const index = this.#domains.push(name) - 1;
    this.#indices.set(name, index);
    return index;
  }
}

