import { type Hook, Table, Target } from "../../../../assembly/abi/netfilter";
import type { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";
import type { Namespace } from "../tables/namespace";
import { CtState, type Entry } from "./entry";
import type { Filter } from "./filter";
import { reject } from "./reject";
import { CACHED_RULES_MAX, CachedVerdict } from "./verdict-cache";
import type { PacketView } from "./view";

/**
 * Asks a table other than nat; false if the packet is to be dropped (an answer to its sender has been given then). The view
 * has the devices and the headers.
 */
export function runTable(kernel: Kernel, packet: Packet, namespace: Namespace, table: Table, hook: Hook, node: Node): boolean {
  const filter = namespace.filterFor(packet);
  const chain = filter === null ? null : filter.chain(table, hook);
  if (filter === null || chain === null) return true;
  const { traversal } = kernel;
  const { view } = traversal;
  view.namespace = namespace;
  view.readState(packet);
  const { conntrack: entry } = packet;
  const isCacheable = entry !== null && packet.trace === UNTRACED && packet.ctState !== CtState.Related && !filter.asksPackets && kernel.cachesVerdicts;
  const cached = isCacheable ? slotOf(entry, table, hook, packet.ctReply) : null;
  if (cached !== null && entry !== null && isFresh(cached, entry, filter, view)) {
    for (let i = 0; i < cached.count; i++) traversal.counters[cached.rules[i]]++;
    packet.mark = cached.markAfter;
    return cached.accepted;
  }
  const before = view.mark;
  const rule = traversal.run(kernel, packet, chain, hook, node);
  const target = rule === null ? chain.policy : rule.record.target;
  if (rule !== null && target === Target.Reject) {
    reject(kernel, packet, rule.record.rejectWith);
    return false;
  }
  const accepted = target === Target.Accept;
  if (cached !== null && entry !== null && traversal.count <= CACHED_RULES_MAX) {
    remember(cached, entry, filter, view, before);
    cached.accepted = accepted;
    cached.count = traversal.count;
    for (let i = 0; i < traversal.count; i++) cached.rules[i] = traversal.matched[i];
  }
  return accepted;
}

/** Where the verdict of one table on one direction of a connection is kept. */
function slotOf(entry: Entry, table: Table, hook: Hook, isReply: boolean): CachedVerdict {
  const at = (hook * (Table.Filter + 1) + table) * 2 + (isReply ? 1 : 0);
  let slot = entry.verdicts[at];
  if (slot === undefined) {
    while (entry.verdicts.length < at) entry.verdicts.push(undefined);
    slot = entry.verdicts[at] = new CachedVerdict();
  }
  return slot;
}

/** Does the verdict speak of a packet like this one? */
function isFresh(cached: CachedVerdict, entry: Entry, filter: Filter, view: PacketView): boolean {
  return (
    cached.life === entry.life &&
    cached.generation === filter.generation &&
    cached.states === view.states &&
    cached.mark === view.mark &&
    cached.balanced === view.balanced &&
    cached.in === view.in &&
    cached.out === view.out &&
    cached.source === view.source &&
    cached.destination === view.destination &&
    cached.ports === portsOf(view) &&
    (!filter.asksFlags || cached.flags === view.tcpFlags)
  );
}

function remember(cached: CachedVerdict, entry: Entry, filter: Filter, view: PacketView, markBefore: number): void {
  cached.life = entry.life;
  cached.generation = filter.generation;
  cached.states = view.states;
  cached.mark = markBefore;
  cached.balanced = view.balanced;
  cached.markAfter = view.mark;
  cached.in = view.in;
  cached.out = view.out;
  cached.source = view.source;
  cached.destination = view.destination;
  cached.ports = portsOf(view);
  cached.flags = view.tcpFlags;
}

/** Both ports in a word; type and code of ICMP follow from the direction. Without ports: none. */
function portsOf({ hasPorts, sourcePort, destinationPort, icmpType, icmpCode }: PacketView): number {
  return hasPorts ? (sourcePort << 16) | destinationPort : (icmpType << 8) | icmpCode;
}
