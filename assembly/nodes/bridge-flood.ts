/** br_flood: a copy out of every port that is up, except the one it came from, unless that is in hairpin mode. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_HAIRPIN, DEVICE_UP, DeviceKind } from "../abi/program";
import { appendCopy } from "../graph/copy";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { Packet } from "../memory/pool";
import { Device, portAt } from "../tables/device";

export function bridgeFlood(packet: Packet): Node {
  const device = packet.device;
  // The bridge itself sends, or a port received.
  const bridge = device.kind == DeviceKind.Bridge ? device : device.master;
  if (!floodPorts(packet, bridge, device, Node.BridgeFlood)) return drop(packet, Drop.BridgeNoEgressPort, Node.BridgeFlood);
  return consume(packet);
}

/** Appends the copies, in the order of the ports. Whether there was a port at all. */
export function floodPorts(packet: Packet, bridge: Device, ingress: Device, inProgress: Node): bool {
  let eligible = false;
  const count = bridge.portCount;
  for (let index: u32 = 0; index < count; index++) {
    const port = portAt(bridge, index);
    if (!(port.flags & DEVICE_UP) || (port == ingress && !(port.flags & DEVICE_HAIRPIN))) continue;
    eligible = true;
    appendCopy(packet, port, Node.BridgeForward, inProgress);
  }
  return eligible;
}
