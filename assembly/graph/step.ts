/** The packet path's one switch: each node says which one is next. */
import { Node } from "../abi/node";
import { Packet } from "../memory/pool";
import { arpInput } from "../nodes/arp-input";
import { applicationWake } from "../nodes/application-wake";
import { bridgeFlood } from "../nodes/bridge-flood";
import { bridgeForward } from "../nodes/bridge-forward";
import { bridgeInput } from "../nodes/bridge-input";
import { bridgeOutput } from "../nodes/bridge-output";
import { deviceTransmit } from "../nodes/device-transmit";
import { espInput } from "../nodes/esp-input";
import { espOutput } from "../nodes/esp-output";
import { forward } from "../nodes/forward";
import { icmpInput } from "../nodes/icmp-input";
import { icmp6Input } from "../nodes/icmp6-input";
import { ip6Forward } from "../nodes/ip6-forward";
import { ip6Fragment } from "../nodes/ip6-fragment";
import { ip6Input } from "../nodes/ip6-input";
import { ip6Output } from "../nodes/ip6-output";
import { ipForward } from "../nodes/ip-forward";
import { ipFragment } from "../nodes/ip-fragment";
import { ipInput } from "../nodes/ip-input";
import { ipOutput } from "../nodes/ip-output";
import { ipvlanInput } from "../nodes/ipvlan-input";
import { ipvlanOutput } from "../nodes/ipvlan-output";
import { macvlanInput } from "../nodes/macvlan-input";
import { macvlanOutput } from "../nodes/macvlan-output";
import { vlanInput } from "../nodes/vlan-input";
import { vlanOutput } from "../nodes/vlan-output";
import { localDeliver } from "../nodes/local-deliver";
import { localIn } from "../nodes/local-in";
import { localOut } from "../nodes/local-out";
import { neighbourOutput } from "../nodes/neighbour-output";
import { postrouting } from "../nodes/postrouting";
import { prerouting } from "../nodes/prerouting";
import { reassemble } from "../nodes/reassemble";
import { receive } from "../nodes/receive";
import { socketOutput } from "../nodes/socket-output";
import { tcpInput } from "../nodes/tcp-input";
import { udpInput } from "../nodes/udp-input";
import { vxlanInput } from "../nodes/vxlan-input";
import { vxlanOutput } from "../nodes/vxlan-output";
import { linkOutput } from "../simulation/link";

/** IcmpError, Icmp6Error and Timer are visited by those who need them: they are nobody's next node. */
@inline export function step(packet: Packet, node: Node): Node {
  switch (node) {
    case Node.SocketOutput:
      return socketOutput(packet);
    case Node.IpOutput:
      return ipOutput(packet);
    case Node.IpFragment:
      return ipFragment(packet);
    case Node.NeighbourOutput:
      return neighbourOutput(packet);
    case Node.DeviceTransmit:
      return deviceTransmit(packet);
    case Node.Receive:
      return receive(packet);
    case Node.BridgeInput:
      return bridgeInput(packet);
    case Node.BridgeForward:
      return bridgeForward(packet);
    case Node.BridgeFlood:
      return bridgeFlood(packet);
    case Node.BridgeOutput:
      return bridgeOutput(packet);
    case Node.ArpInput:
      return arpInput(packet);
    case Node.IpInput:
      return ipInput(packet);
    case Node.IpForward:
      return ipForward(packet);
    case Node.Ip6Input:
      return ip6Input(packet);
    case Node.Ip6Forward:
      return ip6Forward(packet);
    case Node.Ip6Output:
      return ip6Output(packet);
    case Node.Ip6Fragment:
      return ip6Fragment(packet);
    case Node.Icmp6Input:
      return icmp6Input(packet);
    case Node.LocalDeliver:
      return localDeliver(packet);
    case Node.Reassemble:
      return reassemble(packet);
    case Node.IcmpInput:
      return icmpInput(packet);
    case Node.UdpInput:
      return udpInput(packet);
    case Node.TcpInput:
      return tcpInput(packet);
    case Node.ApplicationWake:
      return applicationWake(packet);
    case Node.IpvlanInput:
      return ipvlanInput(packet);
    case Node.IpvlanOutput:
      return ipvlanOutput(packet);
    case Node.MacvlanInput:
      return macvlanInput(packet);
    case Node.MacvlanOutput:
      return macvlanOutput(packet);
    case Node.VlanInput:
      return vlanInput(packet);
    case Node.VlanOutput:
      return vlanOutput(packet);
    case Node.Link:
      return linkOutput(packet);
    case Node.Prerouting:
      return prerouting(packet);
    case Node.LocalIn:
      return localIn(packet);
    case Node.Forward:
      return forward(packet);
    case Node.LocalOut:
      return localOut(packet);
    case Node.Postrouting:
      return postrouting(packet);
    default:
      return stepBetweenHosts(packet, node);
  }
}

/** Nodes that only the large build has. */
function stepBetweenHosts(packet: Packet, node: Node): Node {
  if (MANY_HOSTS) {
    if (node == Node.VxlanInput) return vxlanInput(packet);
    if (node == Node.VxlanOutput) return vxlanOutput(packet);
    if (node == Node.EspInput) return espInput(packet);
    if (node == Node.EspOutput) return espOutput(packet);
  }
  assert(false, "walk: the next node is one of the graph's");
  return Node.Done;
}
