/**
 * nf_nat_inet_fn: the first packet of a connection asks the rules what becomes of its destination (before routing) and of its
 * source (behind it); from then on the connection knows.
 */
import { Drop } from "../abi/drop";
import { Hook, RULE_NAT_FROM, RULE_NAT_PORT_FROM, RULE_NAT_PORT_TO, RULE_NAT_TO, Table, Target } from "../abi/netfilter";
import { Node } from "../abi/node";
import { DeviceKind } from "../abi/program";
import { PROTOCOL_ICMP, PROTOCOL_ICMP6 } from "../abi/protocol";
import { addressAt6, destinationIn, isLaterFragment, protocolIn, QUOTED, readQuote6, sourceIn, transportBytes, transportIn } from "../memory/network";
import { notesOf, Packet } from "../memory/pool";
import { bytesOf6, LOCALHOST6, noteWords6 } from "../tables/address6";
import {
  CONFIRMED,
  DESTINATION_DONE,
  DESTINATION_NAT,
  invertAddresses,
  invertPorts,
  isIcmpTuple,
  isReply,
  isTuple6,
  MASQUERADED,
  otherTuple,
  remove,
  SOURCE_DONE,
  SOURCE_NAT,
  Tracked,
  trackedOf,
  Tuple,
} from "../tables/conntrack";
import { addressTowards, Device, otherAddress } from "../tables/device";
import { Route } from "../tables/fib";
import { chooseSource6, firstAddress6 } from "../tables/interface6";
import { Namespace } from "../tables/namespace";
import { chainBit } from "../tables/ruleset";
import { swap32 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ICMP_HEADER, writeIcmpChecksum } from "../wire/icmp";
import { destinationOf, headerLength, totalLength } from "../wire/ipv4";
import { writeIcmp6Checksum } from "../wire/ipv6";
import { rewriteAddress, rewriteAddress6, rewriteSide, rewriteTransport6 } from "../wire/rewrite";
import { bind } from "./bind";
import { BRIDGED, NEW, RELATED, stateOf, tupleOf } from "./state";
import { decidingRule, traverse } from "./traverse";

const ICMP_REDIRECT: u32 = 5;
const LOCALHOST: u32 = 0x7f000001;

/** Translates a packet that carries a connection. `ingress` and `egress` are what the rules know as `in` and `out`. */
export function nat(packet: Packet, namespace: Namespace, hook: Hook, node: Node, ingress: Device, egress: Device): Drop {
  const isSource = hook == Hook.Postrouting || hook == Hook.Input;
  const tuple = tupleOf(packet);
  const tracked = trackedOf(tuple);
  const state = stateOf(packet);
  if (state == RELATED && protocolIn(packet) == <u32>(namespace.isIpv6 ? PROTOCOL_ICMP6 : PROTOCOL_ICMP)) {
    return namespace.isIpv6 ? translateError6(packet, tuple, isSource) : translateError(packet, tuple, isSource);
  }
  const done = isSource ? SOURCE_DONE : DESTINATION_DONE;
  if (state == NEW && !(tracked.status & done)) {
    if (!(tracked.status & CONFIRMED) && !decide(packet, tracked, namespace, hook, node, ingress, egress)) return Drop.NetfilterDrop;
    tracked.status |= done;
  } else if (tracked.status & MASQUERADED && hook == Hook.Postrouting && !isReply(tuple) && tracked.masqueradeDevice != egress.index) {
    remove(tracked);
    return Drop.NetfilterDrop;
  }
  if (tracked.status & natOf(tuple, isSource)) translate(packet, tuple, isSource);
  return Drop.None;
}

/** Which translation of the connection changes this side of a packet in the direction of a tuple. */
@inline function natOf(tuple: usize, isSource: bool): u32 {
  return isSource != isReply(tuple) ? SOURCE_NAT : DESTINATION_NAT;
}

/** The side becomes what the other direction's packets answer to. */
@inline function translate(packet: Packet, tuple: usize, isSource: bool): void {
  const ip = packet.network;
  const other = changetype<Tuple>(otherTuple(tuple));
  const addresses = invertAddresses(other.addresses);
  const ports = invertPorts(other.ports);
  if (isTuple6(ports)) translate6(packet, isSource, addressOf(addresses, isSource), portOf(ports, isSource));
  else rewriteSide(ip, ip + totalLength(ip), isSource, addressOf(addresses, isSource), portOf(ports, isSource));
}

function translate6(packet: Packet, isSource: bool, address: u32, port: u32): void {
  const change = readdress6(packet, isSource, swap32(address));
  if (isLaterFragment(packet)) return;
  const transport = transportIn(packet);
  rewriteTransport6(protocolIn(packet), transport, transport + transportBytes(packet), isSource, port, change);
}

/** Gives the packet an address by its number. */
function readdress6(packet: Packet, isSource: bool, number: u32): u64 {
  if (isSource) notesOf(packet).source = number;
  else notesOf(packet).destination = number;
  return rewriteAddress6(addressAt6(packet.network, isSource), bytesOf6(number));
}

