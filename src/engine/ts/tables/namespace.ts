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
  private identification = 0;

  forwarding = false;
  ttl = 0;
  /** Replaced as a whole. */
  fib = new Fib();

  constructor(
    readonly index: number,
    readonly host: Host,
  ) {
    this.cpu = host.cpus[index % host.cpus.length];
  }

  /** The IPv4 identification of the next datagram; the first is 1. */
  nextIdentification(): number {
    this.identification = (this.identification + 1) & 0xffff;
    return this.identification;
  }
}
