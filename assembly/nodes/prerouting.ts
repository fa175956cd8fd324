/** NF_INET_PRE_ROUTING: fragments are put together for connection tracking, then the tables; a bridge's frames come here as well. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { RouteType } from "../abi/program";
import { drop } from "../graph/drop";
import { destinationIn, isFragment, isIpv6, stackOfPacket } from "../memory/network";
import { FOR_BRIDGE, frameOf, Packet } from "../memory/pool";
import { passPrerouting } from "../netfilter/hooks";
import { BRIDGED, stateOf } from "../netfilter/state";
import { Device } from "../tables/device";
import { hasRoute, lookup } from "../tables/fib";
import { Namespace, stackOf } from "../tables/namespace";
import { TRACKS } from "../tables/ruleset";
import { destinationMac, writeDestinationMac } from "../wire/ethernet";
import { switchFrame } from "./bridge-input";
import { routeInput } from "./ip-input";
import { routeInput6 } from "./ip6-input";
import { resolveFrame } from "./neighbour-output";
import { reassembleFor } from "./reassemble";

export function prerouting(packet: Packet): Node {
  if (packet.filter & BRIDGED) return filterFrame(packet);
  if (isFragment(packet) && stackOfPacket(packet).filter & TRACKS && stateOf(packet) == 0) {
    reassembleFor(Node.Prerouting);
    return Node.Reassemble;
  }
  return filterInput(packet);
}

/** The tables, for a packet that came in to the stack. */
export function filterInput(packet: Packet): Node {
  const reason = passPrerouting(packet, stackOfPacket(packet), packet.device);
  if (reason != Drop.None) return drop(packet, reason, Node.Prerouting);
  return isIpv6(packet) ? routeInput6(packet) : routeInput(packet);
}

/** br_nf_pre_routing_finish: a frame whose packet goes elsewhere now gets the MAC of that place. */
function filterFrame(packet: Packet): Node {
  const bridge = packet.device.master;
  const stack = stackOf(bridge.namespace, isIpv6(packet));
  const before = destinationIn(packet);
  const reason = passPrerouting(packet, stack, bridge);
  if (reason != Drop.None) return drop(packet, reason, Node.Prerouting);
  const destination = destinationIn(packet);
  return destination == before ? switchFrame(packet, Node.Prerouting) : redirectFrame(packet, bridge, stack, destination);
}

/** IPv4 knows no way into the bridge while the host does not forward (ip_route_input_slow). */
function redirectFrame(packet: Packet, bridge: Device, stack: Namespace, destination: u32): Node {
  const decision = lookup(stack, destination);
  if ((stack.forwarding != 0 || isIpv6(packet)) && hasRoute(decision) && decision.route.type == RouteType.Unicast && decision.route.device == bridge) {
    if (destinationMac(frameOf(packet)) == bridge.mac) packet.received |= FOR_BRIDGE;
    return resolveFrame(packet, bridge, decision.route.gateway != 0 ? decision.route.gateway : destination);
  }
  writeDestinationMac(frameOf(packet), bridge.mac);
  return switchFrame(packet, Node.Prerouting);
}