@inline function addressOf(addresses: u64, isSource: bool): u32 {
  return isSource ? <u32>addresses : <u32>(addresses >> 32);
}

@inline function portOf(ports: u64, isSource: bool): u32 {
  const isFirst = isSource || isIcmpTuple(ports);
  return <u32>(isFirst ? ports : ports >> 16) & 0xffff;
}

/** Asks the rules. False: a rule drops it, or there is no address for it. */
function decide(packet: Packet, tracked: Tracked, namespace: Namespace, hook: Hook, node: Node, ingress: Device, egress: Device): bool {
  const target = namespace.filter & chainBit(hook, Table.Nat) ? traverse(packet, hook, Table.Nat, node) : Target.Accept;
  const rule = decidingRule;
  const low = rule != 0 ? load<u32>(rule, RULE_NAT_PORT_FROM) : 0;
  const high = rule != 0 ? load<u32>(rule, RULE_NAT_PORT_TO) : 0;
  switch (target) {
    case Target.Drop:
      return false;
    case Target.Dnat:
    case Target.Snat:
      bind(tracked, target == Target.Snat, addressIn(namespace, rule + RULE_NAT_FROM), addressIn(namespace, rule + RULE_NAT_TO), low, high);
      return true;
    case Target.Redirect: {
      const own = namespace.isIpv6 ? firstAddress6(ingress, false) : ingress.firstAddress;
      const address = hook == Hook.Output ? (namespace.isIpv6 ? LOCALHOST6 : LOCALHOST) : own;
      if (address != 0) bind(tracked, false, address, address, low, high);
      return address != 0;
    }
    case Target.Masquerade: {
      if (sourceIn(packet) == 0) break;
      const address = masqueradeAddress(packet, namespace, egress);
      tracked.status |= MASQUERADED;
      tracked.masqueradeDevice = egress.index;
      if (address != 0) bind(tracked, true, address, address, low, high);
      return address != 0;
    }
    default:
      break;
  }
  if (hook == Hook.Prerouting || hook == Hook.Output) return true;
  const source = sourceIn(packet);
  bind(tracked, true, source, source, 0, 0);
  return true;
}

/** nf_nat_masquerade_ipv4 and _ipv6; 0: there is none. */
function masqueradeAddress(packet: Packet, stack: Namespace, egress: Device): u32 {
  if (stack.isIpv6) return chooseSource6(stack, changetype<Route>(0), destinationIn(packet), egress);
  if (egress.kind == DeviceKind.Loopback || egress.firstAddress == 0) return otherAddress(egress.namespace);
  return addressTowards(egress, packet.filter & BRIDGED ? destinationOf(packet.network) : packet.next);
}

/** An address of a rule: for IPv6 its number. */
function addressIn(stack: Namespace, words: usize): u32 {
  return stack.isIpv6 ? noteWords6(words) : load<u32>(words);
}

/** The same as below, of ICMPv6. */
function translateError6(packet: Packet, tuple: usize, isSource: bool): Drop {
  const ip = packet.network;
  const icmp = transportIn(packet);
  const bytes = transportBytes(packet);
  if (!isValid(sumPseudoHeader(ip, PROTOCOL_ICMP6, bytes) + sumWords(icmp, bytes))) return Drop.NetfilterDrop;
  if (!(trackedOf(tuple).status & natOf(tuple, isSource))) return Drop.None;
  const other = changetype<Tuple>(otherTuple(tuple));
  const inner = icmp + ICMP_HEADER;
  if (readQuote6(inner, bytes - ICMP_HEADER)) {
    const change = rewriteAddress6(addressAt6(inner, !isSource), bytesOf6(swap32(addressOf(other.addresses, !isSource))));
    rewriteTransport6(QUOTED.protocol, inner + QUOTED.transport, icmp + bytes, !isSource, portOf(other.ports, !isSource), change);
  }
  readdress6(packet, isSource, swap32(addressOf(invertAddresses(other.addresses), isSource)));
  writeIcmp6Checksum(ip, icmp, bytes);
  return Drop.None;
}

/** nf_nat_icmp_reply_translation: an error, and inside it the packet that it quotes, which went the other way. */
function translateError(packet: Packet, tuple: usize, isSource: bool): Drop {
  const tracked = trackedOf(tuple);
  const ip = packet.network;
  const icmp = ip + headerLength(ip);
  const end = ip + totalLength(ip);
  if (!isValid(sumWords(icmp, end - icmp))) return Drop.NetfilterDrop;
  if (<u32>load<u8>(icmp) == ICMP_REDIRECT && tracked.status & (SOURCE_NAT | DESTINATION_NAT)) return Drop.NetfilterDrop;
  if (!(tracked.status & natOf(tuple, isSource))) return Drop.None;
  const other = changetype<Tuple>(otherTuple(tuple));
  rewriteSide(icmp + ICMP_HEADER, end, !isSource, addressOf(other.addresses, !isSource), portOf(other.ports, !isSource));
  writeIcmpChecksum(icmp, <u32>(end - icmp));
  rewriteAddress(ip, isSource, addressOf(invertAddresses(other.addresses), isSource));
  return Drop.None;
}
