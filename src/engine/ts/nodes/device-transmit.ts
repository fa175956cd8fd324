import { Drop } from "../../../../assembly/abi/drop";
import { CAPTURE_OUTBOUND } from "../../../../assembly/abi/event";
import { Node } from "../../../../assembly/abi/node";
import { DeviceKind } from "../../../../assembly/abi/program";
import { ETHERTYPE_IPV4, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { read16, write16 } from "../wire/bytes";
import { ETHERNET_HEADER, etherType } from "../wire/ethernet";
import { fragmentField, IPV4_HEADER, OFFSET_MASK, protocol } from "../wire/ipv4";
import { destinationPort, UDP_HEADER } from "../wire/udp";
import { isTagged, TAG } from "../wire/vlan";

/** dev_queue_xmit of `packet.target`: is it up, does the frame fit, count, capture, then the device's own transmit function. */
export function deviceTransmit(kernel: Kernel, packet: Packet): Node {
  const device = packet.target;
  packet.device = device;
  if (device === null || !device.up) return drop(kernel, packet, Drop.DevReady, Node.DeviceTransmit);
  const length = packet.frameLength;
  if (length > device.mtu + ETHERNET_HEADER && !isTagOver(kernel, packet, device)) return drop(kernel, packet, Drop.PktTooBig, Node.DeviceTransmit);
  device.txPackets++;
  device.txBytes += length;
  kernel.totals.transmitted++;
  if (device.captured) kernel.capture(device, CAPTURE_OUTBOUND, packet);
  if (device.spoilsTunnels) spoilChecksum(kernel.memory.bytes, packet.frame, length);

  if (device.link !== null && device.peer !== null) return Node.Link;
  switch (device.kind) {
    case DeviceKind.Bridge:
      return Node.BridgeOutput;
    case DeviceKind.Loopback:
      packet.target = device;
      return Node.Receive;
    case DeviceKind.Dummy:
      kernel.pool.release(packet);
      return Node.Done;
    case DeviceKind.Vxlan:
      return Node.VxlanOutput;
    case DeviceKind.Gone:
      return drop(kernel, packet, Drop.DevReady, Node.DeviceTransmit);
    case DeviceKind.Macvlan:
      return toLower(kernel, packet, device, Node.MacvlanOutput);
    case DeviceKind.Ipvlan:
      return toLower(kernel, packet, device, Node.IpvlanOutput);
    case DeviceKind.Vlan:
      return toLower(kernel, packet, device, Node.VlanOutput);
    case DeviceKind.Veth:
    case DeviceKind.Physical:
      if (device.peer === null) return drop(kernel, packet, Drop.DevReady, Node.DeviceTransmit);
      packet.target = device.peer;
      return Node.Receive;
  }
}

const TUNNEL_PORTS: readonly number[] = [4789, 8472];
/** Of UDP in the usual IPv4 header, behind Ethernet. */
const UDP_AT = ETHERNET_HEADER + IPV4_HEADER;
const NO_OPTIONS = 0x45;

/** The NIC's idea of the UDP checksum of VXLAN. */
function spoilChecksum(bytes: Uint8Array, frame: number, length: number): void {
  const network = frame + ETHERNET_HEADER;
  const isUdp = length >= UDP_AT + UDP_HEADER && etherType(bytes, frame) === ETHERTYPE_IPV4 && bytes[network] === NO_OPTIONS && protocol(bytes, network) === PROTOCOL_UDP;
  if (!isUdp || (fragmentField(bytes, network) & OFFSET_MASK) !== 0 || !TUNNEL_PORTS.includes(destinationPort(bytes, frame + UDP_AT))) return;
  const at = frame + UDP_AT + 6;
  const right = read16(bytes, at);
  if (right !== 0) write16(bytes, at, (right ^ 0x5555) || 0xffff);
}

/** Is it only the tag that makes the frame longer than the MTU says? */
function isTagOver(kernel: Kernel, { frame, frameLength }: Packet, device: Device): boolean {
  return frameLength <= device.mtu + ETHERNET_HEADER + TAG && isTagged(kernel.memory.bytes, frame, frameLength);
}

function toLower(kernel: Kernel, packet: Packet, device: Device, node: Node): Node {
  return device.peer === null ? drop(kernel, packet, Drop.DevReady, Node.DeviceTransmit) : node;
}
