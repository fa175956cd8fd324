/** The IPv6 twin of a plan: the same networks, traffic, rules and frames with fd00::a.b.c.d in the place of a.b.c.d. */
import { Family } from "../../assembly/abi/netfilter";
import { ADDRESS6_NODAD, DeviceKind, RouteType } from "../../assembly/abi/program";
import { NEXT_FRAGMENT, PROTOCOL_ICMP, PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import type { InjectedFrame } from "../../src/engine/engine";
import type { Address6Record, AddressWords, ConntrackFilter, DatapathProgram, FlowRecord, Route6Record, RuleRecord, SocketRecord } from "../../src/engine/program";
import type { BuiltPlan } from "./plan";

const ANY: AddressWords = [0, 0, 0, 0];
const LOCALHOST: AddressWords = [0, 0, 0, 1];
const ALL_NODES: AddressWords = [0xff02_0000, 0, 0, 1];
const ETHERTYPE = 0x86dd;
const HEADER = 40;

function words(ip: number): AddressWords {
  if (ip === 0) return ANY;
  if (ip >>> 24 === 127) return LOCALHOST;
  return ip >= 0xe000_0000 || (ip & 255) === 255 ? ALL_NODES : [0xfd00_0000, 0, 0, ip];
}

/** Which of the plan's addresses are tentative, and which flows and sockets stay what they are. */
export interface SixOptions {
  /** All addresses can be used at once, and permanent neighbours are known by both. */
  readonly isReady?: boolean;
  readonly salt: number;
}

const isChosen = (salt: number, index: number, share: number) => ((Math.imul(index + 1, 0x9e37_79b1) ^ salt) >>> 16) % share === 0;

export function sixPlan(built: BuiltPlan, options: SixOptions): BuiltPlan {
  const program = sixProgram(built.program, options);
  return {
    ...built,
    program,
    frames: built.frames.map((frame, index) => (index % 4 === 3 ? frame : sixFrame(frame, index))),
    patches: built.patches.map(({ timeNs, patch }) => ({
      timeNs,
      patch: {
        ...patch,
        ...(patch.program && { program: sixProgram(patch.program, options) }),
        ...(patch.conntrack && { conntrack: patch.conntrack.map(sixFilter) }),
        ...(patch.flows && { flows: patch.flows.map(({ index, record }) => ({ index, record: sixFlow(record, index) })) }),
        ...(patch.sockets && { sockets: patch.sockets.map(({ index, record }) => ({ index, record: sixSocket(record, index) })) }),
      },
    })),
  };
}

/** The program alone. */
export function sixProgram(program: DatapathProgram, { salt, isReady = false }: SixOptions): DatapathProgram {
  const { devices, addresses, routes, capacity } = program;
  const links = [...new Set(addresses.map(({ device }) => device))].filter((device) => devices[device]!.kind !== DeviceKind.Loopback);
  const linkLocal = (device: number): AddressWords => [0xfe80_0000, 0, devices[device]!.macHigh, devices[device]!.macLow];
  const flagsOf = (index: number) => (!isReady && isChosen(salt, index, 3) ? 0 : ADDRESS6_NODAD);
  const addresses6 = [
    ...addresses.map(({ device, ip, prefix }, index): Address6Record => {
      const own = words(ip);
      return { device, ip: own, prefix: own === LOCALHOST ? 128 : prefix + 96, flags: own === LOCALHOST ? ADDRESS6_NODAD : flagsOf(index) };
    }),
    ...links.map((device): Address6Record => ({ device, ip: linkLocal(device), prefix: 64, flags: flagsOf(device + 7) })),
  ];
  const routes6 = [
    ...routes.flatMap(({ type, destination, prefix, gateway, source, ...rest }): Route6Record[] => {
      if (type === RouteType.Broadcast) return [];
      const to = words(destination);
      const length = to === LOCALHOST ? 128 : destination === 0 && prefix === 0 ? 0 : prefix + 96;
      return [{ ...rest, type, destination: to, prefix: length, gateway: words(gateway), source: type === RouteType.Local ? words(source) : ANY }];
    }),
    ...links.flatMap((device): Route6Record[] => {
      const base = { namespace: devices[device]!.namespace, device, gateway: ANY, source: ANY, metric: 256 };
      return [
        { ...base, destination: [0xfe80_0000, 0, 0, 0], prefix: 64, type: RouteType.Unicast },
        { ...base, destination: linkLocal(device), prefix: 128, type: RouteType.Local },
        { ...base, destination: [0xff00_0000, 0, 0, 0], prefix: 8, type: RouteType.Unicast },
      ];
    }),
  ];
  return {
    ...program,
    namespaces: program.namespaces.map((record) => ({
      ...record,
      forwarding6: record.forwarding,
      hopLimit: record.ttl,
      bridgeNf: record.bridgeNf * 3,
    })),
    addresses6,
    routes6,
    flows: program.flows.map(sixFlow),
    sockets: program.sockets.map(sixSocket),
    dns: { ...program.dns, upstreams: program.dns.upstreams.map((record, index) => (index % 4 === 3 ? record : { ...record, family: Family.Ipv6, ip6: words(record.ip) })) },
    ...(isReady && { neighbours6: program.neighbours.map(({ ip, ...rest }) => ({ ...rest, ip: words(ip) })) }),
    chains: program.chains.map((chain) => ({ ...chain, family: Family.Ipv6 })),
    rules: program.rules.map(sixRule),
    capacity: {
      ...capacity,
      addresses: 3 * capacity.addresses + 64,
      routes: 4 * capacity.routes + 256,
      // Now and then there is hardly a place left.
      addresses6: capacity.addresses6 + 64 * capacity.addresses + 64 * capacity.routes,
    },
  };
}

function sixFilter(filter: ConntrackFilter, index: number): ConntrackFilter {
  if (index % 4 === 3) return filter;
  const { protocol, originalDestination, replyEnd } = filter;
  return {
    ...filter,
    family: Family.Ipv6,
    ...(protocol === PROTOCOL_ICMP && { protocol: PROTOCOL_ICMP6 }),
    ...(originalDestination && { originalDestination: words(originalDestination[0]) }),
    ...(replyEnd && { replyEnd: words(replyEnd[0]) }),
  };
}

function sixFlow(record: FlowRecord, index: number): FlowRecord {
  return index % 5 === 4 ? record : { ...record, family: Family.Ipv6, destination6: words(record.destination) };
}

function sixSocket(record: SocketRecord, index: number): SocketRecord {
  const stays = record.flow === 0xffff_ffff ? index % 7 === 6 : record.flow % 5 === 4;
  const target = record.targetIp === undefined || index % 3 === 0 ? {} : { targetFamily: Family.Ipv6, targetIp6: words(record.targetIp) };
  return { ...record, ...target, ...(!stays && { family: Family.Ipv6, ip6: words(record.ip) }) };
}

const TYPES = new Map([
  [8, 128],
  [0, 129],
  [3, 1],
  [11, 3],
]);

function sixRule(rule: RuleRecord): RuleRecord {
  const value = (words4: AddressWords, mask: AddressWords): AddressWords => (mask[0] === 0 ? ANY : [0xfd00_0000, 0, 0, words4[0]]);
  const wide = (mask: AddressWords): AddressWords => (mask[0] === 0 ? ANY : [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, mask[0]]);
  const nat = ([ip]: AddressWords): AddressWords => (ip === 0 ? ANY : [0xfd00_0000, 0, 0, ip]);
  return {
    ...rule,
    source: value(rule.source, rule.sourceMask),
    sourceMask: wide(rule.sourceMask),
    destination: value(rule.destination, rule.destinationMask),
    destinationMask: wide(rule.destinationMask),
    ctDestination: value(rule.ctDestination, rule.ctDestinationMask),
    ctDestinationMask: wide(rule.ctDestinationMask),
    protocol: rule.protocol === PROTOCOL_ICMP ? PROTOCOL_ICMP6 : rule.protocol,
    icmpType: TYPES.get(rule.icmpType) ?? rule.icmpType,
    natFrom: nat(rule.natFrom),
    natTo: nat(rule.natTo),
  };
}

/** The frame as IPv6 has it; ARP becomes neighbour discovery. Of index 0 it is as whole as it was. */
export function sixFrame(frame: InjectedFrame, index: number): InjectedFrame {
  const { bytes } = frame;
  if (bytes.length < 34) return frame;
  const type = (bytes[12]! << 8) | bytes[13]!;
  const macs = bytes.slice(0, 12);
  if (type === 0x0806 && bytes.length >= 42) return { ...frame, bytes: join(macs, discovery(bytes, index)) };
  return type === 0x0800 ? { ...frame, bytes: join(macs, sixPacket(bytes.subarray(14), index)) } : frame;
}

function join(macs: Uint8Array, packet: Uint8Array): Uint8Array {
  return Uint8Array.from([...macs, ETHERTYPE >> 8, ETHERTYPE & 255, ...packet]);
}

function bytesOf(address: AddressWords): number[] {
  return address.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
}

const word = (bytes: Uint8Array, at: number) => ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

function packet6(source: readonly number[], destination: readonly number[], next: number, hopLimit: number, payload: readonly number[]): Uint8Array {
  return Uint8Array.from([0x60, 0, 0, 0, payload.length >> 8, payload.length & 255, next, hopLimit, ...source, ...destination, ...payload]);
}

/** An option header of 8 bytes in front of `next`. */
const optionHeader = (next: number, length = 0) => [next, length, 1, 4, 0, 0, 0, 0];

function sixPacket(ip: Uint8Array, index: number): Uint8Array {
  const header = (ip[0]! & 15) * 4;
  const source = bytesOf(words(word(ip, 12)));
  const destination = bytesOf(words(word(ip, 16)));
  const fragment = (ip[6]! << 8) | ip[7]!;
  const protocol = ip[9] === PROTOCOL_ICMP ? PROTOCOL_ICMP6 : ip[9]!;
  const payload = transport(protocol, ip.subarray(header), source, destination, index);
  let next = protocol;
  let behind = payload;
  if ((fragment & 0x3fff) !== 0) {
    const field = ((fragment & 0x1fff) << 3) | (fragment >>> 13 & 1);
    behind = [next, 0, field >> 8, field & 255, 0, 0, ip[4]!, ip[5]!, ...behind];
    next = NEXT_FRAGMENT;
  }
  if (header > 20) {
    const [kind = 0] = [[0, 43, 60, 44][index % 4]!];
    behind = [...optionHeader(next, index % 11 === 0 ? 1 : 0), ...behind];
    next = kind;
  }
  const whole = packet6(source, destination, next, ip[8]!, behind);
  const version = ip[0]! >> 4;
  if (version !== 4) whole[0] = version << 4;
  return whole;
}

function transport(protocol: number, from: Uint8Array, source: readonly number[], destination: readonly number[], index: number): number[] {
  const bytes = [...from];
  const at = protocol === PROTOCOL_UDP ? 6 : protocol === PROTOCOL_TCP ? 16 : 2;
  if (protocol === PROTOCOL_ICMP6 && bytes.length >= 8) {
    const type = bytes[0]!;
    bytes[0] = TYPES.get(type) ?? type;
    if (type === 3 && bytes[1] === 4) bytes.splice(0, 8, 2, 0, 0, 0, 0, 0, bytes[6]!, bytes[7]!);
    if ((type === 3 || type === 11) && bytes.length >= 28) bytes.splice(8, bytes.length - 8, ...sixPacket(Uint8Array.from(bytes.slice(8)), 1));
  }
  const isKnown = protocol === PROTOCOL_UDP || protocol === PROTOCOL_TCP || protocol === PROTOCOL_ICMP6;
  if (!isKnown || bytes.length < at + 2 || index % 5 === 4) return bytes;
  bytes[at] = 0;
  bytes[at + 1] = 0;
  const sum = checksum([...source, ...destination, 0, 0, bytes.length >> 8, bytes.length & 255, 0, 0, 0, protocol, ...bytes]);
  bytes[at] = sum >> 8;
  bytes[at + 1] = sum & 255;
  return bytes;
}

function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const field = ~sum & 0xffff;
  return field === 0 ? 0xffff : field;
}

