/** dev_queue_xmit and the device's own xmit: up? short enough? count, capture, then the other end of the device. */
import { DEVICE_COUNTER_TX_BYTES, DEVICE_COUNTER_TX_PACKETS } from "../abi/counter";
import { Drop } from "../abi/drop";
import { CAPTURE_OUTBOUND } from "../abi/event";
import { Node } from "../abi/node";
import { DEVICE_UP, DeviceKind } from "../abi/program";
import { captureFrame } from "../graph/capture";
import { drop } from "../graph/drop";
import { consume } from "../graph/walk";
import { frameOf, Packet } from "../memory/pool";
import { transmitted } from "../tables/counters";
import { Device, DEVICE_CAPTURED } from "../tables/device";
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
  const next = device.egressNode;
  if (next == Node.Done) return device.kind == DeviceKind.Dummy ? consume(packet) : drop(packet, Drop.DevReady, Node.DeviceTransmit);
  // The link keeps the sender in packet.device and finds the other end by itself.
  packet.out = device.egress;
  return next;
}

/** Whether it is the tag alone that is too much (is_skb_forwardable allows VLAN_HLEN). */
function isTagOver(packet: Packet, device: Device): bool {
  return packet.length <= device.frameMax + TAG && isTagged(frameOf(packet), packet.length);
}
