/**
 * Packet slots. A slot is what the kernel keeps in an sk_buff, headroom, the frame, and room for loads and stores of 16 bytes
 * that begin inside the frame. Headers that are put in front of a frame grow into the headroom (skb_push), and taking them off again
 * moves nothing either (skb_pull). Slots that were never used follow each other in memory; freed ones are used again first.
 */
import { PACKET_HEADROOM } from "../abi/limits";
import { NONE } from "../abi/version";
import { clock } from "../simulation/clock";
import { carriesEntry, detach, tupleOf } from "../netfilter/state";
import { hold, trackedOf } from "../tables/conntrack";
import { Device, noDevice } from "../tables/device";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { reserve } from "./arena";
import { copyBytes } from "../wire/bytes";

export enum PacketType {
  Host = 0,
  Broadcast,
  Multicast,
  OtherHost,
}

/** In `Packet.received`: its frame came for the bridge's own MAC, and only then got another destination. */
export const FOR_BRIDGE: u8 = 2;

/** Likewise: it is for an ipvlan device in mode l3s, `Packet.out`; the stack of the device below works on it. */
export const FOR_HOLDER: u8 = 4;

/** What IpOutput does with DF (IP_PMTUDISC_*). */
export enum DontFragment {
  Never = 0,
  /** Set it unless the datagram is too long. */
  Want,
  Always,
}

/** Beside it, once IpOutput has done so: IPVS has sent the packet on in this namespace (ipvs_property). */
export const BALANCED: u8 = 4;
/** Beside it, once IpOutput has looked: IPsec will encrypt the packet (its policy is `policyOf`), has encrypted it, or it came encrypted. */
export const HAS_POLICY: u8 = 8;
export const TRANSFORMED: u8 = 16;
export const SECPATH: u8 = 32;
/** Beside it: the packet comes down from an ipvlan device in mode l3 or l3s, on its way out of the namespace below. */
export const CROSSING: u8 = 64;

@unmanaged
export class Packet {
  /** Address of the IP header: in the slot, in the scratch area, or in a reassembly buffer. */
  network: usize;
  /** Bytes of the frame, counted from where its Ethernet header is or will be. */
  length: u32;
  /** Where it is now. */
  device: Device;
  /** Argument of the next node: the device that it concerns. */
  out: Device;
  flow: u32;
  sequence: u32;
  bornAt: i64;
  /** Its number among the traced packets, or NONE. */
  trace: u32;
  /** Argument of IpFragment; 0: the packet need not be cut. */
  mtu: u32;
  /** What comes next: on the way out the gateway or destination on the link; in a queue, or in the list of free slots, the next packet. */
  next: u32;
  /** Index of the namespace whose stack made it; set until IpOutput. */
  namespace: u32;
  /** Four bytes, cleared at once. */
  type: u8;
  response: u8;
  /** 1: it has an Ethernet header. */
  framed: u8;
  /** 1: Receive has seen it; with FOR_BRIDGE while it is bridged. */
  received: u8;
  /** Four more. */
  routeType: u8;
  /** `DontFragment`, and BALANCED. */
  dontFragment: u8;
  /** 1: made by its flow's source, whose process sees the errors. */
  fromSource: u8;
  /** Where the frame begins, in pairs of bytes from the slot's start; 0: the slot is free. */
  head: u8;
  /** Mark of the packet filter, and what else it carries of it (`netfilter/state.ts`); cleared at once. */
  mark: u32;
  filter: u32;
}

/** What is known of an IPv6 packet; numbers of addresses, and places counted from its header. */
@unmanaged
export class Notes {
  source: u32;
  destination: u32;
  /** What lies behind all headers, where it begins, and where the byte is that says so. */
  protocol: u32;
  transport: u32;
  nextAt: u32;
  /** Of a fragment: where its header is; else 0. And where the byte is that says so. */
  fragment: u32;
  fragmentNextAt: u32;
}

const FIELDS: usize = 64;
/** In the headroom, behind the longest headers that are kept there; the first, two words, is of packets without an Ethernet header. */
const POLICY: usize = FIELDS + 48;
const NOTES: usize = FIELDS + 96;
/** What a packet that is none takes: its fields and notes. */
export const GHOST_BYTES: i32 = 192;
const FRAME: usize = FIELDS + <usize>PACKET_HEADROOM;
/** `Packet.head` of a new packet, and the least one: what a reassembled datagram's headers are kept in stays free. */
const HEAD: u32 = <u32>(FRAME >> 1);
const HEAD_MIN: u32 = <u32>((FIELDS + 48) >> 1);
const TAIL: u32 = 16;
/** A UDP datagram may be longer than a slot: it is built here and leaves in pieces. */
const SCRATCH_BYTES: usize = 65536 + 64;
const SCRATCH = memory.data(16 + 65536 + 64 + 16, 16) + 16;

