import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import {
  ADVERTISEMENT_OVERRIDE,
  ADVERTISEMENT_ROUTER,
  ADVERTISEMENT_SOLICITED,
  ICMP6_ADVERTISEMENT,
  ICMP6_SOLICITATION,
  PROTOCOL_ICMP,
} from "../../../../assembly/abi/protocol";
import { dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import { UNSPECIFIED } from "../memory/address-table";
import { type Packet, PathMtuDiscovery } from "../memory/packet";
import { updateNeighbour, writeHeader } from "../nodes/neighbour-output";
import { takeDatagram, writeDatagram } from "../nodes/socket-output";
import type { Address6 } from "../tables/address6";
import type { Device } from "../tables/device";
import { type Neighbour, NeighbourState } from "../tables/neighbour";
import { read32, write32 } from "../wire/bytes";
import { macHigh, macLow, writeMac } from "../wire/ethernet";
import { ICMP_CODE, updateIcmp6Checksum, writeIcmp } from "../wire/icmp";
import { hopLimit, setHopLimit } from "../wire/ipv6";
import { ALL_NODES, isGroup6, isLinkLocal6, isSolicitedGroup, solicitedGroup } from "./scope";

/** Type, code, checksum, a word, the target (RFC 4861 §4.3, §4.4). */
const MESSAGE = 24;
const TARGET = 8;
/** An option with a MAC: type, length in units of 8 bytes, address. */
const OPTION = 8;
const SOURCE_OPTION = 1;
const TARGET_OPTION = 2;
const HOP_LIMIT = 255;

const NOTHING = { at: -1 };
const option = { at: 0 };

/** ndisc_rcv. What it returns is why the packet is bad. */
export function discoveryInput(kernel: Kernel, packet: Packet, icmp: number, length: number): Drop {
  const { device } = packet;
  const { bytes } = kernel.memory;
  if (hopLimit(bytes, packet.network) !== HOP_LIMIT) return Drop.Ipv6NdiscHopLimit;
  if (bytes[icmp + ICMP_CODE] !== 0) return Drop.Ipv6NdiscBadCode;
  const isSolicitation = bytes[icmp] === ICMP6_SOLICITATION;
  if (device === null || length < MESSAGE || bytes[icmp + TARGET] === 0xff) return Drop.Ipv6NdiscBadOptions;
  const mac = findOption(bytes, icmp + MESSAGE, icmp + length, isSolicitation ? SOURCE_OPTION : TARGET_OPTION);
  if (mac === null) return Drop.Ipv6NdiscBadOptions;
  const isToGroup = isGroup6(kernel.addresses, packet.destination6);
  if (isSolicitation) {
    const isProbe = packet.source6 === UNSPECIFIED;
    if (isProbe && (mac.at >= 0 || !isSolicitedGroup(kernel.addresses, packet.destination6))) return Drop.Ipv6NdiscBadOptions;
    if (!device.isNoArp) solicited(kernel, packet, device, kernel.addresses.find(bytes, icmp + TARGET), mac.at, isToGroup);
    return Drop.None;
  }
  const flags = read32(bytes, icmp + 4) >>> 0;
  if (isToGroup && (flags & ADVERTISEMENT_SOLICITED) !== 0) return Drop.Ipv6NdiscBadOptions;
  if (!device.isNoArp) advertised(kernel, device, kernel.addresses.find(bytes, icmp + TARGET), mac.at, flags);
  return Drop.None;
}

/** Where the MAC of the first option of a kind lies; null if the options cannot be read. */
function findOption(bytes: Uint8Array, start: number, end: number, kind: number): { readonly at: number } | null {
  let found: { at: number } = NOTHING;
  for (let at = start; at < end; at += bytes[at + 1] * 8) {
    const length = at + 1 < end ? bytes[at + 1] * 8 : 0;
    if (length === 0 || at + length > end) return null;
    if (bytes[at] !== kind) continue;
    if (length !== OPTION) return null;
    if (found !== NOTHING) continue;
    option.at = at + 2;
    found = option;
  }
  return found;
}

/** ndisc_recv_ns. */
function solicited(kernel: Kernel, packet: Packet, device: Device, target: number, mac: number, isToGroup: boolean): void {
  const { source6: source } = packet;
  const address = device.addresses6.find(({ ip }) => ip === target);
  if (address === undefined) return;
  if (!address.isUsable) {
    if (source === UNSPECIFIED && !device.isLoopback) address.hasFailed = true;
    return;
  }
  if (source === UNSPECIFIED) {
    advertise(kernel, device, target, kernel.addresses.note(ALL_NODES), ADVERTISEMENT_OVERRIDE);
    return;
  }
  const { bytes } = kernel.memory;
  if (mac >= 0) {
    const entry = kernel.neighbours.find(device, source) ?? kernel.neighbours.create(device, source);
    if (entry !== null) updateNeighbour(kernel, entry, macHigh(bytes, mac), macLow(bytes, mac), NeighbourState.Stale, true);
  } else if (isToGroup && kernel.neighbours.find(device, source) === null) {
    return;
  }
  advertise(kernel, device, target, source, ADVERTISEMENT_SOLICITED | (isToGroup ? ADVERTISEMENT_OVERRIDE : 0));
}

/** ndisc_recv_na. */
function advertised(kernel: Kernel, device: Device, target: number, mac: number, flags: number): void {
  const own = device.addresses6.find(({ ip }) => ip === target);
  if (own !== undefined) {
    if (own.isTentative) own.hasFailed = true;
    return;
  }
  const entry = kernel.neighbours.find(device, target);
  if (entry === null || entry.state === NeighbourState.Failed || entry.state === NeighbourState.Permanent) return;
  if (mac < 0 && !entry.hasMac) return;
  const { bytes } = kernel.memory;
  const high = mac < 0 ? entry.macHigh : macHigh(bytes, mac);
  const low = mac < 0 ? entry.macLow : macLow(bytes, mac);
  const isSame = high === entry.macHigh && low === entry.macLow;
  const override = (flags & ADVERTISEMENT_OVERRIDE) !== 0;
  if (entry.hasMac && !isSame && !override) {
    if (entry.state === NeighbourState.Reachable) entry.state = NeighbourState.Stale;
    return;
  }
  const state = (flags & ADVERTISEMENT_SOLICITED) !== 0 ? NeighbourState.Reachable : NeighbourState.Stale;
  updateNeighbour(kernel, entry, high, low, state, override);
}

/** ndisc_solicit: to everybody, or to the MAC that is in doubt while probing; from the link-local address if the packet's will not do. */
export function solicit6(kernel: Kernel, entry: Neighbour): void {
  const { device, ip, queue } = entry;
  const isProbe = entry.state === NeighbourState.Probe;
  const waiting = isProbe || queue.length === 0 ? UNSPECIFIED : queue[queue.length - 1].source6;
  const isOurs = device.addresses6.some((address) => address.ip === waiting && address.isUsable);
  const source = isOurs ? waiting : linkLocalOf(kernel, device);
  if (source !== UNSPECIFIED) solicitFor(kernel, device, ip, source, isProbe ? ip : null);
}

function linkLocalOf({ addresses }: Kernel, device: Device): number {
  const isOne = (address: Address6) => address.isUsable && isLinkLocal6(addresses, address.ip);
  return device.addresses6.find(isOne)?.ip ?? UNSPECIFIED;
}

/** ndisc_send_ns; `to` null: the group of the target. */
export function solicitFor(kernel: Kernel, device: Device, target: number, source: number, to: number | null): void {
  const destination = to ?? solicitedGroup(kernel.addresses, target);
  const packet = build(kernel, device, ICMP6_SOLICITATION, 0, target, source, destination, source !== UNSPECIFIED);
  send(kernel, packet, device);
}

/** ndisc_send_na. */
function advertise(kernel: Kernel, device: Device, target: number, destination: number, flags: number): void {
  const router = device.namespace.forwarding6 ? ADVERTISEMENT_ROUTER : 0;
  const packet = build(kernel, device, ICMP6_ADVERTISEMENT, flags | router, target, target, destination, true);
  send(kernel, packet, device);
}

function build(
  kernel: Kernel,
  device: Device,
  type: number,
  flags: number,
  target: number,
  source: number,
  destination: number,
  hasOption: boolean,
): Packet | null {
  const length = hasOption ? MESSAGE + OPTION : MESSAGE;
  const packet = takeDatagram(kernel, null, length, destination);
  if (packet === null) return null;
  const { bytes } = kernel.memory;
  writeDatagram(kernel, packet, device.namespace, PROTOCOL_ICMP, source, destination);
  setHopLimit(bytes, packet.network, HOP_LIMIT);
  writeMessage(kernel, packet, device, type, flags, target, hasOption);
  updateIcmp6Checksum(kernel.memory, packet.network, packet.transport, length);
  packet.device = packet.target = device;
  packet.nextHop = destination;
  packet.broadcast = false;
  packet.mtu = device.mtu;
  packet.pathMtuDiscovery = PathMtuDiscovery.Dont;
  return packet;
}

function writeMessage({ memory, addresses }: Kernel, packet: Packet, device: Device, type: number, flags: number, target: number, hasOption: boolean): void {
  const { bytes } = memory;
  const icmp = packet.transport;
  writeIcmp(bytes, icmp, type, 0, 0, 0);
  write32(bytes, icmp + 4, flags);
  addresses.write(bytes, icmp + TARGET, target);
  if (!hasOption) return;
  bytes[icmp + MESSAGE] = type === ICMP6_SOLICITATION ? SOURCE_OPTION : TARGET_OPTION;
  bytes[icmp + MESSAGE + 1] = 1;
  writeMac(bytes, icmp + MESSAGE + 2, device.macHigh, device.macLow);
}

function send(kernel: Kernel, packet: Packet | null, device: Device): void {
  if (packet === null) dropUnbuilt(kernel, kernel.node, device, null, 0);
  else append(kernel, packet, firstNode(packet, device));
}

function firstNode(packet: Packet, { namespace }: Device): Node {
  const filter = namespace.filterFor(packet);
  if (filter?.visits(Hook.Output) === true) return Node.LocalOut;
  return filter?.visits(Hook.Postrouting) === true ? Node.Postrouting : Node.NeighbourOutput;
}

/** An advertisement that nobody asked for, without its way out. */
export function buildAnnouncement(kernel: Kernel, device: Device, address: number): Packet | null {
  const router = device.namespace.forwarding6 ? ADVERTISEMENT_ROUTER : 0;
  const flags = ADVERTISEMENT_OVERRIDE | router;
  const packet = build(kernel, device, ICMP6_ADVERTISEMENT, flags, address, address, kernel.addresses.note(ALL_NODES), true);
  if (packet !== null) writeHeader(kernel, packet, 0x3333, 1, device.macHigh, device.macLow);
  return packet;
}
