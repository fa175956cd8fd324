import { FlowKind, SocketRole } from "../../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../assembly/abi/protocol";
import { NONE } from "../../../assembly/abi/version";
import type { FlowTally, Nanoseconds, Tally } from "../../engine/engine";
import type { FlowRecord, PayloadRecord, ProgramPatch, SocketRecord } from "../../engine/program";
import type { FlowTable } from "../flow-table";
import { STREAM_TIMEOUT } from "./timing";
import { type Purpose, VolumeBook } from "./volumes";
import { wireBytes } from "./wire/sealed";

/** Where a host's processes are. */
export interface HostPlace {
  readonly host: string;
  readonly namespace: number;
  readonly ip: number;
}

/** A datagram, a connection for one message (`exchange`), or one that stays open. */
export interface Message {
  readonly purpose: Purpose;
  readonly from: HostPlace;
  readonly to: HostPlace;
  readonly transport: "datagram" | "exchange" | "stream";
  readonly port: number;
  readonly said: PayloadRecord;
  /** Datagrams need none. */
  readonly answer?: PayloadRecord;
  /** Again and again; once unless given. */
  readonly intervalNs?: Nanoseconds;
}

/** A message on its way, or a flow of them. */
export interface Shipment {
  readonly message: Message;
  readonly sentAt: Nanoseconds;
  readonly slot: number;
}

interface Slot {
  readonly flow: number;
  readonly socket: number;
  readonly port: number;
  /** Whether connections of one message each use it, which are long. */
  readonly isForExchanges: boolean;
}

interface Indexed<T> {
  readonly index: number;
  readonly record: T;
}

/** Processes do not take these ports for themselves: net.ipv4.ip_local_port_range ends at 60999. */
const FIRST_PORT = 61_000;
/** What nobody has answered for so long is lost; its place is taken when nothing of it is alive any more. */
const LOST_AFTER: Nanoseconds = 2e9;

/** Lets management messages go as packets: each is a flow of the engine, in places that are used again and again. */
export class Carrier {
  readonly #flows: FlowTable;
  readonly #slots: Slot[] = [];
  readonly #free: number[] = [];
  /** Places that are free when no packet of theirs is alive. */
  readonly #emptying: number[] = [];
  readonly #standing = new Map<string, Shipment>();
  /** By place: what is under way, and not counted yet. */
  readonly #open = new Map<number, Shipment>();
  readonly #volumes = new VolumeBook();
  #flowRecords: Indexed<FlowRecord>[] = [];
  #socketRecords: Indexed<SocketRecord>[] = [];
  #payloads: Indexed<PayloadRecord>[] = [];

  constructor(flows: FlowTable) {
    this.#flows = flows;
  }

  /** Sends one message. */
  send(message: Message, now: Nanoseconds): Shipment {
    return this.#ship(message, now, this.#takeSlot(message));
  }

  /** Begins a flow of messages in the place of the one before of that name. */
  stand(name: string, message: Message, now: Nanoseconds, counters: Tally | undefined): Shipment {
    const before = this.#standing.get(name);
    if (before) this.#settle(before, counters);
    const shipment = this.#ship(message, now, before?.slot ?? this.#takeSlot(message));
    this.#standing.set(name, shipment);
    return shipment;
  }

  /** Ends a flow of messages. */
  dismiss(name: string, now: Nanoseconds, counters: Tally | undefined): void {
    const before = this.#standing.get(name);
    if (before === undefined) return;
    this.#settle(before, counters);
    this.#standing.delete(name);
    this.#silence(before, now);
  }

  standing(name: string): Shipment | undefined {
    return this.#standing.get(name);
  }

