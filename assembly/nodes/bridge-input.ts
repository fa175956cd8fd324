/**
 * br_handle_frame and br_handle_frame_finish: check the source, drop what is reserved for the link, learn; a group goes to
 * everybody, an own address up, a known one to its port, an unknown one to all ports.
 *
 * Differs from Linux: no spanning tree, no VLAN filtering, no multicast snooping.
 */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_HAIRPIN, DEVICE_PORT_SECURITY } from "../abi/program";
import { drop } from "../graph/drop";
import { frameOf, Packet } from "../memory/pool";
import { Device, isNull } from "../tables/device";
import { find, Found, foundPort, learn } from "../tables/fdb";
import { destinationMac, isGroup, isReserved, sourceMac } from "../wire/ethernet";
import { floodPorts } from "./bridge-flood";

export function bridgeInput(packet: Packet): Node {
  const port = packet.device;
  const bridge = port.master;
  const frame = frameOf(packet);
  const source = sourceMac(frame);
  const destination = destinationMac(frame);
  if (source == 0 || isGroup(source)) return drop(packet, Drop.MacInvalidSource, Node.BridgeInput);
  if (port.flags & DEVICE_PORT_SECURITY && !isNull(port.egress) && source != port.egress.mac) return drop(packet, Drop.PortSecurity, Node.BridgeInput);
  if (isReserved(destination)) return drop(packet, Drop.UnhandledProto, Node.BridgeInput);
  learn(bridge, source, port);
  if (isGroup(destination)) {
    floodPorts(packet, bridge, port, Node.BridgeInput);
    return up(packet, bridge);
  }
  const found = find(bridge, destination);
  if (found == Found.Own) return up(packet, bridge);
  if (found == Found.Nothing) return Node.BridgeFlood;
  if (foundPort == port && !(port.flags & DEVICE_HAIRPIN)) return drop(packet, Drop.BridgeNoEgressPort, Node.BridgeInput);
  packet.out = foundPort;
  return Node.BridgeForward;
}

/** br_pass_frame_up: the bridge's own stack receives it. */
@inline function up(packet: Packet, bridge: Device): Node {
  packet.out = bridge;
  return Node.Receive;
}