/** A solicitation for a request, an advertisement for a reply. */
function discovery(arp: Uint8Array, index: number): Uint8Array {
  const isRequest = arp[21] === 1;
  const sender = bytesOf(words(word(arp, 28)));
  const target = bytesOf(words(word(arp, 38)));
  const solicited = [...bytesOf([0xff02_0000, 0, 1, 0xff00_0000]).slice(0, 13), ...target.slice(13)];
  const destination = index % 3 === 0 ? target : isRequest ? solicited : bytesOf(ALL_NODES);
  const asks = isRequest ? target : sender;
  const flags = [0x60, 0x20, 0x40, 0, 0xe0][index % 5]!;
  const option = index % 7 === 0 ? [] : [isRequest ? 1 : 2, index % 13 === 0 ? 2 : 1, ...arp.subarray(22, 28)];
  const message = [isRequest ? 135 : 136, index % 17 === 0 ? 1 : 0, 0, 0, isRequest ? 0 : flags, 0, 0, 0, ...asks, ...option];
  const from = index % 6 === 5 ? bytesOf(ANY) : sender;
  const bytes = transport(PROTOCOL_ICMP6, Uint8Array.from(message), from, destination, 0);
  return packet6(from, destination, PROTOCOL_ICMP6, index % 19 === 0 ? 64 : 255, bytes).subarray(0, HEADER + bytes.length);
}
