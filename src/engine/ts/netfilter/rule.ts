import {
  ADDRTYPE_BROADCAST,
  ADDRTYPE_LOCAL,
  ADDRTYPE_MULTICAST,
  ADDRTYPE_UNICAST,
  Family,
  MATCH_CT_DIRECTION,
  MATCH_CT_ORIGINAL_DESTINATION,
  MATCH_CT_ORIGINAL_PORT,
  MATCH_CTSTATE,
  MATCH_DESTINATION,
  MATCH_DESTINATION_PORT,
  MATCH_DESTINATION_TYPE,
  MATCH_ICMP_TYPE,
  MATCH_IN,
  MATCH_IPVS,
  MATCH_MARK,
  MATCH_OUT,
  MATCH_POLICY,
  MATCH_PROTOCOL,
  MATCH_SOURCE,
  MATCH_SOURCE_PORT,
  MATCH_SOURCE_TYPE,
  MATCH_TCP_FLAGS,
  MATCH_WORD,
} from "../../../../assembly/abi/netfilter";
import { RouteType } from "../../../../assembly/abi/program";
import { NONE } from "../../../../assembly/abi/version";
import type { AddressWords, RuleRecord } from "../../program";
import { isGroup6 } from "../ipv6/scope";
import { UNSPECIFIED, type AddressTable, UNKNOWN6 } from "../memory/address-table";
import { isMulticast, LIMITED_BROADCAST } from "../wire/ipv4";
import type { Chain } from "./filter";
import type { PacketView } from "./view";

/** `--icmp-type any`. */
const ANY_TYPE = 255;

/** Tests of fields that not every packet has: without the field they fail, negated or not. */
const PORT_TESTS = MATCH_SOURCE_PORT | MATCH_DESTINATION_PORT;
const TRANSPORT_TESTS = PORT_TESTS | MATCH_ICMP_TYPE | MATCH_TCP_FLAGS;
const ENTRY_TESTS = MATCH_CT_ORIGINAL_DESTINATION | MATCH_CT_ORIGINAL_PORT | MATCH_CT_DIRECTION;
export const CONNECTION_TESTS = MATCH_CTSTATE | ENTRY_TESTS;
const HEADER_TESTS = MATCH_IN | MATCH_OUT | MATCH_SOURCE | MATCH_DESTINATION | MATCH_PROTOCOL | MATCH_MARK | MATCH_IPVS;
/** What packets of one connection differ in. */
export const PACKET_TESTS = MATCH_POLICY | MATCH_WORD;
const TYPE_TESTS = MATCH_SOURCE_TYPE | MATCH_DESTINATION_TYPE;

/** The addresses that have the bits that a mask names. */
export class Network {
  /** The only one of them, or null. */
  readonly single: number | null;
  private readonly address: number;
  private readonly mask: number;
  private readonly words: readonly number[];
  private readonly masks: readonly number[];
  private readonly addresses: AddressTable | null;

  constructor(address: AddressWords, mask: AddressWords, family: Family, addresses: AddressTable) {
    this.words = address.map((word) => word | 0);
    this.masks = mask.map((word) => word | 0);
    [this.address, this.mask] = [this.words[0], this.masks[0]];
    this.addresses = family === Family.Ipv6 ? addresses : null;
    const isSingle = family === Family.Ipv6 ? this.masks.every((word) => word === -1) : this.mask === -1;
    this.single = !isSingle ? null : family === Family.Ipv6 ? addresses.note(address) : this.address;
  }

  has(address: number): boolean {
    if (this.addresses === null) return (address & this.mask) === this.address;
    if (address === UNKNOWN6) return false;
    for (let i = 0; i < 4; i++) if ((this.addresses.word(address, i) & this.masks[i]) !== this.words[i]) return false;
    return true;
  }
}

/** A rule as the packet path reads it: its record with signed words, and the chain that it leads to. */
export class Rule {
  readonly in: number;
  readonly out: number;
  readonly source: Network;
  readonly destination: Network;
  readonly ctDestination: Network;
  /** u32, or numbers of IPv6 addresses; 0: none. */
  readonly natFrom: number;
  readonly natTo: number;
  readonly mark: number;
  readonly markMask: number;
  /** The chain of Jump and Goto. */
  chain: Chain | null = null;

