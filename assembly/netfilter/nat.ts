/**
 * nf_nat_inet_fn: the first packet of a connection asks the rules what becomes of its destination (before routing) and of its
 * source (behind it); from then on the connection knows.
 */
import { Drop } from "../abi/drop";
import { Hook, RULE_NAT_FROM, RULE_NAT_PORT_FROM, RULE_NAT_PORT_TO, RULE_NAT_TO, Table, Target } from "../abi/netfilter";
import { Node } from "../abi/node";
import { DeviceKind } from "../abi/program";
import { PROTOCOL_ICMP } from "../abi/protocol";
import { Packet } from "../memory/pool";
import {
  CONFIRMED,
  DESTINATION_DONE,
  DESTINATION_NAT,
  invertAddresses,
  invertPorts,
  isReply,
  MASQUERADED,
  otherTuple,
  remove,
  SOURCE_DONE,
  SOURCE_NAT,
  Tracked,
  trackedOf,
  Tuple,
} from "../tables/conntrack";
import { addressTowards, Device, deviceAt, deviceCount } from "../tables/device";
import { Namespace } from "../tables/namespace";
import { chainBit } from "../tables/ruleset";
import { isValid, sumWords } from "../wire/checksum";
import { ICMP_HEADER, writeIcmpChecksum } from "../wire/icmp";
import { destinationOf, headerLength, protocolOf, sourceOf, totalLength } from "../wire/ipv4";
import { rewriteAddress, rewriteSide } from "../wire/rewrite";
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
  if (state == RELATED && protocolOf(packet.network) == PROTOCOL_ICMP) return translateError(packet, tuple, isSource);
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
  rewriteSide(ip, ip + totalLength(ip), isSource, addressOf(addresses, isSource), portOf(ports, isSource));
}

@inline function addressOf(addresses: u64, isSource: bool): u32 {
  return isSource ? <u32>addresses : <u32>(addresses >> 32);
}

@inline function portOf(ports: u64, isSource: bool): u32 {
  const isFirst = isSource || ((ports >> 32) & 0xff) == PROTOCOL_ICMP;
  return <u32>(isFirst ? ports : ports >> 16) & 0xffff;
}

/** inet_select_addr: 127.0.0.1 is no address for others; the first one of another device is. */
function otherAddress(loopback: Device): u32 {
  for (let index: u32 = 0; index < deviceCount; index++) {
    const device = deviceAt(index);
    if (device.namespace == loopback.namespace && device.kind != DeviceKind.Loopback && device.firstAddress != 0) return device.firstAddress;
  }
  return 0;
}

/** Asks the rules. False: a rule drops it, or there is no address or port for it. */
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
      return bind(tracked, target == Target.Snat, load<u32>(rule, RULE_NAT_FROM), load<u32>(rule, RULE_NAT_TO), low, high);
    case Target.Redirect: {
      const address = hook == Hook.Output ? LOCALHOST : ingress.firstAddress;
      return address != 0 && bind(tracked, false, address, address, low, high);
    }
    case Target.Masquerade: {
      if (sourceOf(packet.network) == 0) break;
      const isLocal = egress.kind == DeviceKind.Loopback;
      const address = isLocal ? otherAddress(egress) : addressTowards(egress, packet.filter & BRIDGED ? destinationOf(packet.network) : packet.next);
      tracked.status |= MASQUERADED;
      tracked.masqueradeDevice = egress.index;
      return address != 0 && bind(tracked, true, address, address, low, high);
    }
    default:
      break;
  }
  if (hook == Hook.Prerouting || hook == Hook.Output) return true;
  const source = sourceOf(packet.network);
  return bind(tracked, true, source, source, 0, 0);
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
