import { FlowKind, SocketRole } from "../../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../assembly/abi/protocol";
import { NONE } from "../../../assembly/abi/version";
import type { Counters, FlowCounters, Nanoseconds } from "../../engine/engine";
import type { FlowRecord, ProgramPatch, SocketRecord } from "../../engine/program";
import type { FlowTable } from "../flow-table";
import { STREAM_TIMEOUT } from "./sizes";

/** What management traffic is for. */
export type Purpose = "probes" | "gossip" | "sync" | "heartbeats";

/** Where a host's processes are. */
export interface HostPlace {
  readonly namespace: number;
  readonly ip: number;
}

/** A message with an answer: a datagram, a connection for one message (`exchange`), or one that stays open. */
export interface Message {
  readonly purpose: Purpose;
  readonly from: HostPlace;
  readonly to: HostPlace;
  readonly transport: "datagram" | "exchange" | "stream";
  readonly port: number;
  readonly bytes: number;
  readonly answerBytes: number;
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
}

export interface Volume {
  readonly messages: number;
  readonly bytes: number;
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
  readonly #sent = new Map<Purpose, { messages: number; bytes: number }>();
  #flowRecords: { readonly index: number; readonly record: FlowRecord }[] = [];
  #socketRecords: { readonly index: number; readonly record: SocketRecord }[] = [];

  constructor(flows: FlowTable) {
    this.#flows = flows;
  }

  /** Sends one message. */
  send(message: Message, now: Nanoseconds): Shipment {
    this.#count(message, 1);
    return this.#ship(message, now, this.#takeSlot());
  }

  /** Begins a flow of messages in the place of the one before of that name. */
  stand(name: string, message: Message, now: Nanoseconds, counters: Counters | undefined): Shipment {
    const before = this.#standing.get(name);
    if (before) this.#count(before.message, counters?.flows[this.#slots[before.slot]!.flow]?.sent ?? 0);
    const shipment = this.#ship(message, now, before?.slot ?? this.#takeSlot());
    this.#standing.set(name, shipment);
    return shipment;
  }

  standing(name: string): Shipment | undefined {
    return this.#standing.get(name);
  }

  /** What has come of it. */
  stateOf({ slot }: Shipment, counters: Counters): FlowCounters | undefined {
    return counters.flows[this.#slots[slot]!.flow];
  }

  isLost({ sentAt, message }: Shipment, now: Nanoseconds): boolean {
    return now - sentAt >= (message.transport === "exchange" ? STREAM_TIMEOUT : LOST_AFTER);
  }

  release({ slot }: Shipment): void {
    this.#emptying.push(slot);
  }

  /** Sockets that listen for others' messages. */
  listen(namespace: number, port: number, protocol: "tcp" | "udp"): void {
    const record: SocketRecord = { namespace, protocol: protocol === "tcp" ? PROTOCOL_TCP : PROTOCOL_UDP, ip: 0, port, role: SocketRole.Responder, flow: NONE };
    const index = this.#flows.listen(record);
    if (index !== undefined) this.#socketRecords.push({ index, record });
  }

  /** What the engine has to be told; undefined: nothing. */
  takePatch(counters: Counters | undefined): ProgramPatch | undefined {
    for (const slot of this.#emptying.splice(0)) {
      const isEmpty = counters !== undefined && (counters.flows[this.#slots[slot]!.flow]?.inFlight ?? 0) === 0;
      (isEmpty ? this.#free : this.#emptying).push(slot);
    }
    const [flows, sockets] = [this.#flowRecords, this.#socketRecords];
    if (flows.length === 0 && sockets.length === 0) return undefined;
    this.#flowRecords = [];
    this.#socketRecords = [];
    // An engine takes each place once.
    return { flows: lastOfEach(flows), sockets: lastOfEach(sockets) };
  }

  /** What has been sent so far: payloads with their answers. */
  volumes(counters: Counters): Record<Purpose, Volume> {
    const totals: Record<Purpose, { messages: number; bytes: number }> = { probes: zero(), gossip: zero(), sync: zero(), heartbeats: zero() };
    for (const [purpose, { messages, bytes }] of this.#sent) totals[purpose] = { messages, bytes };
    for (const shipment of this.#standing.values()) {
      const { purpose, bytes, answerBytes } = shipment.message;
      const sent = this.stateOf(shipment, counters)?.sent ?? 0;
      totals[purpose].messages += sent;
      totals[purpose].bytes += sent * (bytes + answerBytes);
    }
    return totals;
  }

  #count({ purpose, bytes, answerBytes }: Message, times: number): void {
    const total = this.#sent.get(purpose) ?? zero();
    this.#sent.set(purpose, total);
    total.messages += times;
    total.bytes += times * (bytes + answerBytes);
  }

  #takeSlot(): number {
    const free = this.#free.shift();
    if (free !== undefined) return free;
    const { flow, socket } = this.#flows.reserve("management");
    return this.#slots.push({ flow, socket, port: FIRST_PORT + this.#slots.length }) - 1;
  }

  #ship(message: Message, now: Nanoseconds, number: number): Shipment {
    const { flow, socket, port } = this.#slots[number]!;
    const record = recordOf(message, port, now);
    this.#flowRecords.push({ index: flow, record });
    this.#socketRecords.push({ index: socket, record: { namespace: record.namespace, protocol: record.protocol, ip: 0, port, role: SocketRole.Client, flow } });
    return { message, sentAt: now, slot: number };
  }
}

function recordOf({ from, to, transport, port, bytes, answerBytes, intervalNs = 0 }: Message, sourcePort: number, now: Nanoseconds): FlowRecord {
  return {
    kind: transport === "exchange" ? FlowKind.Exchange : FlowKind.Request,
    protocol: transport === "datagram" ? PROTOCOL_UDP : PROTOCOL_TCP,
    namespace: from.namespace,
    destination: to.ip,
    destinationPort: port,
    sourcePort,
    bytes,
    responseBytes: answerBytes,
    count: intervalNs === 0 ? 1 : NONE,
    dontFragment: 0,
    intervalNs,
    onNs: 0,
    offNs: 0,
    startNs: now,
    stopNs: Number.MAX_SAFE_INTEGER,
    thinkNs: 0,
    timeoutNs: STREAM_TIMEOUT,
  };
}

function lastOfEach<T extends { readonly index: number }>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [entry.index, entry])).values()];
}

function zero(): { messages: number; bytes: number } {
  return { messages: 0, bytes: 0 };
}
