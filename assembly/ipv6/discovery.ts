/** Neighbour discovery (ndisc_rcv, ndisc_solicit) and the detection of duplicate addresses (addrconf_dad_work). */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DeviceKind, RouteType } from "../abi/program";
import {
  ADVERTISEMENT_OVERRIDE,
  ADVERTISEMENT_ROUTER,
  ADVERTISEMENT_SOLICITED,
  ICMP6_ADVERTISEMENT,
  ICMP6_SOLICITATION,
  PROTOCOL_ICMP6,
} from "../abi/protocol";
import { NONE } from "../abi/version";
import { drop, dropUnmade } from "../graph/drop";
import { append, consume, finish } from "../graph/walk";
import { addressAt6 } from "../memory/network";
import { frameOf, notesOf, Packet, takePacket } from "../memory/pool";
import { clock, now } from "../simulation/clock";
import { enter, visit } from "../simulation/cpu";
import { bytesOf6, find6, multicastMac6, UNSPECIFIED, writeSolicitedNode6 } from "../tables/address6";
import { Device, DEVICE_NO_ARP } from "../tables/device";
import { Address6, addressOn6, asking, endTentativeStep, firstAddress6, hasUsable6, isNoAddress6, isTentative, stepTentative } from "../tables/interface6";
import { ipv6Of, namespaceAt, namespaceCount } from "../tables/namespace";
import { findNeighbour, isNoNeighbour, Neighbour, NeighbourState } from "../tables/neighbour";
import { VISITS_OUTPUT, VISITS_POSTROUTING } from "../tables/ruleset";
import { load32, store32 } from "../wire/bytes";
import { ETHERNET_HEADER, loadMac, TYPE_IPV6, writeEthernet } from "../wire/ethernet";
import { IP6_HOP_LIMIT, IP6_NEXT, IPV6_HEADER, writeIcmp6Checksum, writeIpv6 } from "../wire/ipv6";
import { enterNeighbour, updateNeighbour } from "../nodes/arp-input";

/** Bytes of a message: header, target, and the option with the MAC of the sender or target (RFC 4861 §4.3, §4.4). */
const MESSAGE: u32 = 24;
const OPTION: u32 = 8;
/** Of an IPv6 packet that carries an advertisement. */
export const ADVERTISEMENT_BYTES: u32 = IPV6_HEADER + MESSAGE + OPTION;
const TARGET: usize = 8;
const SOURCE_MAC: u32 = 1;
const TARGET_MAC: u32 = 2;
const HOP_LIMIT: u32 = 255;

/** A group that a message goes to. */
const GROUP = memory.data(16, 16);

/** ff02::1 into GROUP. */
function chooseAllNodes(): usize {
  store<u64>(GROUP, 0x02ff);
  store<u64>(GROUP, 0x0100000000000000, 8);
  return GROUP;
}

/** Writes a message with its headers; `flags` is its second word. From :: it has no option. */
function write(packet: Packet, device: Device, type: u32, flags: u32, target: u32, source: u32, destination: usize): void {
  const ip = packet.network;
  const icmp = ip + IPV6_HEADER;
  const bytes = MESSAGE + (source == UNSPECIFIED ? 0 : OPTION);
  writeIpv6(ip, bytes, HOP_LIMIT, PROTOCOL_ICMP6, bytesOf6(source), destination);
  store<u32>(icmp, type);
  store32(icmp + 4, flags);
  v128.store(icmp + TARGET, v128.load(bytesOf6(target)));
  if (source != UNSPECIFIED) store<u64>(icmp + MESSAGE, <u64>(type == ICMP6_SOLICITATION ? SOURCE_MAC : TARGET_MAC) | (1 << 8) | (device.mac << 16));
  writeIcmp6Checksum(ip, icmp, bytes);
  const notes = notesOf(packet);
  notes.source = source;
  notes.protocol = PROTOCOL_ICMP6;
  notes.transport = IPV6_HEADER;
  notes.nextAt = <u32>IP6_NEXT;
  notes.fragment = 0;
}