let first: usize = 0;
let stride: usize = 0;
let slots: u32 = 0;
/** Slots below this one have been used. */
let fresh: usize = 0;
let end: usize = 0;
let free: usize = 0;
/** Bytes of a frame that a slot holds. */
export let frameBytes: u32 = 0;
export let packetsAlive: u32 = 0;
export let packetsPeak: u32 = 0;
let scratchOwner: usize = 0;

export function reservePool(packets: u32, bytes: u32): void {
  if (NOTES + offsetof<Notes>() > FRAME || NOTES + offsetof<Notes>() > <usize>GHOST_BYTES) ERROR("Notes outgrew the headroom");
  if (offsetof<Packet>() > FIELDS) ERROR("Packet outgrew the bytes in front of the headroom");
  frameBytes = bytes;
  slots = packets;
  // An odd number of cache lines: slots that are used together do not fall into the same sets.
  stride = ((FRAME + <usize>bytes + TAIL + 63) & ~63) | 64;
  first = reserve(packets, stride);
  fresh = first;
  end = first + <usize>packets * stride;
}

/** A slot, or null. Its packet has no flow, no device, and is as long as a frame that carries `total` bytes of IP. */
@inline export function takePacket(total: u32): Packet {
  let address = free;
  if (address != 0) {
    free = <usize>changetype<Packet>(address).next;
  } else {
    if (fresh == end) return changetype<Packet>(0);
    address = fresh;
    fresh += stride;
  }
  const alive = packetsAlive + 1;
  packetsAlive = alive;
  if (alive > packetsPeak) packetsPeak = alive;
  const packet = changetype<Packet>(address);
  packet.network = address + FRAME + ETHERNET_HEADER;
  packet.length = total + ETHERNET_HEADER;
  packet.device = noDevice;
  packet.flow = NONE;
  packet.sequence = 0;
  packet.bornAt = clock;
  packet.trace = NONE;
  store<u32>(address, 0, offsetof<Packet>("type"));
  store<u32>(address, HEAD << 24, offsetof<Packet>("routeType"));
  store<u64>(address, 0, offsetof<Packet>("mark"));
  return packet;
}

/** As takePacket, for a datagram made here, which may be longer than a slot. Null also if the scratch area is taken. */
@inline export function takeDatagram(total: u32): Packet {
  if (total + ETHERNET_HEADER <= frameBytes) return takePacket(total);
  return takeOversize(total);
}

function takeOversize(total: u32): Packet {
  if (scratchOwner != 0) return changetype<Packet>(0);
  const packet = takePacket(total);
  if (changetype<usize>(packet) == 0) return packet;
  scratchOwner = changetype<usize>(packet);
  packet.network = SCRATCH;
  return packet;
}

export function freePacket(packet: Packet): void {
  const address = changetype<usize>(packet);
  if (scratchOwner == address) scratchOwner = 0;
  packet.head = 0;
  if (packet.filter != 0) detach(packet);
  packet.next = <u32>free;
  free = address;
  packetsAlive--;
}

/** A slot with the same frame and fields, or null. The frame must lie in the slot. */
export function copyPacket(packet: Packet): Packet {
  const copy = takePacket(packet.length - ETHERNET_HEADER);
  if (changetype<usize>(copy) == 0) return copy;
  const network = copy.network;
  memory.copy(changetype<usize>(copy), changetype<usize>(packet), FIELDS);
  copy.network = network;
  copy.head = <u8>HEAD;
  if (carriesEntry(copy)) hold(trackedOf(tupleOf(copy)));
  copyBytes(frameOf(copy), frameOf(packet), packet.length);
  if (load<u8>(network) >> 4 == 6) memory.copy(changetype<usize>(notesOf(copy)), changetype<usize>(notesOf(packet)), offsetof<Notes>());
  return copy;
}

/** Of an IPv6 packet. */
@inline export function notesOf(packet: Packet): Notes {
  return changetype<Notes>(changetype<usize>(packet) + NOTES);
}

