/** __netif_receive_skb: up? count, capture, a header at least; a tag; the bridge or the devices on top; else the stack. */
import { DEVICE_COUNTER_RX_BYTES, DEVICE_COUNTER_RX_PACKETS } from "../abi/counter";
import { Drop } from "../abi/drop";
import { CAPTURE_INBOUND } from "../abi/event";
import { Node } from "../abi/node";
import { DEVICE_UP, DeviceKind } from "../abi/program";
import { captureFrame } from "../graph/capture";
import { drop } from "../graph/drop";
import { BALANCED, frameOf, Packet, PacketType, SECPATH, TRANSFORMED } from "../memory/pool";
import { detach } from "../netfilter/state";
import { Device, DEVICE_CAPTURED, DEVICE_HAS_VLANS, isNull, vlanOn } from "../tables/device";
import { destinationMac, ETHERNET_HEADER, etherType, isGroup, MAC_BROADCAST, TYPE_ARP, TYPE_IPV4, TYPE_IPV6 } from "../wire/ethernet";
import { isTagged, vlanId } from "../wire/vlan";

export function receive(packet: Packet): Node {
  const device = packet.out;
  packet.device = device;
  packet.received = 1;
  if ((packet.mark | packet.filter | carried(packet)) != 0 && device.kind != DeviceKind.Loopback && device.kind != DeviceKind.Bridge) scrub(packet);
  const length = packet.length;
  if (!(device.flags & DEVICE_UP)) return drop(packet, Drop.DevReady, Node.Receive);
  const counters = device.counters;
  store<f64>(counters, load<f64>(counters, DEVICE_COUNTER_RX_PACKETS) + 1, DEVICE_COUNTER_RX_PACKETS);
  store<f64>(counters, load<f64>(counters, DEVICE_COUNTER_RX_BYTES) + <f64>length, DEVICE_COUNTER_RX_BYTES);
  if (device.flags & DEVICE_CAPTURED) captureFrame(packet, CAPTURE_INBOUND, Drop.None, Node.Done);
  if (length < ETHERNET_HEADER) return drop(packet, Drop.PktTooSmall, Node.Receive);
  if (device.flags & DEVICE_HAS_VLANS && untag(packet, device)) return Node.VlanInput;
  const next = device.ingressNode;
  return next == Node.Done ? stack(packet, device, Node.Receive) : next;
}

/** Finds the sub-interface that the frame's tag is for. */
function untag(packet: Packet, device: Device): bool {
  const frame = frameOf(packet);
  if (!isTagged(frame, packet.length)) return false;
  const vlan = vlanOn(device, vlanId(frame));
  if (isNull(vlan)) return false;
  packet.out = vlan;
  return true;
}

/** eth_type_trans, and the protocol that the frame goes to. */
@inline export function stack(packet: Packet, device: Device, inProgress: Node): Node {
  const frame = frameOf(packet);
  packet.type = typeOf(device, destinationMac(frame));
  const type = etherType(frame);
  if (type == TYPE_IPV4) return Node.IpInput;
  if (type == TYPE_IPV6) return Node.Ip6Input;
  return type == TYPE_ARP ? Node.ArpInput : drop(packet, Drop.UnhandledProto, inProgress);
}

/** What IPVS and IPsec have noted of it. */
@inline function carried(packet: Packet): u32 {
  return MANY_HOSTS != 0 ? <u32>(packet.dontFragment & (BALANCED | TRANSFORMED | SECPATH)) : 0;
}

/** skb_scrub_packet: another namespace, or another machine, knows nothing of mark and connection. */
function scrub(packet: Packet): void {
  detach(packet);
  packet.mark = 0;
  packet.filter = 0;
  packet.dontFragment = 0;
}

@inline function typeOf(device: Device, destination: u64): u8 {
  if (destination == device.mac || device.kind == DeviceKind.Loopback) return <u8>PacketType.Host;
  if (!isGroup(destination)) return <u8>PacketType.OtherHost;
  return destination == MAC_BROADCAST ? <u8>PacketType.Broadcast : <u8>PacketType.Multicast;
}
