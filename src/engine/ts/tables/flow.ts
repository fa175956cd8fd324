import { FlowError, FlowState } from "../../../../assembly/abi/counter";
import { TCP_MESSAGES_MAX } from "../../../../assembly/abi/limits";
import { FlowKind } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { NONE } from "../../../../assembly/abi/version";
import type { FlowCounters, FlowOutcome, FlowTally } from "../../engine";
import { type FlowRecord, NO_ADDRESS6 } from "../../program";
import type { Random } from "../simulation/random";
import { type AddressTable, isIpv6 } from "../memory/address-table";
import type { Connection } from "./connection";
import { Histogram } from "./counters";
import type { Namespace } from "./namespace";

const NOTHING = new Uint8Array(0);
/** No request of a closed loop is waiting for its answer. */
export const NO_REQUEST = -1;

/** What a window says about a sequence number. */
export enum Arrival {
  InOrder,
  /** Later than one after it, for the first time as far as the window remembers. */
  Late,
  Again,
}

/** The last 32 sequence numbers that arrived, as the anti-replay window of RFC 4303 §3.4.3 keeps them. */
export class SequenceWindow {
  private highest = -1;
  private mask = 0;

  clear(): void {
    this.highest = -1;
    this.mask = 0;
  }

  arrive(sequence: number): Arrival {
    const ahead = sequence - this.highest;
    if (ahead > 0) {
      this.mask = ahead >= 32 ? 1 : (this.mask << ahead) | 1;
      this.highest = sequence;
      return Arrival.InOrder;
    }
    if (ahead <= -32) return Arrival.Late;
    const bit = 1 << -ahead;
    if ((this.mask & bit) !== 0) return Arrival.Again;
    this.mask |= bit;
    return Arrival.Late;
  }
}

/** Messages that a TCP flow has written and that are not complete yet, oldest first. */
export class MessageRing {
  size = 0;
  private head = 0;
  private readonly writtenAt = new Float64Array(TCP_MESSAGES_MAX);
  private readonly sequences = new Float64Array(TCP_MESSAGES_MAX);

  push(sequence: number, clock: number): void {
    const at = (this.head + this.size++) % TCP_MESSAGES_MAX;
    this.writtenAt[at] = clock;
    this.sequences[at] = sequence;
  }

  get oldestWrittenAt(): number {
    return this.writtenAt[this.head];
  }

  get oldestSequence(): number {
    return this.sequences[this.head];
  }

  shift(): void {
    this.head = (this.head + 1) % TCP_MESSAGES_MAX;
    this.size--;
  }

  clear(): void {
    this.size = 0;
  }
}

/** What the last messages came to, for the caller to read. Addresses are signed words. */
export class Outcome {
  errorBy = 0;
  replyTtl = 0;
  server = NONE;
  peerIp = 0;
  peerPort = 0;
  localIp = 0;
  localPort = 0;
  reply: Uint8Array = NOTHING;

  clear(): void {
    this.errorBy = this.replyTtl = this.peerIp = this.peerPort = this.localIp = this.localPort = 0;
    this.server = NONE;
    this.reply = NOTHING;
  }

  /** A server answers. */
  see(server: Namespace, peerIp: number, peerPort: number, localIp: number, localPort: number): void {
    this.server = server.index;
    this.peerIp = peerIp;
    this.peerPort = peerPort;
    this.localIp = localIp;
    this.localPort = localPort;
  }

  snapshot(addresses: AddressTable): FlowOutcome {
    const { errorBy, peerIp, localIp, replyTtl, server, peerPort, localPort } = this;
    const ipv4 = (address: number) => (isIpv6(address) ? 0 : address >>> 0);
    const ipv6 = (address: number) => (isIpv6(address) ? addresses.wordsOf(address) : NO_ADDRESS6);
    return {
      errorBy: ipv4(errorBy),
      replyTtl,
      server,
      peerIp: ipv4(peerIp),
      peerPort,
      localIp: ipv4(localIp),
      localPort,
      errorBy6: ipv6(errorBy),
      peerIp6: ipv6(peerIp),
      localIp6: ipv6(localIp),
      reply: this.reply.slice(),
    };
  }
}

/** Traffic from one process to another: its record, where its source stands, and what was measured. */
export class Flow {
  record: FlowRecord;
  namespace: Namespace;
  random: Random;
  /** Counts uses of the index, so that a replaced flow's source event is recognised. */
  generation = 0;
  state = FlowState.Waiting;
  error = FlowError.None;
  /** Number of the next message. */
  sequence = 0;

  /** The request of a closed loop that waits for its answer, and until when. */
  outstanding = NO_REQUEST;
  deadline = -1;
  dueAt = -1;
  timersQueued = 0;

  /** Slots that hold packets of the flow. */
  live = 0;
  /** Packets that are still to be traced. */
  traceBudget = 0;
  readonly messages = new MessageRing();
  connection: Connection | null = null;
  /** Of the next connection. */
  sourcePort = 0;

  readonly requests = new SequenceWindow();
  readonly answers = new SequenceWindow();
  readonly latency = new Histogram();
  sent = 0;
  sentBytes = 0;
  delivered = 0;
  deliveredBytes = 0;
  answered = 0;
  answeredBytes = 0;
  duplicates = 0;
  reordered = 0;
  timeouts = 0;
  errors = 0;
  retransmits = 0;
  blocked = 0;
  readonly outcome = new Outcome();

  constructor(
    readonly index: number,
    record: FlowRecord,
    public destination: number,
    namespace: Namespace,
    random: Random,
  ) {
    this.record = record;
    this.namespace = namespace;
    this.random = random;
  }

  /** Whether each message has a connection of its own. */
  get isExchange(): boolean {
    const { kind, protocol } = this.record;
    return kind === FlowKind.Exchange || (kind === FlowKind.Query && protocol === PROTOCOL_TCP);
  }

  /** Another flow takes the index: everything starts anew but the count of packets that exist. */
  replace(record: FlowRecord, destination: number, namespace: Namespace, random: Random): void {
    this.record = record;
    this.namespace = namespace;
    this.destination = destination;
    this.random = random;
    this.generation++;
    this.state = FlowState.Waiting;
    this.error = FlowError.None;
    this.sequence = 0;
    this.outstanding = NO_REQUEST;
    this.deadline = -1;
    this.messages.clear();
    this.requests.clear();
    this.answers.clear();
    this.latency.clear();
    this.sent = this.sentBytes = 0;
    this.delivered = this.deliveredBytes = 0;
    this.answered = this.answeredBytes = 0;
    this.duplicates = this.reordered = this.timeouts = this.errors = this.retransmits = this.blocked = 0;
    this.outcome.clear();
  }

  tally(): FlowTally {
    const { sent, delivered, answered } = this;
    return { sent, delivered, answered, inFlight: this.record.protocol === PROTOCOL_TCP ? this.messages.size : this.live };
  }

  snapshot(addresses: AddressTable): FlowCounters {
    // Field by field: V8 makes slow objects of what is spread in front of others.
    const { sent, delivered, answered, inFlight } = this.tally();
    return {
      sent,
      sentBytes: this.sentBytes,
      delivered,
      deliveredBytes: this.deliveredBytes,
      answered,
      answeredBytes: this.answeredBytes,
      duplicates: this.duplicates,
      reordered: this.reordered,
      timeouts: this.timeouts,
      errors: this.errors,
      retransmits: this.retransmits,
      blocked: this.blocked,
      inFlight,
      state: this.state,
      error: this.error,
      latency: this.latency.snapshot(),
      outcome: this.outcome.snapshot(addresses),
    };
  }
}