/** Lets a message go its way; a destination without a number is the group in GROUP. */
function send(device: Device, type: u32, flags: u32, target: u32, source: u32, destination: u32, inProgress: Node): void {
  const packet = takePacket(IPV6_HEADER + MESSAGE + (source == UNSPECIFIED ? 0 : OPTION));
  if (changetype<usize>(packet) == 0) {
    dropUnmade(Drop.NoMemory, inProgress, device, NONE, 0);
    return;
  }
  write(packet, device, type, flags, target, source, destination == NONE ? GROUP : bytesOf6(destination));
  notesOf(packet).destination = destination;
  packet.namespace = device.namespace.index;
  packet.device = device;
  packet.out = device;
  packet.next = destination;
  packet.routeType = <u8>RouteType.Unicast;
  packet.mtu = packet.length - ETHERNET_HEADER > device.mtu ? device.mtu : 0;
  const filter = ipv6Of(device.namespace).filter;
  append(packet, filter & VISITS_OUTPUT ? Node.LocalOut : filter & VISITS_POSTROUTING ? Node.Postrouting : Node.NeighbourOutput, inProgress);
}

/** Asks for the MAC of a neighbour: its group while nothing is known, else itself. */
export function solicit6(entry: Neighbour, inProgress: Node): void {
  const device = entry.device;
  const isProbe = entry.state == NeighbourState.Probe;
  let source: u32 = UNSPECIFIED;
  if (!isProbe && entry.queueCount != 0) {
    source = notesOf(changetype<Packet>(entry.queueTail)).source;
    if (!hasUsable6(device, source)) source = UNSPECIFIED;
  }
  if (source == UNSPECIFIED) source = firstAddress6(device, true);
  if (source == UNSPECIFIED) return;
  writeSolicitedNode6(GROUP, entry.ip);
  send(device, ICMP6_SOLICITATION, 0, entry.ip, source, isProbe ? entry.ip : NONE, inProgress);
}

function advertise(device: Device, flags: u32, target: u32, destination: u32): void {
  const router: u32 = ipv6Of(device.namespace).forwarding != 0 ? ADVERTISEMENT_ROUTER : 0;
  send(device, ICMP6_ADVERTISEMENT, flags | router, target, target, destination, Node.Icmp6Input);
}

/** The frame of an advertisement that nobody has asked for. */
export function writeAnnouncement(packet: Packet, device: Device, address: u32): void {
  const router: u32 = ipv6Of(device.namespace).forwarding != 0 ? ADVERTISEMENT_ROUTER : 0;
  write(packet, device, ICMP6_ADVERTISEMENT, ADVERTISEMENT_OVERRIDE | router, address, address, chooseAllNodes());
  writeEthernet(frameOf(packet), multicastMac6(GROUP), device.mac, TYPE_IPV6);
}

/** A Dad event: whoever has appeared asks whether somebody else is there already, or has waited long enough for an answer. */
export function detectDuplicates(): void {
  stepTentative();
  for (let namespace: u32 = 0; namespace < namespaceCount; namespace++) {
    const stack = ipv6Of(namespaceAt(namespace));
    for (let index: u32 = 0; index < stack.addressCount; index++) {
      const entry = asking(stack, index);
      if (!isNoAddress6(entry) && enter(stack.cpu, now)) ask(entry);
    }
  }
  clock = now;
  endTentativeStep();
}

function ask(entry: Address6): void {
  visit(Node.Timer);
  writeSolicitedNode6(GROUP, entry.number);
  send(entry.device, ICMP6_SOLICITATION, 0, entry.number, UNSPECIFIED, NONE, Node.Timer);
  finish();
}

/** Address of the MAC in the first option of a kind that `readOptions` met, or 0. */
let optionMac: usize = 0;

/** False: an option does not fit, or has another length than one of its kind has. */
function readOptions(icmp: usize, bytes: u32, kind: u32): bool {
  optionMac = 0;
  for (let at = MESSAGE; at < bytes; ) {
    const length = at + 1 < bytes ? <u32>load<u8>(icmp + at, 1) << 3 : 0;
    if (length == 0 || at + length > bytes) return false;
    if (<u32>load<u8>(icmp + at) == kind) {
      if (length != OPTION) return false;
      if (optionMac == 0) optionMac = icmp + at + 2;
    }
    at += length;
  }
  return true;
}

