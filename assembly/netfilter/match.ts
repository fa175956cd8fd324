/** Whether a rule matches the packet under inspection: all of its tests hold, those that are negated reversed. */
import {
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
  RULE_CT_DESTINATION,
  RULE_CT_DESTINATION_MASK,
  RULE_CT_DIRECTION,
  RULE_CT_PORT_FROM,
  RULE_CT_PORT_TO,
  RULE_CTSTATE,
  RULE_DESTINATION,
  RULE_DESTINATION_MASK,
  RULE_DESTINATION_PORT_FROM,
  RULE_DESTINATION_PORT_TO,
  RULE_DESTINATION_TYPE,
  RULE_ICMP_CODE,
  RULE_ICMP_TYPE,
  RULE_IN,
  RULE_INVERTS,
  RULE_MARK,
  RULE_MARK_MASK,
  RULE_MATCHES,
  RULE_OUT,
  RULE_POLICY_DIRECTION,
  RULE_PROTOCOL,
  RULE_SOURCE,
  RULE_SOURCE_MASK,
  RULE_SOURCE_PORT_FROM,
  RULE_SOURCE_PORT_TO,
  RULE_SOURCE_TYPE,
  RULE_TCP_FLAGS,
  RULE_TCP_FLAGS_MASK,
  RULE_WORD,
  RULE_WORD_MASK,
  RULE_WORD_OFFSET,
} from "../abi/netfilter";
import { NONE } from "../abi/version";
import { isLaterFragment, transportBytes, transportIn } from "../memory/network";
import { BALANCED, HAS_POLICY, Packet, SECPATH } from "../memory/pool";
import { bytesOf6, copyWords6 } from "../tables/address6";
import { isReply, originalOf, trackedOf, Tuple } from "../tables/conntrack";
import { load32, swap16, swap32 } from "../wire/bytes";
import {
  DESTINATION,
  destinationPort,
  hasPorts,
  icmpCode,
  icmpType,
  inDevice,
  isOfType,
  namespace,
  outDevice,
  protocol,
  SOURCE,
  sourcePort,
  tcpFlags,
} from "./inspect";
import { carriesEntry, ctstateOf, tupleOf } from "./state";

/** Where a connection's first packet was sent, as rules have it. */
const ORIGINAL = memory.data(16, 16);
const CONNECTION: u32 = MATCH_CTSTATE | MATCH_CT_DIRECTION | MATCH_CT_ORIGINAL_DESTINATION | MATCH_CT_ORIGINAL_PORT;
const ANY_ICMP_TYPE: u32 = 255;
/** Tests of devices, addresses, protocol and ports: almost all that rules have. */
const COMMON: u32 = MATCH_IN | MATCH_OUT | MATCH_SOURCE | MATCH_DESTINATION | MATCH_PROTOCOL | MATCH_SOURCE_PORT | MATCH_DESTINATION_PORT;

/** The packet is the one under inspection. */
export function matches(rule: usize, packet: Packet): bool {
  const tests = load<u32>(rule, RULE_MATCHES);
  const inverts = load<u32>(rule, RULE_INVERTS);
  if (tests & MATCH_IN && (load<u32>(rule, RULE_IN) == inDevice) == isOn(inverts, MATCH_IN)) return false;
  if (tests & MATCH_OUT && (load<u32>(rule, RULE_OUT) == outDevice) == isOn(inverts, MATCH_OUT)) return false;
  if (tests & MATCH_PROTOCOL && (load<u32>(rule, RULE_PROTOCOL) == protocol) == isOn(inverts, MATCH_PROTOCOL)) return false;
  if (tests & MATCH_DESTINATION && isWithin(DESTINATION, rule + RULE_DESTINATION, rule + RULE_DESTINATION_MASK) == isOn(inverts, MATCH_DESTINATION)) return false;
  if (tests & MATCH_SOURCE && isWithin(SOURCE, rule + RULE_SOURCE, rule + RULE_SOURCE_MASK) == isOn(inverts, MATCH_SOURCE)) return false;
  if (tests & (MATCH_SOURCE_PORT | MATCH_DESTINATION_PORT) && !matchesPorts(rule, tests, inverts)) return false;
  return (tests & ~COMMON) == 0 || matchesRare(rule, tests, inverts, packet);
}

@inline function isOn(inverts: u32, test: u32): bool {
  return (inverts & test) != 0;
}

@inline function isWithin(address: usize, value: usize, mask: usize): bool {
  return !v128.any_true(v128.xor(v128.and(v128.load(address), v128.load(mask)), v128.load(value)));
}

@inline function isInRange(value: u32, rule: usize, from: i32, to: i32): bool {
  return value >= load<u32>(rule + from) && value <= load<u32>(rule + to);
}

function matchesPorts(rule: usize, tests: u32, inverts: u32): bool {
  if (!hasPorts) return false;
  if (tests & MATCH_SOURCE_PORT) {
    const isThere = isInRange(sourcePort, rule, RULE_SOURCE_PORT_FROM, RULE_SOURCE_PORT_TO);
    if (isThere == isOn(inverts, MATCH_SOURCE_PORT)) return false;
  }
  if (!(tests & MATCH_DESTINATION_PORT)) return true;
  return isInRange(destinationPort, rule, RULE_DESTINATION_PORT_FROM, RULE_DESTINATION_PORT_TO) != isOn(inverts, MATCH_DESTINATION_PORT);
}

