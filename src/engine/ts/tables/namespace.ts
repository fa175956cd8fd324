import { PROCESS_PORT_FIRST, PROCESS_PORT_LAST } from "../../../../assembly/abi/limits";
import type { Filter } from "../netfilter/filter";
import type { Cpu } from "../simulation/clock";
import type { Device } from "./device";
import { Fib } from "./fib";
import type { PathMtu } from "./path-mtu";
import type { Socket } from "./socket";

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
  /** The packet filter for IPv4, if there is one. */
  filter: Filter | null = null;
  private identification = 0;
  private processPort = PROCESS_PORT_LAST;

  forwarding = false;
  ttl = 0;
  /** BRIDGE_NF_ bits. */
  bridgeNf = 0;
  /** Replaced as a whole. */
  fib = new Fib();

  constructor(
    readonly index: number,
    readonly host: Host,
  ) {
    this.cpu = host.cpus[index % host.cpus.length];
  }

  /** The next port that a process tries for a socket of its own, from the last one down. */
  nextProcessPort(): number {
    const port = this.processPort;
    this.processPort = port === PROCESS_PORT_FIRST ? PROCESS_PORT_LAST : port - 1;
    return port;
  }

  /** The IPv4 identification of the next datagram; the first is 1. */
  nextIdentification(): number {
    this.identification = (this.identification + 1) & 0xffff;
    return this.identification;
  }
}
