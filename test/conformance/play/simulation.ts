/** The packets of a scenario: the tables follow the daemons, servers listen, probes run. */
import { Family } from "../../../assembly/abi/netfilter";
import { RouteType, SocketRole } from "../../../assembly/abi/program";
import { NONE } from "../../../assembly/abi/version";
import type { KeyedSocket } from "../../../src/compile/processes";
import { eventsOfRecords } from "../../../src/engine/event-room";
import type { DatapathProgram, RouteRecord, SocketRecord } from "../../../src/engine/program";
import type { DockerState } from "../../../src/model/state";
import { parseCidr } from "../../../src/net/cidr";
import { parseIpv4 } from "../../../src/net/ip";
import { formatMac } from "../../../src/net/mac";
import type { Frame } from "../recording";
import { Engines, type EngineChoice } from "./engines";
import { digestFrames, frameFilter } from "./frames";
import { nameServerSockets, withNameServer } from "./name-server";
import { Network } from "./network";
import type { Listening } from "./processes";
import { Seats } from "./seats";
import type { Traffic } from "../../../src/programs/traffic";
import type { AddedRoute } from "./added-routes";

/** A compiled state, and where its things ended up. */
export interface CompiledState {
  readonly program: DatapathProgram;
  /** Sockets of what the daemons run. */
  readonly processes: readonly KeyedSocket[];
  /** `h1`, `h1/c1`, `lan`. */
  namespaceOf(place: string): number | undefined;
  deviceOf(place: string, device: string): number | undefined;
}

/** Compiles a state so that what stays the same keeps its index. */
export type Compile = (state: DockerState) => CompiledState;

/** The daemons' sockets (proxies, resolvers) come first, then servers, the name server, and those of probes. */
const DAEMON_SOCKETS = 256;
const SERVER_SOCKETS = 128;
/** Over UDP, and over TCP. */
const NAME_SERVER_SOCKETS = 2;
const FIRST_PROBE_SOCKET = DAEMON_SOCKETS + SERVER_SOCKETS + NAME_SERVER_SOCKETS;
const CLOSED: SocketRecord = { namespace: 0, protocol: 0, ip: 0, port: 0, role: SocketRole.Sink, flow: NONE };

/** Tables for all that a scenario may come to have, but for the events. */
const TABLES = {
  packets: 2048, frameBytes: 9216, fdb: 2048, neighbours: 4096, sockets: FIRST_PROBE_SOCKET + 1024, flows: 1024, connections: 4096, conntrack: 16384,
  sessions: 1024, streams: 64, domains: 1024, domainBytes: 32768, resolvers: 128, searches: 512, zones: 512, zoneRecords: 4096, upstreams: 256,
  vxlanRemotes: 512, hosts: 16, namespaces: 256, devices: 1024, addresses: 1024, routes: 4096, links: 64, chains: 1024, rules: 8192, eventRecords: 4096, captureBytes: 4 << 20,
};
export const ROOM = {
  ...TABLES,
  /** Timers of everything above, and frames on their way. */
  events: eventsOfRecords(TABLES) + 8192,
};

export class Simulation {
  readonly #engines: Engines;
  readonly #compile: Compile;
  readonly #network: Network;
  readonly #domains: string[] = [];
  #newDomains: string[] = [];
  #compiled: CompiledState | undefined;
  readonly #servers = new Seats<Listening & { readonly family: Family }>("servers", SERVER_SOCKETS);
  readonly #daemons = new Seats<SocketRecord>("sockets of daemons", DAEMON_SOCKETS);
  #isLoaded = false;
  /** Why there are no packets. */
  #broken: string | undefined;

  static async open(choice: EngineChoice, compile: Compile): Promise<Simulation> {
    return new Simulation(await Engines.open(choice), compile);
  }

