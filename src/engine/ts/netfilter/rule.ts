import {
  ADDRTYPE_BROADCAST,
  ADDRTYPE_LOCAL,
  ADDRTYPE_MULTICAST,
  ADDRTYPE_UNICAST,
  MATCH_CT_DIRECTION,
  MATCH_CT_ORIGINAL_DESTINATION,
  MATCH_CT_ORIGINAL_PORT,
  MATCH_CTSTATE,
  MATCH_DESTINATION,
  MATCH_DESTINATION_PORT,
  MATCH_DESTINATION_TYPE,
  MATCH_ICMP_TYPE,
  MATCH_IN,
  MATCH_MARK,
  MATCH_OUT,
  MATCH_PROTOCOL,
  MATCH_SOURCE,
  MATCH_SOURCE_PORT,
  MATCH_SOURCE_TYPE,
  MATCH_TCP_FLAGS,
} from "../../../../assembly/abi/netfilter";
import { RouteType } from "../../../../assembly/abi/program";
import { NONE } from "../../../../assembly/abi/version";
import type { RuleRecord } from "../../program";
import type { Fib } from "../tables/fib";
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
const HEADER_TESTS = MATCH_IN | MATCH_OUT | MATCH_SOURCE | MATCH_DESTINATION | MATCH_PROTOCOL | MATCH_MARK;
const TYPE_TESTS = MATCH_SOURCE_TYPE | MATCH_DESTINATION_TYPE;

/** A rule as the packet path reads it: its record with signed words, and the chain that it leads to. */
export class Rule {
  readonly in: number;
  readonly out: number;
  readonly source: number;
  readonly sourceMask: number;
  readonly destination: number;
  readonly destinationMask: number;
  readonly ctDestination: number;
  readonly ctDestinationMask: number;
  readonly mark: number;
  readonly markMask: number;
  /** The chain of Jump and Goto. */
  chain: Chain | null = null;

  constructor(
    readonly index: number,
    readonly record: RuleRecord,
  ) {
    this.in = record.in | 0;
    this.out = record.out | 0;
    this.source = record.source[0] | 0;
    this.sourceMask = record.sourceMask[0] | 0;
    this.destination = record.destination[0] | 0;
    this.destinationMask = record.destinationMask[0] | 0;
    this.ctDestination = record.ctDestination[0] | 0;
    this.ctDestinationMask = record.ctDestinationMask[0] | 0;
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
    return (matches & TYPE_TESTS) === 0 || this.matchesTypes(view, matches);
  }

  /** A test that is negated must not hold. */
  private holds(test: number, isTrue: boolean): boolean {
    return isTrue !== ((this.record.inverts & test) !== 0);
  }

  private matchesHeader(view: PacketView, matches: number): boolean {
    if ((matches & MATCH_DESTINATION) !== 0) {
      if (!this.holds(MATCH_DESTINATION, (view.destination & this.destinationMask) === this.destination)) return false;
    }
    if ((matches & MATCH_SOURCE) !== 0) {
      if (!this.holds(MATCH_SOURCE, (view.source & this.sourceMask) === this.source)) return false;
    }
    if ((matches & MATCH_IN) !== 0 && !this.holds(MATCH_IN, view.in === this.in)) return false;
    if ((matches & MATCH_OUT) !== 0 && !this.holds(MATCH_OUT, view.out === this.out)) return false;
    if ((matches & MATCH_PROTOCOL) !== 0 && !this.holds(MATCH_PROTOCOL, view.protocol === this.record.protocol)) return false;
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
      const isThere = (destination & this.ctDestinationMask) === this.ctDestination;
      if (!this.holds(MATCH_CT_ORIGINAL_DESTINATION, isThere)) return false;
    }
    if ((matches & MATCH_CT_ORIGINAL_PORT) !== 0) {
      const isInside = destinationPort >= record.ctPortFrom && destinationPort <= record.ctPortTo;
      if (!this.holds(MATCH_CT_ORIGINAL_PORT, isInside)) return false;
    }
    if ((matches & MATCH_CT_DIRECTION) === 0) return true;
    return this.holds(MATCH_CT_DIRECTION, (view.isReply ? 1 : 0) === record.ctDirection);
  }

  private matchesTypes(view: PacketView, matches: number): boolean {
    const { record } = this;
    const { fib } = view;
    if ((matches & MATCH_DESTINATION_TYPE) !== 0) {
      if (!this.holds(MATCH_DESTINATION_TYPE, (addressType(fib, view.destination) & record.destinationType) !== 0)) return false;
    }
    if ((matches & MATCH_SOURCE_TYPE) === 0) return true;
    return this.holds(MATCH_SOURCE_TYPE, (addressType(fib, view.source) & record.sourceType) !== 0);
  }
}

/** inet_addr_type: what the namespace's own addresses make of an address; other routes do not count. */
function addressType(fib: Fib | null, address: number): number {
  if (address >>> 24 === 0 || address === LIMITED_BROADCAST) return ADDRTYPE_BROADCAST;
  if (isMulticast(address)) return ADDRTYPE_MULTICAST;
  const type = fib?.find(address)?.type;
  if (type === RouteType.Local) return ADDRTYPE_LOCAL;
  return type === RouteType.Broadcast ? ADDRTYPE_BROADCAST : ADDRTYPE_UNICAST;
}
