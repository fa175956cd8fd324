import { CTSTATE_DNAT, CTSTATE_ESTABLISHED, CTSTATE_INVALID, CTSTATE_NEW, CTSTATE_RELATED, CTSTATE_SNAT, CTSTATE_UNTRACKED } from "../../../../assembly/abi/netfilter";
import { PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { Kernel } from "../kernel";
import type { AddressTable } from "../memory/address-table";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Namespace } from "../tables/namespace";
import { read16, read32 } from "../wire/bytes";
import { ICMP_CODE, ICMP_HEADER } from "../wire/icmp";
import { destinationOf, isLaterFragment, protocolOf, sourceOf, transportOf } from "../wire/ip";
import { controlBits, TCP_HEADER } from "../wire/tcp";
import { UDP_HEADER } from "../wire/udp";
import { CtState, type Entry } from "./entry";

/** No device where one could be: no rule's device is this number, NONE (-1) included. */
const NO_DEVICE = -2;

/** What rules can ask of a packet, read once per table. One view serves the whole engine. */
export class PacketView {
  in = NO_DEVICE;
  out = NO_DEVICE;
  namespace: Namespace | null = null;
  /** Of the words behind the numbers of IPv6 addresses. */
  addresses: AddressTable | null = null;
  isIpv6 = false;
  source = 0;
  destination = 0;
  protocol = 0;
  hasPorts = false;
  sourcePort = 0;
  destinationPort = 0;
  /** -1: none. */
  icmpType = -1;
  icmpCode = 0;
  tcpFlags = -1;
  mark = 0;
  balanced = false;
  /** CTSTATE_ bits. */
  states = 0;
  entry: Entry | null = null;
  /** It came by ESP; a policy asks for ESP. */
  cameSealed = false;
  willBeSealed = false;
  /** What is behind the IP header, but of later fragments. */
  private bytes: Uint8Array | null = null;
  private transport = 0;
  private available = 0;
  isReply = false;

  setDevices(incoming: Device | null, outgoing: Device | null): void {
    this.in = incoming === null ? NO_DEVICE : incoming.index;
    this.out = outgoing === null ? NO_DEVICE : outgoing.index;
  }

  /** Reads the headers as they are now. */
  readHeaders({ memory, addresses }: Kernel, packet: Packet): void {
    const { bytes } = memory;
    const transport = transportOf(bytes, packet);
    const available = packet.network + packet.datagramLength - transport;
    const isLater = isLaterFragment(bytes, packet);
    this.bytes = bytes;
    this.transport = transport;
    this.available = isLater ? 0 : available;
    this.addresses = addresses;
    this.isIpv6 = packet.isIpv6;
    this.source = sourceOf(bytes, packet);
    this.destination = destinationOf(bytes, packet);
    this.protocol = protocolOf(bytes, packet);
    this.hasPorts = false;
    this.sourcePort = this.destinationPort = 0;
    this.icmpType = this.tcpFlags = -1;
    if (isLater) return;
    switch (this.protocol) {
      case PROTOCOL_TCP:
        if (available < TCP_HEADER) return;
        this.tcpFlags = controlBits(bytes, transport);
        this.readPorts(bytes, transport);
        return;
      case PROTOCOL_UDP:
        if (available >= UDP_HEADER) this.readPorts(bytes, transport);
        return;
      case PROTOCOL_ICMP:
      case PROTOCOL_ICMP6:
        if (this.isIpv6 !== (this.protocol === PROTOCOL_ICMP6)) return;
        if (available < ICMP_HEADER) return;
        this.icmpType = bytes[transport];
        this.icmpCode = bytes[transport + ICMP_CODE];
    }
  }

  /** Reads what connection tracking and earlier tables say. */
  readState(packet: Packet): void {
    this.mark = packet.mark;
    this.balanced = packet.balanced;
    this.entry = packet.conntrack;
    this.isReply = packet.ctReply;
    this.cameSealed = packet.secpath;
    this.willBeSealed = packet.policy !== null;
    this.states = statesOf(packet.ctState, packet.conntrack);
  }

  /** Are there four bytes so far behind the IP header? */
  hasWord(offset: number): boolean {
    return offset + 4 <= this.available;
  }

  word(offset: number): number {
    return this.bytes === null ? 0 : read32(this.bytes, this.transport + offset);
  }

  private readPorts(bytes: Uint8Array, transport: number): void {
    this.hasPorts = true;
    this.sourcePort = read16(bytes, transport);
    this.destinationPort = read16(bytes, transport + 2);
  }
}

function statesOf(state: CtState, entry: Entry | null): number {
  if (entry === null) return state === CtState.Untracked ? CTSTATE_UNTRACKED : CTSTATE_INVALID;
  const translated = (entry.snat ? CTSTATE_SNAT : 0) | (entry.dnat ? CTSTATE_DNAT : 0);
  if (state === CtState.New) return translated | CTSTATE_NEW;
  return translated | (state === CtState.Related ? CTSTATE_RELATED : CTSTATE_ESTABLISHED);
}
