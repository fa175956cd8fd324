import { Node } from "../../../../assembly/abi/node";
import type { Flow } from "../tables/flow";
import { attach } from "../netfilter/entry";
import type { ConntrackTable } from "../netfilter/conntrack";
import type { Memory } from "./memory";
import { Packet, PacketType, PathMtuDiscovery, UNTRACED } from "./packet";

/** The packets of a simulation: `capacity.packets` slots, taken and freed without allocation. */
export class PacketPool {
  readonly packets: readonly Packet[];
  peak = 0;
  private readonly memory: Memory;
  private readonly free: Packet[];
  /** Whose bytes are in the scratch area. */
  private scratchOwner: Packet | null = null;

  constructor(
    memory: Memory,
    capacity: number,
    private readonly conntrack: ConntrackTable,
  ) {
    this.memory = memory;
    this.packets = Array.from({ length: capacity }, (_, index) => new Packet(index, memory.frame(index)));
    this.free = [...this.packets].reverse();
  }

  get alive(): number {
    return this.packets.length - this.free.length;
  }

  /** A fresh packet of the flow, or null if no slot is free. */
  take(flow: Flow | null, clock: number): Packet | null {
    const packet = this.free.pop();
    if (packet === undefined) return null;
    const alive = this.packets.length - this.free.length;
    if (alive > this.peak) this.peak = alive;
    if (flow !== null) flow.live++;
    packet.network = packet.frame + 14;
    packet.datagramLength = 0;
    packet.frameLength = 0;
    packet.hasEthernet = false;
    packet.device = null;
    packet.flow = flow;
    packet.sequence = 0;
    packet.bornAt = clock;
    packet.response = false;
    packet.type = PacketType.Host;
    packet.received = false;
    packet.trace = UNTRACED;
    packet.payloadLength = 0;
    packet.pathMtuDiscovery = PathMtuDiscovery.Dont;
    packet.entry = Node.Done;
    packet.target = null;
    packet.namespace = null;
    packet.isMessage = false;
    packet.crossing = false;
    packet.inner = null;
    packet.isIpv6 = false;
    return packet;
  }

  /** A copy of the whole frame and of every field, or null. */
  copy(original: Packet): Packet | null {
    const packet = this.take(original.flow, original.bornAt);
    if (packet === null) return null;
    copyFields(packet, original);
    if (original.filtered) copyFilterState(packet, original);
    packet.frameLength = original.frameLength;
    packet.datagramLength = original.datagramLength;
    packet.hasEthernet = original.hasEthernet;
    this.memory.copy(packet.frame, original.frame, original.hasEthernet ? original.frameLength : 14 + original.frameLength);
    return packet;
  }

  /** Forgets what netfilter knows of the packet, as when it goes over a wire. */
  unfilter(packet: Packet): void {
    this.conntrack.forget(packet);
    packet.filtered = packet.bridged = packet.defragmenting = packet.balanced = false;
    packet.transformed = packet.secpath = false;
    packet.policy = null;
    packet.mark = packet.fragmentMax = 0;
  }

  /** nf_reset_ct: the packet belongs to no connection any more. */
  disconnect(packet: Packet): void {
    this.conntrack.forget(packet);
  }

  release(packet: Packet): void {
    if (packet.filtered) this.unfilter(packet);
    if (packet.flow !== null) packet.flow.live--;
    packet.flow = null;
    packet.device = null;
    packet.target = null;
    packet.namespace = null;
    if (this.scratchOwner === packet) this.scratchOwner = null;
    this.free.push(packet);
  }

  /** Hands a packet over to another flow. */
  assign(packet: Packet, flow: Flow | null): void {
    if (packet.flow !== null) packet.flow.live--;
    if (flow !== null) flow.live++;
    packet.flow = flow;
  }

  get scratchIsFree(): boolean {
    return this.scratchOwner === null;
  }

  /** Puts the packet's bytes into the scratch area instead of its slot. */
  useScratch(packet: Packet): void {
    this.scratchOwner = packet;
    packet.network = this.memory.scratch;
  }
}

/** Copies and pieces of a packet carry its connection, too. */
export function copyFilterState(packet: Packet, original: Packet): void {
  packet.filtered = true;
  packet.mark = original.mark;
  packet.transformed = original.transformed;
  packet.secpath = original.secpath;
  packet.bridged = original.bridged;
  packet.balanced = original.balanced;
  packet.ctState = original.ctState;
  packet.ctReply = original.ctReply;
  if (original.conntrack !== null) attach(packet, original.conntrack, original.ctState, original.ctReply);
}

/** What copies and fragments have in common with their original, bytes apart. */
export function copyFields(packet: Packet, original: Packet): void {
  packet.device = original.device;
  packet.sequence = original.sequence;
  packet.bornAt = original.bornAt;
  packet.response = original.response;
  packet.type = original.type;
  packet.received = original.received;
  packet.trace = original.trace;
  packet.isIpv6 = original.isIpv6;
  if (original.isIpv6) copyHeaders6(packet, original);
}

function copyHeaders6(packet: Packet, original: Packet): void {
  packet.source6 = original.source6;
  packet.destination6 = original.destination6;
  packet.protocol6 = original.protocol6;
  packet.transport = packet.network + original.transport - original.network;
  packet.fragmentHeader = original.fragmentHeader === 0 ? 0 : packet.network + original.fragmentHeader - original.network;
}