  constructor(
    readonly index: number,
    readonly record: RuleRecord,
    readonly family: Family,
    addresses: AddressTable,
  ) {
    this.in = record.in | 0;
    this.out = record.out | 0;
    this.source = new Network(record.source, record.sourceMask, family, addresses);
    this.destination = new Network(record.destination, record.destinationMask, family, addresses);
    this.ctDestination = new Network(record.ctDestination, record.ctDestinationMask, family, addresses);
    const isIpv6Rule = family === Family.Ipv6;
    this.natFrom = isIpv6Rule ? addresses.note(record.natFrom) : record.natFrom[0];
    this.natTo = isIpv6Rule ? addresses.note(record.natTo) : record.natTo[0];
    this.mark = record.mark | 0;
    this.markMask = record.markMask | 0;
  }

  /** Do all its tests hold? */
  matches(view: PacketView): boolean {
    const { matches } = this.record;
    if (matches === 0) return true;
    if ((matches & HEADER_TESTS) !== 0 && !this.matchesHeader(view, matches)) return false;
    if ((matches & TRANSPORT_TESTS) !== 0 && !this.matchesTransport(view, matches)) return false;
    if ((matches & CONNECTION_TESTS) !== 0 && !this.matchesConnection(view, matches)) return false;
    if ((matches & PACKET_TESTS) !== 0 && !this.matchesPacket(view, matches)) return false;
    return (matches & TYPE_TESTS) === 0 || this.matchesTypes(view, matches);
  }

  /** A test that is negated must not hold. */
  private holds(test: number, isTrue: boolean): boolean {
    return isTrue !== ((this.record.inverts & test) !== 0);
  }

  private matchesHeader(view: PacketView, matches: number): boolean {
    if ((matches & MATCH_DESTINATION) !== 0) {
      if (!this.holds(MATCH_DESTINATION, this.destination.has(view.destination))) return false;
    }
    if ((matches & MATCH_SOURCE) !== 0) {
      if (!this.holds(MATCH_SOURCE, this.source.has(view.source))) return false;
    }
    if ((matches & MATCH_IN) !== 0 && !this.holds(MATCH_IN, view.in === this.in)) return false;
    if ((matches & MATCH_OUT) !== 0 && !this.holds(MATCH_OUT, view.out === this.out)) return false;
    if ((matches & MATCH_PROTOCOL) !== 0 && !this.holds(MATCH_PROTOCOL, view.protocol === this.record.protocol)) return false;
    if ((matches & MATCH_IPVS) !== 0 && !this.holds(MATCH_IPVS, view.balanced)) return false;
    return (matches & MATCH_MARK) === 0 || this.holds(MATCH_MARK, (view.mark & this.markMask) === this.mark);
  }

  private matchesTransport(view: PacketView, matches: number): boolean {
    const { record } = this;
    if ((matches & PORT_TESTS) !== 0) {
      if (!view.hasPorts) return false;
      const { sourcePort, destinationPort } = view;
      if ((matches & MATCH_DESTINATION_PORT) !== 0) {
        const isInside = destinationPort >= record.destinationPortFrom && destinationPort <= record.destinationPortTo;
        if (!this.holds(MATCH_DESTINATION_PORT, isInside)) return false;
      }
      if ((matches & MATCH_SOURCE_PORT) !== 0) {
        if (!this.holds(MATCH_SOURCE_PORT, sourcePort >= record.sourcePortFrom && sourcePort <= record.sourcePortTo)) return false;
      }
    }
    if ((matches & MATCH_ICMP_TYPE) !== 0) {
      if (view.icmpType < 0) return false;
      const isType = record.icmpType === ANY_TYPE || record.icmpType === view.icmpType;
      const isCode = record.icmpCode === NONE || record.icmpCode === view.icmpCode;
      if (!this.holds(MATCH_ICMP_TYPE, isType && isCode)) return false;
    }
    if ((matches & MATCH_TCP_FLAGS) === 0) return true;
    return view.tcpFlags >= 0 && this.holds(MATCH_TCP_FLAGS, (view.tcpFlags & record.tcpFlagsMask) === record.tcpFlags);
  }