/** Address of the policy of a packet that HAS_POLICY. */
@inline export function policyOf(packet: Packet): usize {
  return <usize>load<u32>(changetype<usize>(packet) + POLICY);
}

@inline export function setPolicy(packet: Packet, policy: usize): void {
  packet.dontFragment |= HAS_POLICY;
  store<u32>(changetype<usize>(packet) + POLICY, <u32>policy);
}

/** MTU of the way out, of a packet that may get a policy. */
@inline export function noteWayMtu(packet: Packet, mtu: u32): void {
  store<u32>(changetype<usize>(packet) + POLICY, mtu, 4);
}

@inline export function wayMtuOf(packet: Packet): u32 {
  return load<u32>(changetype<usize>(packet) + POLICY, 4);
}

/** Address of the Ethernet header. */
@inline export function frameOf(packet: Packet): usize {
  return changetype<usize>(packet) + (<usize>packet.head << 1);
}

/** An even number of bytes are put in front of a frame that is no longer than a slot holds; its new beginning. */
@inline export function pushFront(packet: Packet, bytes: u32): usize {
  if (<u32>packet.head < HEAD_MIN + (bytes >> 1)) recede(packet);
  packet.head -= <u8>(bytes >> 1);
  packet.length += bytes;
  return frameOf(packet);
}

/** An even number of bytes in front of the frame go. */
@inline export function pullFront(packet: Packet, bytes: u32): void {
  packet.length -= bytes;
  const head = <u32>packet.head + (bytes >> 1);
  if (head > <u32>u8.MAX_VALUE) advance(packet, bytes);
  else packet.head = <u8>head;
}

/** So many headers came off that the frame has to move to where that of a new packet is. */
function advance(packet: Packet, bytes: u32): void {
  const from = frameOf(packet) + bytes;
  packet.head = <u8>HEAD;
  memory.copy(frameOf(packet), from, packet.length);
}

/**
 * Opens a gap behind the network header of a packet that was made here and has no Ethernet header yet; it is `total` bytes long
 * afterwards. False: that is more than a slot holds, and the scratch area is taken.
 */
export function openGap(packet: Packet, header: u32, gap: u32, total: u32): bool {
  const from = packet.network;
  const payload = packet.length - ETHERNET_HEADER - header;
  if (scratchOwner == changetype<usize>(packet)) {
    packet.network = from - gap;
    memory.copy(packet.network, from, header);
  } else if (total + ETHERNET_HEADER <= frameBytes) {
    packet.network = pushFront(packet, gap) + ETHERNET_HEADER;
    memory.copy(packet.network, packet.network + gap, header);
  } else if (scratchOwner == 0) {
    scratchOwner = changetype<usize>(packet);
    packet.network = SCRATCH;
    memory.copy(SCRATCH, from, header);
    memory.copy(SCRATCH + header + gap, from + header, payload);
  } else {
    return false;
  }
  packet.length = total + ETHERNET_HEADER;
  return true;
}

/** A packet whose bytes lie elsewhere gets room for a frame as long as any. */
export function emptyFrame(packet: Packet): usize {
  packet.head = <u8>HEAD;
  return frameOf(packet);
}

/** A frame that grew into the headroom makes room for what is noted there. */
@inline export function freeHeadroom(packet: Packet): void {
  if (<u32>packet.head < HEAD) recede(packet);
}

/** Moves the frame back to where that of a new packet is. */
function recede(packet: Packet): void {
  const from = frameOf(packet);
  packet.head = <u8>HEAD;
  memory.copy(frameOf(packet), from, packet.length);
}

/** Free bytes in front of the frame, for notes that a packet carries while it waits. */
@inline export function headroomOf(packet: Packet): usize {
  return changetype<usize>(packet) + FIELDS;
}

/** Bytes of the frame; from the IP header while there is no Ethernet header. */
@inline export function frameLength(packet: Packet): u32 {
  return packet.framed != 0 ? packet.length : packet.length - ETHERNET_HEADER;
}

/** How many live packets belong to each flow: adds 1 at `counts` + flow × 4. */
export function countByFlow(counts: usize): void {
  for (let address = first; address != fresh; address += stride) {
    const packet = changetype<Packet>(address);
    if (packet.head == 0 || packet.flow == NONE) continue;
    const count = counts + (<usize>packet.flow << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}