function matchesRare(rule: usize, tests: u32, inverts: u32, packet: Packet): bool {
  if (tests & MATCH_SOURCE_TYPE) {
    if (isOfType(packet, true, load<u32>(rule, RULE_SOURCE_TYPE)) == isOn(inverts, MATCH_SOURCE_TYPE)) return false;
  }
  if (tests & MATCH_DESTINATION_TYPE) {
    if (isOfType(packet, false, load<u32>(rule, RULE_DESTINATION_TYPE)) == isOn(inverts, MATCH_DESTINATION_TYPE)) return false;
  }
  if (tests & MATCH_MARK) {
    if (((packet.mark & load<u32>(rule, RULE_MARK_MASK)) == load<u32>(rule, RULE_MARK)) == isOn(inverts, MATCH_MARK)) return false;
  }
  if (tests & MATCH_ICMP_TYPE && !matchesIcmp(rule, inverts)) return false;
  if (tests & MATCH_TCP_FLAGS) {
    if (tcpFlags == NONE) return false;
    if (((tcpFlags & load<u32>(rule, RULE_TCP_FLAGS_MASK)) == load<u32>(rule, RULE_TCP_FLAGS)) == isOn(inverts, MATCH_TCP_FLAGS)) return false;
  }
  if (MANY_HOSTS != 0 && tests & MATCH_IPVS && ((packet.dontFragment & BALANCED) != 0) == isOn(inverts, MATCH_IPVS)) return false;
  if (MANY_HOSTS && tests & (MATCH_POLICY | MATCH_WORD) && !matchesPacket(rule, tests, inverts, packet)) return false;
  return (tests & CONNECTION) == 0 || matchesConnection(rule, tests, inverts, packet);
}

/** policy_mt and u32_mt. */
function matchesPacket(rule: usize, tests: u32, inverts: u32, packet: Packet): bool {
  if (tests & MATCH_POLICY) {
    const asked = load<u32>(rule, RULE_POLICY_DIRECTION) == 0 ? SECPATH : HAS_POLICY;
    if (((packet.dontFragment & asked) != 0) == isOn(inverts, MATCH_POLICY)) return false;
  }
  if (!(tests & MATCH_WORD)) return true;
  const offset = load<u32>(rule, RULE_WORD_OFFSET);
  if (isLaterFragment(packet) || <u64>offset + 4 > <u64>transportBytes(packet)) return false;
  const word = load32(transportIn(packet) + offset);
  return ((word & load<u32>(rule, RULE_WORD_MASK)) == load<u32>(rule, RULE_WORD)) != isOn(inverts, MATCH_WORD);
}

function matchesIcmp(rule: usize, inverts: u32): bool {
  if (icmpType == NONE) return false;
  const type = load<u32>(rule, RULE_ICMP_TYPE);
  const code = load<u32>(rule, RULE_ICMP_CODE);
  const isThere = (type == ANY_ICMP_TYPE || type == icmpType) && (code == NONE || code == icmpCode);
  return isThere != isOn(inverts, MATCH_ICMP_TYPE);
}

/** conntrack_mt: of a packet without a connection only the state can be said. */
function matchesConnection(rule: usize, tests: u32, inverts: u32, packet: Packet): bool {
  if (tests & MATCH_CTSTATE) {
    if (((ctstateOf(packet) & load<u32>(rule, RULE_CTSTATE)) != 0) == isOn(inverts, MATCH_CTSTATE)) return false;
    if ((tests & CONNECTION) == MATCH_CTSTATE || !carriesEntry(packet)) return true;
  }
  if (!carriesEntry(packet)) return false;
  const tuple = tupleOf(packet);
  const original = changetype<Tuple>(originalOf(trackedOf(tuple)));
  if (tests & MATCH_CT_DIRECTION) {
    if ((<u32>isReply(tuple) == load<u32>(rule, RULE_CT_DIRECTION)) == isOn(inverts, MATCH_CT_DIRECTION)) return false;
  }
  if (tests & MATCH_CT_ORIGINAL_DESTINATION) {
    const destination = swap32(<u32>(original.addresses >> 32));
    if (namespace.isIpv6) copyWords6(ORIGINAL, bytesOf6(destination));
    else v128.store(ORIGINAL, i32x4.replace_lane(i32x4.splat(0), 0, destination));
    const isThere = isWithin(ORIGINAL, rule + RULE_CT_DESTINATION, rule + RULE_CT_DESTINATION_MASK);
    if (isThere == isOn(inverts, MATCH_CT_ORIGINAL_DESTINATION)) return false;
  }
  if (!(tests & MATCH_CT_ORIGINAL_PORT)) return true;
  const port = swap16(<u32>(original.ports >> 16));
  return isInRange(port, rule, RULE_CT_PORT_FROM, RULE_CT_PORT_TO) != isOn(inverts, MATCH_CT_ORIGINAL_PORT);
}
