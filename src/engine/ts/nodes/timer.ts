import { Drop } from "../../../../assembly/abi/drop";
import { NEIGHBOUR_PROBES_MAX, NEIGHBOUR_RETRANSMIT_NS } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import { ICMP6_ADDRESS_UNREACHABLE, ICMP6_UNREACHABLE, ICMP_HOST_UNREACHABLE, ICMP_REASSEMBLY_TIMEOUT, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from "../../../../assembly/abi/protocol";
import { account, drop } from "../graph/drop";
import { visit } from "../graph/step";
import { enter, leave } from "../graph/walk";
import { tellExpired6 } from "../ipv6/reassemble";
import type { Kernel } from "../kernel";
import { EventType } from "../simulation/event-queue";
import { isDue, postpone } from "../simulation/timer";
import { type Neighbour, NeighbourState } from "../tables/neighbour";
import type { ReassemblyBuffer } from "../tables/reassembly";
import { totalLength } from "../wire/ipv4";
import { icmpError } from "./icmp-error";
import { icmp6Error } from "./icmp6-error";
import { armNeighbour, solicit } from "./neighbour-output";

/** neigh_timer_handler. */
export function neighbourTimer(kernel: Kernel, entry: Neighbour): void {
  if (!isDue(kernel, entry, EventType.NeighbourTimer)) return;
  const { cpu } = entry.device.namespace;
  if (!enter(kernel, cpu, kernel.now)) {
    postpone(kernel, entry, EventType.NeighbourTimer);
    return;
  }
  visit(kernel, Node.Timer);
  switch (entry.state) {
    case NeighbourState.Incomplete:
    case NeighbourState.Probe:
      probe(kernel, entry);
      break;
    case NeighbourState.Delay:
      if (entry.confirmed >= entry.since) {
        entry.state = NeighbourState.Reachable;
      } else {
        entry.state = NeighbourState.Probe;
        entry.probes = 0;
        probe(kernel, entry);
      }
      break;
  }
  leave(kernel, cpu);
}

/** The next request, or the end of the attempts. */
function probe(kernel: Kernel, entry: Neighbour): void {
  if (entry.probes < NEIGHBOUR_PROBES_MAX) {
    entry.probes++;
    solicit(kernel, entry);
    armNeighbour(kernel, entry, kernel.clock + NEIGHBOUR_RETRANSMIT_NS);
    return;
  }
  entry.state = NeighbourState.Failed;
  for (const packet of entry.queue) {
    if (packet.isIpv6) icmp6Error(kernel, packet, ICMP6_UNREACHABLE, ICMP6_ADDRESS_UNREACHABLE, 0);
    else icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
    drop(kernel, packet, Drop.NeighFailed, Node.NeighbourOutput);
  }
  entry.queue.length = 0;
}

/** ip_expire. */
export function reassemblyTimer(kernel: Kernel, buffer: ReassemblyBuffer): void {
  if (!isDue(kernel, buffer, EventType.ReassemblyTimer)) return;
  const { namespace, kept } = buffer;
  if (namespace === null) return;
  if (!enter(kernel, namespace.cpu, kernel.now)) {
    postpone(kernel, buffer, EventType.ReassemblyTimer);
    return;
  }
  visit(kernel, Node.Timer);
  // ip_expire: a router that put fragments together for netfilter keeps quiet.
  const isOurs = namespace.routeTo(buffer.destination)?.type === RouteType.Local;
  if (buffer.headerLength > 0 && isOurs) {
    kept.network = buffer.payload - buffer.headerLength;
    if (kept.isIpv6) tellExpired6(kernel, buffer);
    else tellExpired(kernel, buffer);
  }
  account(kernel, Drop.FragReasmTimeout, Node.Reassemble, kept.trace, kept.device, kept.flow, kept.sequence, buffer.received);
  buffer.free();
  leave(kernel, namespace.cpu);
}

function tellExpired(kernel: Kernel, { kept }: ReassemblyBuffer): void {
  kept.datagramLength = totalLength(kernel.memory.bytes, kept.network);
  icmpError(kernel, kept, ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_TIMEOUT, 0);
}
