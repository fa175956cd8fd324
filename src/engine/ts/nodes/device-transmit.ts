import { Drop } from "../../../../assembly/abi/drop";
import { CAPTURE_OUTBOUND } from "../../../../assembly/abi/event";
import { Node } from "../../../../assembly/abi/node";
import { DeviceKind } from "../../../../assembly/abi/program";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { ETHERNET_HEADER } from "../wire/ethernet";

/** dev_queue_xmit of `packet.target`: is it up, does the frame fit, count, capture, then the device's own transmit function. */
export function deviceTransmit(kernel: Kernel, packet: Packet): Node {
  const device = packet.target;
  packet.device = device;
  if (device === null || !device.up) return drop(kernel, packet, Drop.DevReady, Node.DeviceTransmit);
  const length = packet.frameLength;
  if (length > device.mtu + ETHERNET_HEADER) return drop(kernel, packet, Drop.PktTooBig, Node.DeviceTransmit);
  device.txPackets++;
  device.txBytes += length;
  kernel.totals.transmitted++;
  if (device.captured) kernel.capture(device, CAPTURE_OUTBOUND, packet);

  if (device.link !== null && device.peer !== null) return Node.Link;
  switch (device.kind) {
    case DeviceKind.Bridge:
      return Node.BridgeOutput;
    case DeviceKind.Loopback:
      packet.target = device;
      return Node.Receive;
    case DeviceKind.Gone:
    case DeviceKind.Macvlan:
    case DeviceKind.Ipvlan:
    case DeviceKind.Vlan:
    case DeviceKind.Dummy:
      return drop(kernel, packet, Drop.DevReady, Node.DeviceTransmit);
    case DeviceKind.Veth:
    case DeviceKind.Physical:
      if (device.peer === null) return drop(kernel, packet, Drop.DevReady, Node.DeviceTransmit);
      packet.target = device.peer;
      return Node.Receive;
  }
}
