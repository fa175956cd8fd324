/** dev_queue_xmit and the device's own xmit: up? short enough? count, capture, then the other end of the device. */
import { DEVICE_COUNTER_TX_BYTES, DEVICE_COUNTER_TX_PACKETS } from "../abi/counter";
import { Drop } from "../abi/drop";
import { CAPTURE_OUTBOUND } from "../abi/event";
import { Node } from "../abi/node";
import { DEVICE_BAD_OFFLOAD, DEVICE_UP, DeviceKind } from "../abi/program";
import { captureFrame } from "../graph/capture";
import { PROTOCOL_UDP } from "../abi/protocol";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { frameOf, Packet } from "../memory/pool";
import { transmitted } from "../tables/counters";
import { Device, DEVICE_CAPTURED } from "../tables/device";
import { ETHERNET_HEADER, etherType, TYPE_IPV4 } from "../wire/ethernet";
import { fragmentWord, IP_OFFSET_MASK, IPV4_HEADER, protocolOf } from "../wire/ipv4";
import { destinationPort, UDP_CHECKSUM, UDP_HEADER } from "../wire/udp";
import { isTagged, TAG } from "../wire/vlan";

export function deviceTransmit(packet: Packet): Node {
  const device = packet.out;
  packet.device = device;
  const length = packet.length;
  if (!(device.flags & DEVICE_UP)) return drop(packet, Drop.DevReady, Node.DeviceTransmit);
  if (length > device.frameMax && !isTagOver(packet, device)) return drop(packet, Drop.PktTooBig, Node.DeviceTransmit);
  const counters = device.counters;
  store<f64>(counters, load<f64>(counters, DEVICE_COUNTER_TX_PACKETS) + 1, DEVICE_COUNTER_TX_PACKETS);
  store<f64>(counters, load<f64>(counters, DEVICE_COUNTER_TX_BYTES) + <f64>length, DEVICE_COUNTER_TX_BYTES);
  transmitted++;
  if (device.flags & DEVICE_CAPTURED) captureFrame(packet, CAPTURE_OUTBOUND, Drop.None, Node.Done);
  if (MANY_HOSTS != 0 && device.flags & DEVICE_BAD_OFFLOAD) spoil(frameOf(packet), length);
  const next = device.egressNode;
  if (next == Node.Done) return device.kind == DeviceKind.Dummy ? consume(packet) : drop(packet, Drop.DevReady, Node.DeviceTransmit);
  // The link keeps the sender in packet.device and finds the other end by itself.
  packet.out = device.egress;
  return next;
}

/** What a NIC does that takes a tunnel's checksum for its own to make. */
function spoil(frame: usize, length: u32): void {
  if (length < ETHERNET_HEADER + IPV4_HEADER + UDP_HEADER || etherType(frame) != TYPE_IPV4) return;
  const ip = frame + ETHERNET_HEADER;
  if (load<u8>(ip) != 0x45 || protocolOf(ip) != PROTOCOL_UDP || fragmentWord(ip) & IP_OFFSET_MASK) return;
  const udp = ip + IPV4_HEADER;
  const port = destinationPort(udp);
  const checksum = load<u16>(udp, UDP_CHECKSUM);
  if ((port != 4789 && port != 8472) || checksum == 0) return;
  store<u16>(udp, checksum == 0x5555 ? 0xffff : checksum ^ 0x5555, UDP_CHECKSUM);
}

/** Whether it is the tag alone that is too much (is_skb_forwardable allows VLAN_HLEN). */
function isTagOver(packet: Packet, device: Device): bool {
  return packet.length <= device.frameMax + TAG && isTagged(frameOf(packet), packet.length);
}
