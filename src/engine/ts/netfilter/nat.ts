import { Hook, Table, Target } from "../../../../assembly/abi/netfilter";
import type { Node } from "../../../../assembly/abi/node";
import { chooseSource6 } from "../ipv6/choose";
import type { Kernel } from "../kernel";
import { isIpv6, LOOPBACK6 } from "../memory/address-table";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Namespace } from "../tables/namespace";
import { sourceOf } from "../wire/ip";
import { destinationIp } from "../wire/ipv4";
import { bind, type Range, Side } from "./bind";
import { CtState, type Entry } from "./entry";
import type { Rule } from "./rule";
import { isErrorMessage } from "./track";
import { translate, translateError } from "./translate";

const LOCALHOST = 0x7f000001;
const range: Range = { from: 0, to: 0, low: 0, high: 0 };

/** nf_nat_inet_fn at a hook of a namespace that translates. False if the packet is to be dropped. The view has been read. */
export function nat(
  kernel: Kernel,
  packet: Packet,
  namespace: Namespace,
  hook: Hook,
  node: Node,
  incoming: Device | null,
  outgoing: Device | null,
): boolean {
  const { conntrack: entry, ctState } = packet;
  if (entry === null) return true;
  const side = hook === Hook.Prerouting || hook === Hook.Output ? Side.Destination : Side.Source;
  if (ctState === CtState.Related && isErrorMessage(kernel.memory.bytes, packet)) return translateError(kernel, packet, entry, side);
  // What was confirmed before the rules came is left alone.
  const isDone = entry.confirmed || (side === Side.Source ? entry.sourceDone : entry.destinationDone);
  if (ctState === CtState.New && !isDone) {
    if (!decide(kernel, packet, namespace, entry, side, hook, node, incoming, outgoing)) return false;
    if (side === Side.Source) entry.sourceDone = true;
    else entry.destinationDone = true;
  } else if (hook === Hook.Postrouting && !packet.ctReply && entry.masqueradedBy !== null && entry.masqueradedBy !== outgoing) {
    // nf_nat_oif_changed: it would go out with an address of another device.
    kernel.conntrack.remove(entry);
    return false;
  }
  translate(kernel, packet, entry, side);
  return true;
}

/** Asks the chain about the first packet of a connection and binds as it says. */
function decide(
  kernel: Kernel,
  packet: Packet,
  namespace: Namespace,
  entry: Entry,
  side: Side,
  hook: Hook,
  node: Node,
  incoming: Device | null,
  outgoing: Device | null,
): boolean {
  const chain = namespace.filterFor(packet)?.chain(Table.Nat, hook) ?? null;
  const { traversal } = kernel;
  traversal.view.namespace = namespace;
  traversal.view.readState(packet);
  const rule = chain === null ? null : traversal.run(kernel, packet, chain, hook, node);
  const target = rule === null ? (chain === null ? Target.Accept : chain.policy) : rule.record.target;
  if (target === Target.Drop) return false;
  if (rule === null || target === Target.Accept || !setRange(kernel, packet, namespace, entry, rule, hook, incoming, outgoing)) {
    if (side === Side.Source) bindAsIs(kernel, entry);
    return true;
  }
  // No address to translate to.
  if (range.from === 0 && (target === Target.Masquerade || target === Target.Redirect)) return false;
  bind(kernel, entry, side, range);
  return true;
}

/** nf_nat_alloc_null_binding: nothing is to be translated, but the replies must be told from others' all the same. */
function bindAsIs(kernel: Kernel, entry: Entry): void {
  const { destination } = entry.reply;
  range.from = range.to = isIpv6(destination) ? destination : destination >>> 0;
  range.low = range.high = 0;
  bind(kernel, entry, Side.Source, range);
}

/** inet_select_addr: 127.0.0.1 is no address for others, so what stays on the host takes one of its other devices, as does a device without one. */
function masqueradeAddress(kernel: Kernel, outgoing: Device, nextHop: number): number {
  if (!outgoing.isLoopback && outgoing.ip !== 0) return outgoing.addressFor(nextHop) >>> 0;
  return kernel.otherAddress(outgoing.namespace) >>> 0;
}

/** What a rule allows; false if it leaves this packet alone. */
function setRange(
  kernel: Kernel,
  packet: Packet,
  namespace: Namespace,
  entry: Entry,
  { record, natFrom, natTo }: Rule,
  hook: Hook,
  incoming: Device | null,
  outgoing: Device | null,
): boolean {
  range.low = record.natPortFrom;
  range.high = record.natPortTo;
  const { bytes } = kernel.memory;
  switch (record.target) {
    case Target.Masquerade: {
      if (sourceOf(bytes, packet) === 0) return false;
      entry.masqueradedBy = outgoing;
      if (packet.isIpv6) {
        range.from = range.to = outgoing === null ? 0 : chooseSource6(kernel.addresses, namespace, outgoing, packet.destination6);
        return true;
      }
      const nextHop = packet.bridged ? destinationIp(bytes, packet.network) : packet.nextHop;
      range.from = range.to = outgoing === null ? 0 : masqueradeAddress(kernel, outgoing, nextHop);
      return true;
    }
    case Target.Redirect:
      if (packet.isIpv6) {
        const first = incoming?.addresses6.find(({ isUsable }) => isUsable)?.ip ?? 0;
        range.from = range.to = hook === Hook.Output ? LOOPBACK6 : first;
        return true;
      }
      range.from = range.to = hook === Hook.Output ? LOCALHOST : incoming === null ? 0 : incoming.ip >>> 0;
      return true;
    default:
      range.from = natFrom;
      range.to = natTo;
      return true;
  }
}
