import type { IpvsConnection } from "../ipvs/connection";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Namespace } from "../tables/namespace";
import type { CachedVerdict } from "./verdict-cache";

/** What connection tracking says of a packet (enum ip_conntrack_info without the direction, which lies beside it). */
export enum CtState {
  /** No entry: INVALID for a rule that asks. */
  None,
  Untracked,
  New,
  Established,
  Related,
}

/** States of a TCP connection as a third party sees it (enum tcp_conntrack). */
export enum TcpTrack {
  None,
  SynSent,
  SynReceived,
  Established,
  FinWait,
  CloseWait,
  LastAck,
  TimeWait,
  Close,
  SynSent2,
}

/** What a TCP segment is to connection tracking (enum tcp_bit_set). */
export enum TcpEvent {
  Syn,
  SynAck,
  Fin,
  Ack,
  Reset,
}

/** One direction of a connection. Ports of ICMP: the identifier, and type × 256 + code. */
export class Tuple {
  source = 0;
  sourcePort = 0;
  destination = 0;
  destinationPort = 0;

  set(source: number, sourcePort: number, destination: number, destinationPort: number): void {
    this.source = source;
    this.sourcePort = sourcePort;
    this.destination = destination;
    this.destinationPort = destinationPort;
  }

  equals(source: number, sourcePort: number, destination: number, destinationPort: number): boolean {
    return (
      this.source === source &&
      this.destination === destination &&
      this.sourcePort === sourcePort &&
      this.destinationPort === destinationPort
    );
  }
}

/** A tracked connection (struct nf_conn). Pooled: see `ConntrackTable`. */
export class Entry {
  namespace: Namespace | null = null;
  protocol = 0;
  readonly original = new Tuple();
  readonly reply = new Tuple();
  madeAt = 0;
  deadline = 0;
  seenReply = false;
  assured = false;
  /** Both tuples lead to it. */
  confirmed = false;
  /** It has left the table, or never was there and never will be. */
  gone = false;
  /** Packets that carry it. */
  carriers = 0;

  tcp = TcpTrack.None;
  /** A FIN has led to FinWait. */
  closing = false;
  lastEvent = TcpEvent.Syn;
  lastIsReply = false;

  /** Source and destination have been decided upon, and have been translated. */
  sourceDone = false;
  destinationDone = false;
  snat = false;
  dnat = false;
  /** Where a masqueraded connection leaves. */
  masqueradedBy: Device | null = null;

  /** The balanced connection that it ends with. */
  balanced: IpvsConnection | null = null;

  /** Neighbours in the list of the entries that are not assured. */
  previous: Entry | null = null;
  next: Entry | null = null;

  /** By hook, table and direction; what is there of an earlier connection belongs to another `life`. */
  readonly verdicts: (CachedVerdict | undefined)[] = [];
  life = 0;

  constructor(readonly index: number) {}

  begin(namespace: Namespace, protocol: number, clock: number): void {
    this.namespace = namespace;
    this.protocol = protocol;
    this.madeAt = clock;
    this.deadline = clock;
    this.seenReply = this.assured = this.confirmed = this.gone = false;
    this.tcp = TcpTrack.None;
    this.closing = this.lastIsReply = false;
    this.lastEvent = TcpEvent.Syn;
    this.sourceDone = this.destinationDone = this.snat = this.dnat = false;
    this.masqueradedBy = this.balanced = null;
    this.life++;
  }

  /** Its time is over, or that of the connection that is balanced. */
  isDead(clock: number): boolean {
    return clock >= this.deadline || (this.balanced !== null && clock >= this.balanced.deadline);
  }

  /** The tuple of one direction. */
  tuple(isReply: boolean): Tuple {
    return isReply ? this.reply : this.original;
  }
}

/** Gives a packet its entry. It carried none. */
export function attach(packet: Packet, entry: Entry, state: CtState, isReply: boolean): void {
  packet.filtered = true;
  packet.conntrack = entry;
  packet.ctState = state;
  packet.ctReply = isReply;
  entry.carriers++;
}
