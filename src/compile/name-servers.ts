/** The name servers around the hosts: those of machines, and what listens on the loopback addresses that a host's resolv.conf names. */
import { DNS_A, DNS_AAAA, DNS_PORT, RESOLVER_AUTHORITATIVE } from "../../assembly/abi/dns";
import { Family } from "../../assembly/abi/netfilter";
import { SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import { addressWords } from "../engine/address-words";
import type { DnsTables, SocketRecord, UpstreamRecord, ZoneEntryRecord } from "../engine/program";
import { SimulationError } from "../errors";
import type { HostSpec } from "../model/spec";
import type { MachineSpec, NameTable, NamesSpec, UnderlaySpec } from "../model/underlay";
import type { HostWorld } from "../model/world";
import { domainNameBytes } from "../net/domain-name";
import { isIp, isIpv4, parseIp, parseIpv4 } from "../net/ip";
import type { NameLayer, NamedPlaces } from "./names";
import type { KeyedSocket } from "./processes";

/** Seconds that an answer may be kept. */
const TTL = 300;
/** Whom Docker asks where the host's file names nobody: Google's servers (moby libnetwork/resolvconf: defaultIPv4Dns). */
const PUBLIC_SERVERS = ["8.8.8.8", "8.8.4.4"];
/** The stub of a host keeps what it cannot answer for its server. */
const STUB_FLAGS = 0;

/** What `underlay.names` makes of a description and its program. */
export const nameLayer: NameLayer = {
  surround: (spec) => {
    const { underlay, hosts } = spec;
    const { names } = underlay ?? {};
    if (!underlay || !names) return spec;
    checkNames(names);
    const server = firstAddress(machineOf(underlay, names.lan ? "lan" : "internet"));
    return { ...spec, underlay: withPublicServers(underlay), hosts: hosts.map((host) => surroundHost(host, server)) };
  },
  serve: ({ sockets, dns }, { names }, places) => {
    if (!names) return { sockets, dns };
    const tables = new Tables(dns);
    const [internet, lan] = [tables.zone(names.internet ?? {}), tables.zone(names.lan ?? {})];
    const servers = { internet: tables.resolver([internet], RESOLVER_AUTHORITATIVE), ...(names.lan && { lan: tables.resolver([lan, internet], RESOLVER_AUTHORITATIVE) }) };
    const machines = Object.entries(servers).flatMap(([machine, resolver]) => machineSockets(machine, resolver, places));
    const stubs = places.state.hosts.flatMap(({ name, world }) => stubSockets(name, world, tables, places, names.lan ? "lan" : "internet"));
    for (const table of [names.lan, names.internet]) know(table ?? {}, places);
    return { sockets: [...sockets, ...machines, ...stubs], dns: tables.all() };
  },
};

function checkNames(names: NamesSpec): void {
  for (const [machine, table] of Object.entries(names) as [string, NameTable][]) {
    const field = `underlay: names: ${machine}`;
    if (machine !== "internet" && machine !== "lan") throw new SimulationError("INVALID_INPUT", `underlay: names: expected internet or lan, whose name servers there are, found ${JSON.stringify(machine)}`);
    for (const [name, addresses] of Object.entries(table)) {
      if (isIp(name) || (domainNameBytes(name)?.length ?? 0) < 2) throw new SimulationError("INVALID_INPUT", `${field}: expected a name such as "www.example.com", found ${JSON.stringify(name)}`);
      const wrong = listOf(addresses).find((address) => !isIp(address));
      if (wrong !== undefined) throw new SimulationError("INVALID_INPUT", `${field}: ${name}: expected an address, found ${JSON.stringify(wrong)}`);
    }
  }
}

function listOf(addresses: NameTable[string]): readonly string[] {
  return typeof addresses === "string" ? [addresses] : addresses;
}

function machineOf({ machines }: UnderlaySpec, wanted: string): MachineSpec {
  const found = machines.find(({ name }) => name === wanted);
  if (!found) throw new SimulationError("INVALID_INPUT", `underlay: names: expected a machine that is called ${wanted}, found none`);
  return found;
}

function firstAddress({ uplinks, name }: MachineSpec): string {
  const [address] = uplinks.flatMap(({ addresses }) => addresses.map((text) => text.replace(/\/.*/, ""))).filter(isIpv4);
  if (address === undefined) throw new SimulationError("INVALID_INPUT", `underlay: names: expected an IPv4 address of ${name}, found none`);
  return address;
}

/** The machine on the internet answers at the public servers' addresses too, and the router knows the way. */
function withPublicServers(underlay: UnderlaySpec): UnderlaySpec {
  const via = firstAddress(machineOf(underlay, "internet"));
  const machines = underlay.machines.map((machine): MachineSpec => {
    const { name, uplinks, routes } = machine;
    const [first, ...others] = uplinks;
    if (name === "internet" && first) {
      return { ...machine, uplinks: [{ ...first, addresses: [...new Set([...first.addresses, ...PUBLIC_SERVERS.map((address) => `${address}/32`)])] }, ...others] };
    }
    if (!machine.forwards) return machine;
    const known = new Set(routes.map(({ destination }) => destination));
    const wanted = PUBLIC_SERVERS.map((address) => `${address}/32`).filter((destination) => !known.has(destination));
    return { ...machine, routes: [...routes, ...wanted.map((destination) => ({ destination, type: "unicast" as const, via, scope: "global" as const }))] };
  });
  return { ...underlay, machines };
}

/** A host asks the nearest server unless its file says otherwise, and something listens on a loopback address that its file names. */
function surroundHost(host: HostSpec, server: string): HostSpec {
  const { world } = host;
  if (!world) return host;
  const { resolvConf, listeners } = world;
  const nameservers = resolvConf.nameservers.length > 0 ? resolvConf.nameservers : [server];
  const wanted = nameservers.filter(isLoopback).flatMap((address) => (["udp", "tcp"] as const).map((protocol) => ({ protocol, address, port: DNS_PORT, process: "the resolver of the host" })));
  const missing = wanted.filter(({ protocol, address }) => !listeners.some((other) => other.port === DNS_PORT && other.protocol === protocol && other.address === address));
  return { ...host, world: { ...world, resolvConf: { ...resolvConf, nameservers }, listeners: [...listeners, ...missing] } };
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") && isIpv4(address);
}

function machineSockets(machine: string, resolver: number, { network: { places, machines6 } }: NamedPlaces): KeyedSocket[] {
  const namespace = places.get(machine);
  if (namespace === undefined) return [];
  const families = machines6.has(machine) ? [Family.Ipv4, Family.Ipv6] : [Family.Ipv4];
  return families.flatMap((family) => [PROTOCOL_UDP, PROTOCOL_TCP].map((protocol): KeyedSocket => {
    const record: SocketRecord = { namespace, protocol, ip: 0, port: DNS_PORT, role: SocketRole.NameServer, flow: NONE, resolver, ...(family === Family.Ipv6 && { family }) };
    return { key: `name server ${machine} ${protocol} ${family}`, record };
  }));
}

/** As systemd-resolved and dnsmasq do: what they are asked they ask their server, from the host. */
function stubSockets(host: string, { resolvConf }: HostWorld, tables: Tables, { network: { places, machines } }: NamedPlaces, server: string): KeyedSocket[] {
  const [namespace, ip] = [places.get(host), machines.get(server)];
  const own = resolvConf.nameservers.filter(isLoopback);
  if (namespace === undefined || ip === undefined || own.length === 0) return [];
  const resolver = tables.resolver([], STUB_FLAGS, [{ namespace, ip }]);
  return own.flatMap((address) => [PROTOCOL_UDP, PROTOCOL_TCP].map((protocol): KeyedSocket => {
    const record: SocketRecord = { namespace, protocol, ip: parseIpv4(address, "nameserver"), port: DNS_PORT, role: SocketRole.Resolver, flow: NONE, resolver };
    return { key: `stub ${host} ${protocol} ${address}`, record };
  }));
}

/** Traffic that is described by names goes where they lead. */
function know(table: NameTable, { network: { machines, machines6 } }: NamedPlaces): void {
  for (const [written, addresses] of Object.entries(table)) {
    const name = written.toLowerCase();
    for (const { family, value } of listOf(addresses).map((address) => parseIp(address, name))) {
      if (family === 4 && !machines.has(name)) machines.set(name, value);
      if (family === 6 && !machines6.has(name)) machines6.set(name, value);
    }
  }
}

/** The tables of the daemons' resolvers, and what comes behind them. */
class Tables {
  readonly #dns: DnsTables;
  readonly #domains: string[] = [];
  readonly #records: ZoneEntryRecord[] = [];
  readonly #zones: DnsTables["zones"][number][] = [];
  readonly #searches: number[] = [];
  readonly #resolvers: DnsTables["resolvers"][number][] = [];
  readonly #upstreams: UpstreamRecord[] = [];

  constructor(dns: DnsTables) {
    this.#dns = dns;
  }

  zone(table: NameTable): number {
    const first = this.#dns.zoneRecords.length + this.#records.length;
    for (const [name, addresses] of Object.entries(table)) {
      for (const { family, value } of listOf(addresses).map((address) => parseIp(address, name))) {
        const entry = { name: this.#domain(name.toLowerCase().replace(/\.$/, "")), ttl: TTL, target: NONE };
        this.#records.push(family === 4 ? { ...entry, type: DNS_A, address: [value, 0, 0, 0] } : { ...entry, type: DNS_AAAA, address: addressWords(value) });
      }
    }
    const count = this.#dns.zoneRecords.length + this.#records.length - first;
    return this.#dns.zones.length + this.#zones.push({ flags: 0, first, count }) - 1;
  }

  resolver(zones: readonly number[], flags: number, upstreams: readonly UpstreamRecord[] = []): number {
    const searchFirst = this.#dns.searches.length + this.#searches.length;
    const upstreamFirst = this.#dns.upstreams.length + this.#upstreams.length;
    this.#searches.push(...zones);
    this.#upstreams.push(...upstreams);
    return this.#dns.resolvers.length + this.#resolvers.push({ flags, searchFirst, searchCount: zones.length, upstreamFirst, upstreamCount: upstreams.length }) - 1;
  }

  all(): DnsTables {
    const { domains, zoneRecords, zones, searches, resolvers, upstreams } = this.#dns;
    return {
      domains: [...domains, ...this.#domains],
      zoneRecords: [...zoneRecords, ...this.#records],
      zones: [...zones, ...this.#zones],
      searches: [...searches, ...this.#searches],
      resolvers: [...resolvers, ...this.#resolvers],
      upstreams: [...upstreams, ...this.#upstreams],
    };
  }

  #domain(name: string): number {
    const known = this.#dns.domains.indexOf(name);
    if (known !== -1) return known;
    const own = this.#domains.indexOf(name);
    return this.#dns.domains.length + (own === -1 ? this.#domains.push(name) - 1 : own);
  }
}