  private constructor(engines: Engines, compile: Compile) {
    this.#engines = engines;
    this.#compile = compile;
    const places = {
      namespaceOf: (place: string) => {
        if (this.#broken !== undefined) throw new Error(this.#broken);
        return this.#compiled?.namespaceOf(place);
      },
      listening: (namespace: number, protocol: string, port: number) =>
        this.#servers.find((server) => server.protocol === protocol && server.port === port && this.#compiled?.namespaceOf(server.place) === namespace),
      domainOf: (name: string) => this.#domainOf(name),
      takeNewDomains: () => this.#newDomains.splice(0),
      hasIpv6: () => (this.#compiled?.program.addresses6.length ?? 0) > 0,
    };
    this.#network = new Network(engines, places, { flow: 0, socket: FIRST_PROBE_SOCKET });
  }

  get now(): number {
    return this.#network.now;
  }

  /** Whether the packets of the present state are simulated. */
  get hasPackets(): boolean {
    return this.#isLoaded && this.#broken === undefined;
  }

  macOf(place: string, device: string): string | undefined {
    const record = this.#compiled?.program.devices[this.#compiled.deviceOf(place, device) ?? -1];
    return record && formatMac(record.macHigh * 2 ** 32 + record.macLow);
  }

  get traffic(): Traffic {
    return this.#network;
  }

  /** The engines get the tables of a new state; what talks goes on talking. A state that they cannot have leaves its probes without an outcome, nothing else. */
  follow(state: DockerState, listening: readonly Listening[], added: readonly AddedRoute[]): void {
    this.#broken = undefined;
    try {
      this.#compiled = this.#compile(state);
      this.#servers.take(listening.flatMap((server) => this.#families(server).map((family) => [`${server.place} ${server.protocol} ${server.port} ${server.name} ${family}${server.isFrozen === true ? " frozen" : ""}`, { ...server, family }])));
      this.#daemons.take(this.#compiled.processes.map(({ key, record }) => [key, record]));
      const program = this.#complete(this.#compiled.program, added);
      if (this.#isLoaded) this.#engines.apply({ program });
      else this.#engines.load(program);
      this.#isLoaded = true;
    } catch (error) {
      this.#broken = `the packets of this state are not simulated: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #complete(program: DatapathProgram, added: readonly AddedRoute[]): DatapathProgram {
    const dns = withNameServer(program.dns);
    const inet = this.#compiled!.namespaceOf("inet");
    const zoneRecords = dns.zoneRecords.map((record) => ({
      ...record,
      name: this.#domainOf(dns.domains[record.name]!),
      target: record.target === NONE ? NONE : this.#domainOf(dns.domains[record.target]!),
    }));
    this.#newDomains = [];
    const sockets = [
      ...this.#daemons.map((record) => record, CLOSED),
      ...this.#servers.map((server) => this.#serverSocket(server), CLOSED),
      ...(inet === undefined ? [CLOSED, CLOSED] : nameServerSockets(inet, dns.resolvers.length - 1)),
    ];
    return {
      ...program,
      sockets,
      routes: [...program.routes, ...added.flatMap((route) => this.#routeRecord(route))],
      dns: { ...dns, domains: [...this.#domains], zoneRecords },
      capacity: { ...program.capacity, ...ROOM, frameBytes: Math.max(ROOM.frameBytes, program.capacity.frameBytes) },
    };
  }

  /** Go listens on both families, but for the probes' datagrams (`udp4`). */
  #families({ protocol }: Listening): Family[] {
    return protocol === "tcp" && (this.#compiled?.program.addresses6.length ?? 0) > 0 ? [Family.Ipv4, Family.Ipv6] : [Family.Ipv4];
  }

  /** An answer is an HTTP response whose body says who the server is, whom it sees, and where it was asked. */
  #serverSocket(server: Listening & { readonly family: Family }): SocketRecord {
    const namespace = this.#compiled!.namespaceOf(server.place);
    if (namespace === undefined) return CLOSED;
    const body = JSON.stringify({ server: server.name, peer: "", local: "" }).length;
    // The addresses that are still to come make it longer by 14 to 30 bytes.
    const head = `HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body + 20}\r\n\r\n`.length;
    const isTcp = server.protocol === "tcp";
    return { namespace, protocol: isTcp ? 6 : 17, ip: 0, port: server.port, role: server.isFrozen === true ? SocketRole.Sink : SocketRole.Identity, flow: NONE, family: server.family, responseBytes: isTcp ? head + body : body };
  }

  #routeRecord({ place, destination, via, device }: AddedRoute): RouteRecord[] {
    const [namespace, index] = [this.#compiled?.namespaceOf(place), this.#compiled?.deviceOf(place, device)];
    if (namespace === undefined || index === undefined) return [];
    const block = parseCidr(destination.includes("/") ? destination : `${destination}/32`, "route");
    return [{ namespace, destination: Number(block.network), prefix: block.prefixLength, type: RouteType.Unicast, device: index, gateway: via === undefined ? 0 : parseIpv4(via, "via"), source: 0, metric: 0 }];
  }

  #domainOf(name: string): number {
    const key = name.replace(/\.$/, "").toLowerCase();
    const known = this.#domains.indexOf(key);
    if (known !== -1) return known;
    this.#newDomains.push(key);
    return this.#domains.push(key) - 1;
  }

  during<T>(work: () => Promise<T>): Promise<T> {
    return this.#network.during(work);
  }

  /** Lets a program wait that runs `during` something. */
  after(milliseconds: number): Promise<void> {
    return this.#network.after(milliseconds);
  }

  sleep(seconds: number): void {
    if (this.#isLoaded) this.#network.sleep(seconds);
  }

  async capture(
    taps: readonly { readonly tap: string; readonly place: string; readonly device: string }[],
    filter: string,
    work: () => Promise<void>,
  ): Promise<readonly { readonly tap: string; readonly frames: readonly Frame[] }[]> {
    if (this.#broken !== undefined) throw new Error(this.#broken);
    const wanted = frameFilter(filter);
    const devices = taps.map(({ place, device }) => this.#compiled?.deviceOf(place, device));
    const seen = await this.#network.capture(devices.filter((device) => device !== undefined), work);
    return taps.flatMap(({ tap }, index) => {
      const device = devices[index];
      return device === undefined ? [] : [{ tap, frames: digestFrames((seen.get(device) ?? []).filter(wanted)) }];
    });
  }

  dispose(): void {
    this.#engines.dispose();
  }
}
