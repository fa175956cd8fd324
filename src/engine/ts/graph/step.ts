import { Drop } from "../../../../assembly/abi/drop";
import { WALK_STEPS_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";
import { arpInput } from "../nodes/arp-input";
import { bridgeFlood } from "../nodes/bridge-flood";
import { bridgeForward } from "../nodes/bridge-forward";
import { bridgeInput } from "../nodes/bridge-input";
import { bridgeOutput } from "../nodes/bridge-output";
import { deviceTransmit } from "../nodes/device-transmit";
import { espInput } from "../nodes/esp-input";
import { espOutput } from "../nodes/esp-output";
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
import { vxlanInput } from "../nodes/vxlan-input";
import { vxlanOutput } from "../nodes/vxlan-output";
import { forward } from "../nodes/forward";
import { localIn } from "../nodes/local-in";
import { localOut } from "../nodes/local-out";
import { postrouting } from "../nodes/postrouting";
import { prerouting } from "../nodes/prerouting";
import { localDeliver } from "../nodes/local-deliver";
import { neighbourOutput } from "../nodes/neighbour-output";
import { reassemble } from "../nodes/reassemble";
import { receive } from "../nodes/receive";
import { socketOutput } from "../nodes/socket-output";
import { tcpInput } from "../nodes/tcp-input";
import { udpInput } from "../nodes/udp-input";
import { linkOutput } from "../simulation/link";
import { drop } from "./drop";
import { recordHop } from "./trace";

/** Charges a visit; false if the walk has made as many as it may. */
export function visit(kernel: Kernel, node: Node): boolean {
  kernel.steps++;
  kernel.clock += kernel.costs[node];
  kernel.node = node;
  return kernel.steps <= WALK_STEPS_MAX;
}

/** One node visit of one packet. Returns where the packet goes next. */
export function step(kernel: Kernel, packet: Packet, node: Node): Node {
  if (!visit(kernel, node)) return drop(kernel, packet, Drop.WalkLimit, node);
  if (packet.trace !== UNTRACED) recordHop(kernel, packet, node);
  switch (node) {
    case Node.SocketOutput:
      return socketOutput(kernel, packet);
    case Node.IpOutput:
      return ipOutput(kernel, packet);
    case Node.IpFragment:
      return ipFragment(kernel, packet);
    case Node.NeighbourOutput:
      return neighbourOutput(kernel, packet);
    case Node.DeviceTransmit:
      return deviceTransmit(kernel, packet);
    case Node.Receive:
      return receive(kernel, packet);
    case Node.BridgeInput:
      return bridgeInput(kernel, packet);
    case Node.BridgeForward:
      return bridgeForward(packet);
    case Node.BridgeFlood:
      return bridgeFlood(kernel, packet);
    case Node.BridgeOutput:
      return bridgeOutput(kernel, packet);
    case Node.ArpInput:
      return arpInput(kernel, packet);
    case Node.IpInput:
      return ipInput(kernel, packet);
    case Node.IpForward:
      return ipForward(kernel, packet);
    case Node.LocalDeliver:
      return localDeliver(kernel, packet);
    case Node.Reassemble:
      return reassemble(kernel, packet);
    case Node.IcmpInput:
      return icmpInput(kernel, packet);
    case Node.Ip6Input:
      return ip6Input(kernel, packet);
    case Node.Ip6Forward:
      return ip6Forward(kernel, packet);
    case Node.Ip6Output:
      return ip6Output(kernel, packet);
    case Node.Ip6Fragment:
      return ip6Fragment(kernel, packet);
    case Node.Icmp6Input:
      return icmp6Input(kernel, packet);
    case Node.UdpInput:
      return udpInput(kernel, packet);
    case Node.TcpInput:
      return tcpInput(kernel, packet);
    case Node.IpvlanInput:
      return ipvlanInput(kernel, packet);
    case Node.IpvlanOutput:
      return ipvlanOutput(kernel, packet);
    case Node.MacvlanInput:
      return macvlanInput(kernel, packet);
    case Node.MacvlanOutput:
      return macvlanOutput(kernel, packet);
    case Node.VlanInput:
      return vlanInput(kernel, packet);
    case Node.VlanOutput:
      return vlanOutput(kernel, packet);
    case Node.VxlanInput:
      return vxlanInput(kernel, packet);
    case Node.VxlanOutput:
      return vxlanOutput(kernel, packet);
    case Node.Link:
      return linkOutput(kernel, packet);
    case Node.Prerouting:
      return prerouting(kernel, packet);
    case Node.LocalIn:
      return localIn(kernel, packet);
    case Node.Forward:
      return forward(kernel, packet);
    case Node.LocalOut:
      return localOut(kernel, packet);
    case Node.Postrouting:
      return postrouting(kernel, packet);
    case Node.EspOutput:
      return espOutput(kernel, packet);
    case Node.EspInput:
      return espInput(kernel, packet);
    // These end a walk or begin one; no packet is sent to them.
    case Node.Done:
    case Node.IcmpError:
    case Node.Icmp6Error:
    case Node.Ipvs:
    case Node.ApplicationWake:
    case Node.Timer:
      return Node.Done;
  }
}
