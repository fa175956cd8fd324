/** NF_INET_PRE_ROUTING: fragments are put together for connection tracking, then the tables; a bridge's frames come here as well. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { drop } from "../graph/drop";
import { frameOf, Packet } from "../memory/pool";
import { passPrerouting } from "../netfilter/hooks";
import { BRIDGED, stateOf } from "../netfilter/state";
import { Device } from "../tables/device";
import { hasRoute, lookup } from "../tables/fib";
import { TRACKS } from "../tables/ruleset";
import { writeDestinationMac } from "../wire/ethernet";
import { destinationOf, fragmentWord, IP_MF, IP_OFFSET_MASK } from "../wire/ipv4";
import { switchFrame } from "./bridge-input";
import { routeInput } from "./ip-input";
import { resolveFrame } from "./neighbour-output";
import { reassembleFor } from "./reassemble";

export function prerouting(packet: Packet): Node {
  if (packet.filter & BRIDGED) return filterFrame(packet);
  const isFragment = (fragmentWord(packet.network) & (IP_MF | IP_OFFSET_MASK)) != 0;
  if (isFragment && packet.device.namespace.filter & TRACKS && stateOf(packet) == 0) {
    reassembleFor(Node.Prerouting);
    return Node.Reassemble;
  }
  return filterInput(packet);
}

/** The tables, for a packet that came in to the stack. */
export function filterInput(packet: Packet): Node {
  const reason = passPrerouting(packet, packet.device.namespace, packet.device);
  return reason == Drop.None ? routeInput(packet) : drop(packet, reason, Node.Prerouting);
}

/** br_nf_pre_routing_finish: a frame whose packet goes elsewhere now gets the MAC of that place. */
function filterFrame(packet: Packet): Node {
  const bridge = packet.device.master;
  const before = destinationOf(packet.network);
  const reason = passPrerouting(packet, bridge.namespace, bridge);
  if (reason != Drop.None) return drop(packet, reason, Node.Prerouting);
  const destination = destinationOf(packet.network);
  return destination == before ? switchFrame(packet, Node.Prerouting) : redirectFrame(packet, bridge, destination);
}

function redirectFrame(packet: Packet, bridge: Device, destination: u32): Node {
  const decision = lookup(bridge.namespace, destination);
  if (hasRoute(decision) && decision.route.type == RouteType.Unicast && decision.route.device == bridge) {
    return resolveFrame(packet, bridge, decision.route.gateway != 0 ? decision.route.gateway : destination);
  }
  writeDestinationMac(frameOf(packet), bridge.mac);
  return switchFrame(packet, Node.Prerouting);
}