/** A solicitation or an advertisement came in. */
export function discover(packet: Packet, icmp: usize, bytes: u32): Node {
  const ip = packet.network;
  const isSolicitation = <u32>load<u8>(icmp) == <u32>ICMP6_SOLICITATION;
  if (<u32>load<u8>(ip, IP6_HOP_LIMIT) != HOP_LIMIT) return drop(packet, Drop.Ipv6NdiscHopLimit, Node.Icmp6Input);
  if (load<u8>(icmp, 1) != 0) return drop(packet, Drop.Ipv6NdiscBadCode, Node.Icmp6Input);
  const isSound = bytes >= MESSAGE && load<u8>(icmp, TARGET) != 0xff && readOptions(icmp, bytes, isSolicitation ? SOURCE_MAC : TARGET_MAC);
  if (!isSound || !(isSolicitation ? isSoundSolicitation(packet) : isSoundAdvertisement(ip, icmp))) {
    return drop(packet, Drop.Ipv6NdiscBadOptions, Node.Icmp6Input);
  }
  const device = packet.device;
  const target = find6(icmp + TARGET);
  if (!(device.flags & DEVICE_NO_ARP) && target != NONE) {
    if (isSolicitation) answer(packet, device, target);
    else learn(device, target, load32(icmp + 4));
  }
  return consume(packet);
}

/** Who has no address yet tells no MAC, and asks the group of the address. */
function isSoundSolicitation(packet: Packet): bool {
  if (notesOf(packet).source != UNSPECIFIED) return true;
  const destination = addressAt6(packet.network, false);
  return optionMac == 0 && load<u64>(destination) == 0x02ff && (load<u64>(destination, 8) & 0xffffffffff) == 0xff01000000;
}

function isSoundAdvertisement(ip: usize, icmp: usize): bool {
  return load<u8>(addressAt6(ip, false)) != 0xff || !(load32(icmp + 4) & ADVERTISEMENT_SOLICITED);
}

/** ndisc_recv_ns. */
function answer(packet: Packet, device: Device, target: u32): void {
  const own = addressOn6(device, target);
  if (isNoAddress6(own)) return;
  const source = notesOf(packet).source;
  if (!hasUsable6(device, target)) {
    // On a loopback, it is one's own question that comes back.
    if (source == UNSPECIFIED && device.kind != DeviceKind.Loopback) own.failed = true;
    return;
  }
  if (source == UNSPECIFIED) {
    chooseAllNodes();
    advertise(device, ADVERTISEMENT_OVERRIDE, target, NONE);
    return;
  }
  const isToGroup = load<u8>(addressAt6(packet.network, false)) == 0xff;
  const known = findNeighbour(device, source, true);
  if (optionMac != 0) enterNeighbour(device, source, loadMac(optionMac), true, known, Node.Icmp6Input);
  else if (isToGroup && isNoNeighbour(known)) return;
  advertise(device, ADVERTISEMENT_SOLICITED | (isToGroup ? ADVERTISEMENT_OVERRIDE : 0), target, source);
}

/** ndisc_recv_na (RFC 4861 §7.2.5). */
function learn(device: Device, target: u32, flags: u32): void {
  const own = addressOn6(device, target);
  if (!isNoAddress6(own)) {
    if (isTentative(own)) own.failed = true;
    return;
  }
  const entry = findNeighbour(device, target, true);
  if (isNoNeighbour(entry)) return;
  const state = entry.state;
  if (state == NeighbourState.None || state == NeighbourState.Failed || state == NeighbourState.Permanent) return;
  const isNew = state == NeighbourState.Incomplete;
  if (isNew && optionMac == 0) return;
  const mac = optionMac != 0 ? loadMac(optionMac) : entry.mac;
  if (isNew || mac == entry.mac || flags & ADVERTISEMENT_OVERRIDE) {
    updateNeighbour(entry, mac, flags & ADVERTISEMENT_SOLICITED ? NeighbourState.Reachable : NeighbourState.Stale, true, Node.Icmp6Input);
  } else if (state == NeighbourState.Reachable) {
    entry.state = NeighbourState.Stale;
  }
}
