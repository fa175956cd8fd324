/** vxlan_rcv: a datagram for a VXLAN device; its payload is a frame that the device receives. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { DEVICE_VXLAN_LEARNING } from "../abi/program";
import { PROTOCOL_UDP, VXLAN_HAS_VNI } from "../abi/protocol";
import { drop } from "../graph/drop";
import { emptyFrame, frameBytes, frameOf, Packet, pullFront } from "../memory/pool";
import { Device, isNull } from "../tables/device";
import { findVxlan, isElsewhere } from "../tables/vxlan";
import { copyBytes, load16, load32 } from "../wire/bytes";
import { isValid, sumPseudoHeader, sumWords } from "../wire/checksum";
import { ETHERNET_HEADER, etherType, isGroup, sourceMac, TYPE_IPV4, TYPE_IPV6 } from "../wire/ethernet";
import { headerLength, IPV4_HEADER, sourceOf, totalLength } from "../wire/ipv4";
import { IPV6_HEADER } from "../wire/ipv6";
import { destinationPort, UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from "../wire/udp";
import { VXLAN_HEADER, VXLAN_VNI } from "../wire/vxlan";

export function vxlanInput(packet: Packet): Node {
  const ip = packet.network;
  const header = headerLength(ip);
  const udp = ip + header;
  const length = load16(udp + UDP_LENGTH);
  if (length < UDP_HEADER || length > totalLength(ip) - header) return drop(packet, Drop.PktTooSmall, Node.VxlanInput);
  if (load<u16>(udp, UDP_CHECKSUM) != 0 && !isValid(sumPseudoHeader(ip, PROTOCOL_UDP, length) + sumWords(udp, length))) {
    return drop(packet, Drop.UdpCsum, Node.VxlanInput);
  }
  if (length < UDP_HEADER + VXLAN_HEADER) return drop(packet, Drop.PktTooSmall, Node.VxlanInput);
  const flags = load32(udp + UDP_HEADER);
  if (!(flags & VXLAN_HAS_VNI)) return drop(packet, Drop.VxlanInvalidHdr, Node.VxlanInput);
  const word = load32(udp + UDP_HEADER + VXLAN_VNI);
  const device = findVxlan(packet.device.namespace, destinationPort(udp), word >>> 8);
  if (isNull(device)) return drop(packet, Drop.VxlanVniNotFound, Node.VxlanInput);
  if (flags != VXLAN_HAS_VNI || (word & 0xff) != 0) return drop(packet, Drop.VxlanInvalidHdr, Node.VxlanInput);
  const inner = udp + UDP_HEADER + VXLAN_HEADER;
  const bytes = length - UDP_HEADER - VXLAN_HEADER;
  const reason = inspect(device, inner, bytes, sourceOf(ip));
  return reason == Drop.None ? uncover(packet, device, inner, bytes) : drop(packet, reason, Node.VxlanInput);
}

/** Why the device does not take the frame, or None. */
@inline function inspect(device: Device, frame: usize, bytes: u32, remote: u32): Drop {
  if (bytes < ETHERNET_HEADER) return Drop.PktTooSmall;
  const source = sourceMac(frame);
  if (source == device.mac) return Drop.LocalMac;
  const suspicion = snoop(device, source, remote);
  if (suspicion != Drop.None) return suspicion;
  if (isShort(frame, bytes)) return Drop.PktTooSmall;
  return bytes > frameBytes ? Drop.PktTooBig : Drop.None;
}

/** vxlan_snoop: whether the MAC may be behind the remote, which is remembered. */
export function snoop(device: Device, mac: u64, remote: u32): Drop {
  if (!(device.flags & DEVICE_VXLAN_LEARNING)) return Drop.None;
  if (mac == 0 || isGroup(mac)) return Drop.MacInvalidSource;
  return isElsewhere(device, mac, remote) ? Drop.VxlanEntryExists : Drop.None;
}

/** Whether a frame ends inside the network header that its type names. */
@inline export function isShort(frame: usize, length: u32): bool {
  const type = etherType(frame);
  if (type == TYPE_IPV4) return length < ETHERNET_HEADER + IPV4_HEADER;
  return type == TYPE_IPV6 && length < ETHERNET_HEADER + IPV6_HEADER;
}

/** The frame is where it came, but for one that was put together: that moves from its buffer into the packet's slot. */
@inline function uncover(packet: Packet, device: Device, inner: usize, bytes: u32): Node {
  const frame = frameOf(packet);
  if (packet.network == frame + ETHERNET_HEADER) pullFront(packet, <u32>(inner - frame));
  else copyBytes(emptyFrame(packet), inner, bytes);
  packet.length = bytes;
  packet.network = frameOf(packet) + ETHERNET_HEADER;
  packet.out = device;
  return Node.Receive;
}
