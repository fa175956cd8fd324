import { PROCESS_PORT_FIRST, PROCESS_PORT_LAST } from "../../../../assembly/abi/limits";
import type { VirtualService } from "../ipvs/service";
import { isIpv6 } from "../memory/address-table";
import type { Packet } from "../memory/packet";
import type { Filter } from "../netfilter/filter";
import type { Cpu } from "../simulation/clock";
import type { Address6 } from "./address6";
import type { Device } from "./device";
import { Fib, type Route } from "./fib";
import type { Fib6 } from "./fib6";
import type { PathMtu } from "./path-mtu";
import type { Socket } from "./socket";
import type { Xfrm } from "../xfrm/policies";

/** A host: its CPUs share the work of its namespaces. */
export class Host {
  constructor(
    readonly cpus: readonly Cpu[],
    readonly backlog: number,
    readonly costless: number,
  ) {}
}

/** A network namespace: a stack of its own. */
export class Namespace {
  /** The CPU of its sockets and timers. */
  readonly cpu: Cpu;
  /** Its own addresses, whatever device they are on. */
  readonly addresses = new Set<number>();
  loopback: Device | null = null;
  /** By destination. */
  readonly pathMtus = new Map<number, PathMtu>();
  /** Sockets by port, lowest index first. */
  readonly udpSockets = new Map<number, Socket[]>();
  readonly tcpSockets = new Map<number, Socket[]>();
  readonly udpSockets6 = new Map<number, Socket[]>();
  readonly tcpSockets6 = new Map<number, Socket[]>();
  /** The tunnels that its stack carries, by UDP port. */
  readonly vxlans = new Map<number, Device[]>();
  /** The packet filters for IPv4 and IPv6, if there are any. */
  filter: Filter | null = null;
  filter6: Filter | null = null;
  /** By mark, if there are any. */
  services: Map<number, VirtualService> | null = null;
  /** IPsec, if there is any. */
  xfrm: Xfrm | null = null;
  private identification = 0;
  private identification6 = 0;
  private processPort = PROCESS_PORT_LAST;

  forwarding = false;
  ttl = 0;
  /** BRIDGE_NF_ bits. */
  bridgeNf = 0;
  forwarding6 = false;
  hopLimit = 0;
  /** Replaced as a whole. */
  fib = new Fib();
  fib6: Fib6 | null = null;
  /** Its IPv6 addresses in the order of the program. */
  addresses6: Address6[] = [];

  constructor(
    readonly index: number,
    readonly host: Host,
  ) {
    this.cpu = host.cpus[index % host.cpus.length];
  }

  /** The route to an address of either family, or null. */
  routeTo(destination: number): Route | null {
    if (!isIpv6(destination)) return this.fib.find(destination);
    return this.fib6 === null ? null : this.fib6.find(destination);
  }

  /** Is the IPv6 address one of its own, and in use? */
  owns6(ip: number): boolean {
    return this.addresses6.some((address) => address.ip === ip && address.isUsable);
  }

  /** The packet filter that a packet passes. */
  filterFor(packet: Packet): Filter | null {
    return packet.isIpv6 ? this.filter6 : this.filter;
  }

  /** The next port that a process tries for a socket of its own, from the last one down. */
  nextProcessPort(): number {
    const port = this.processPort;
    this.processPort = port === PROCESS_PORT_FIRST ? PROCESS_PORT_LAST : port - 1;
    return port;
  }

  /** The identification of the next IPv6 datagram that is cut into pieces. */
  nextIdentification6(): number {
    this.identification6 = (this.identification6 + 1) >>> 0;
    return this.identification6;
  }

  /** The IPv4 identification of the next datagram; the first is 1. */
  nextIdentification(): number {
    this.identification = (this.identification + 1) & 0xffff;
    return this.identification;
  }
}