  private matchesConnection(view: PacketView, matches: number): boolean {
    const { record } = this;
    if ((matches & MATCH_CTSTATE) !== 0 && !this.holds(MATCH_CTSTATE, (view.states & record.ctstate) !== 0)) return false;
    if ((matches & ENTRY_TESTS) === 0) return true;
    const { entry } = view;
    // As xt_conntrack has it: without a connection nothing but the state is looked at.
    if (entry === null) return (matches & MATCH_CTSTATE) !== 0;
    const { destination, destinationPort } = entry.original;
    if ((matches & MATCH_CT_ORIGINAL_DESTINATION) !== 0) {
      if (!this.holds(MATCH_CT_ORIGINAL_DESTINATION, this.ctDestination.has(destination))) return false;
    }
    if ((matches & MATCH_CT_ORIGINAL_PORT) !== 0) {
      const isInside = destinationPort >= record.ctPortFrom && destinationPort <= record.ctPortTo;
      if (!this.holds(MATCH_CT_ORIGINAL_PORT, isInside)) return false;
    }
    if ((matches & MATCH_CT_DIRECTION) === 0) return true;
    return this.holds(MATCH_CT_DIRECTION, (view.isReply ? 1 : 0) === record.ctDirection);
  }

  private matchesPacket(view: PacketView, matches: number): boolean {
    const { policyDirection = 0, wordOffset = 0, wordMask = 0, word = 0 } = this.record;
    if ((matches & MATCH_POLICY) !== 0) {
      if (!this.holds(MATCH_POLICY, policyDirection === 0 ? view.cameSealed : view.willBeSealed)) return false;
    }
    if ((matches & MATCH_WORD) === 0) return true;
    return view.hasWord(wordOffset) && this.holds(MATCH_WORD, (view.word(wordOffset) & wordMask) === (word | 0));
  }

  private matchesTypes(view: PacketView, matches: number): boolean {
    const { record } = this;
    if ((matches & MATCH_DESTINATION_TYPE) !== 0) {
      if (!this.holds(MATCH_DESTINATION_TYPE, isOfType(view, view.destination, record.destinationType))) return false;
    }
    if ((matches & MATCH_SOURCE_TYPE) === 0) return true;
    return this.holds(MATCH_SOURCE_TYPE, isOfType(view, view.source, record.sourceType));
  }
}

function isOfType(view: PacketView, address: number, types: number): boolean {
  return view.isIpv6 ? hasTypes6(view, address, types) : (addressType(view, address) & types) !== 0;
}

/** match_type6 of xt_addrtype: every type that is asked for must hold. */
function hasTypes6({ namespace, addresses }: PacketView, address: number, types: number): boolean {
  const isGroup = addresses !== null && isGroup6(addresses, address);
  if ((types & ADDRTYPE_MULTICAST) !== 0 && !isGroup) return false;
  if ((types & ADDRTYPE_UNICAST) !== 0 && (isGroup || address === UNSPECIFIED)) return false;
  return (types & ADDRTYPE_LOCAL) === 0 || namespace?.routeTo(address)?.type === RouteType.Local;
}

/** inet_addr_type: what the namespace's own addresses make of an address; other routes do not count. */
function addressType({ namespace }: PacketView, address: number): number {
  if (address >>> 24 === 0 || address === LIMITED_BROADCAST) return ADDRTYPE_BROADCAST;
  if (isMulticast(address)) return ADDRTYPE_MULTICAST;
  const type = namespace?.fib.find(address)?.type;
  if (type === RouteType.Local) return ADDRTYPE_LOCAL;
  return type === RouteType.Broadcast ? ADDRTYPE_BROADCAST : ADDRTYPE_UNICAST;
}