  /** What has come of it. */
  stateOf({ slot }: Shipment, counters: Tally): FlowTally | undefined {
    return counters.flows[this.#slots[slot]!.flow];
  }

  isLost({ sentAt, message }: Shipment, now: Nanoseconds): boolean {
    return now - sentAt >= (message.transport === "exchange" ? STREAM_TIMEOUT : LOST_AFTER);
  }

  release(shipment: Shipment, counters: Tally): void {
    this.#settle(shipment, counters);
    this.#emptying.push(shipment.slot);
  }

  /** Takes back what has not been sent yet. */
  recall(shipment: Shipment, now: Nanoseconds): void {
    this.#open.delete(shipment.slot);
    this.#silence(shipment, now);
  }

  /** Sockets that listen for others' messages. */
  listen(namespace: number, port: number, protocol: "tcp" | "udp"): void {
    const record: SocketRecord = { namespace, protocol: protocol === "tcp" ? PROTOCOL_TCP : PROTOCOL_UDP, ip: 0, port, role: SocketRole.Responder, flow: NONE };
    const index = this.#flows.listen(record);
    if (index !== undefined) this.#socketRecords.push({ index, record });
  }

  /** What the engine has to be told; undefined: nothing. */
  takePatch(counters: Tally | undefined): ProgramPatch | undefined {
    for (const slot of this.#emptying.splice(0)) {
      const isEmpty = counters !== undefined && (counters.flows[this.#slots[slot]!.flow]?.inFlight ?? 0) === 0;
      (isEmpty ? this.#free : this.#emptying).push(slot);
    }
    const [flows, sockets, payloads] = [this.#flowRecords, this.#socketRecords, this.#payloads];
    if (flows.length === 0 && sockets.length === 0) return undefined;
    this.#flowRecords = [];
    this.#socketRecords = [];
    this.#payloads = [];
    // An engine takes each place once.
    return { payloads: lastOfEach(payloads), flows: lastOfEach(flows), sockets: lastOfEach(sockets) };
  }

  /** What has been sent so far. */
  volumes(counters: Tally): VolumeBook {
    const book = this.#volumes.copy();
    for (const shipment of this.#open.values()) addTo(book, shipment, this.stateOf(shipment, counters));
    return book;
  }

  #settle(shipment: Shipment, counters: Tally | undefined): void {
    if (this.#open.get(shipment.slot) !== shipment) return;
    this.#open.delete(shipment.slot);
    if (counters) addTo(this.#volumes, shipment, this.stateOf(shipment, counters));
  }

  /** The flow says nothing more. */
  #silence({ message, slot }: Shipment, now: Nanoseconds): void {
    const { flow, port } = this.#slots[slot]!;
    this.#flowRecords.push({ index: flow, record: { ...recordOf(message, slot, port, now), stopNs: now, count: 0 } });
    this.#emptying.push(slot);
  }

  #takeSlot({ transport }: Message): number {
    const isForExchanges = transport === "exchange";
    const at = this.#free.findIndex((slot) => this.#slots[slot]!.isForExchanges === isForExchanges);
    if (at !== -1) return this.#free.splice(at, 1)[0]!;
    const { flow, socket } = this.#flows.reserve("management");
    return this.#slots.push({ flow, socket, port: FIRST_PORT + this.#slots.length, isForExchanges }) - 1;
  }

  #ship(message: Message, now: Nanoseconds, number: number): Shipment {
    const { flow, socket, port } = this.#slots[number]!;
    const record = recordOf(message, number, port, now);
    this.#flowRecords.push({ index: flow, record });
    this.#socketRecords.push({ index: socket, record: { namespace: record.namespace, protocol: record.protocol, ip: 0, port, role: SocketRole.Client, flow } });
    this.#payloads.push({ index: 2 * number, record: message.said });
    if (message.answer) this.#payloads.push({ index: 2 * number + 1, record: message.answer });
    const shipment = { message, sentAt: now, slot: number };
    this.#open.set(number, shipment);
    return shipment;
  }
}

function addTo(book: VolumeBook, { message }: Shipment, seen: FlowTally | undefined): void {
  const { purpose, from, to, said, answer } = message;
  const { sent = 0, answered = 0 } = seen ?? {};
  book.add(from.host, purpose, sent, sent * wireBytes(said));
  if (answer) book.add(to.host, purpose, answered, answered * wireBytes(answer));
}

function recordOf({ from, to, transport, port, said, answer, intervalNs = 0 }: Message, slot: number, sourcePort: number, now: Nanoseconds): FlowRecord {
  const asks = transport === "exchange" ? FlowKind.Exchange : FlowKind.Request;
  return {
    kind: answer === undefined ? FlowKind.Constant : asks,
    protocol: transport === "datagram" ? PROTOCOL_UDP : PROTOCOL_TCP,
    namespace: from.namespace,
    destination: to.ip,
    destinationPort: port,
    sourcePort,
    bytes: wireBytes(said),
    responseBytes: answer === undefined ? 0 : wireBytes(answer),
    count: intervalNs === 0 ? 1 : NONE,
    dontFragment: 0,
    intervalNs,
    onNs: 0,
    offNs: 0,
    startNs: now,
    stopNs: Number.MAX_SAFE_INTEGER,
    thinkNs: 0,
    timeoutNs: STREAM_TIMEOUT,
    message: 2 * slot,
    ...(answer && { answer: 2 * slot + 1 }),
  };
}

function lastOfEach<T extends { readonly index: number }>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [entry.index, entry])).values()];
}
