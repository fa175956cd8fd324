import { Node } from "../../../../assembly/abi/node";
import { DeviceKind, MacvlanMode } from "../../../../assembly/abi/program";
import { appendCopy } from "../graph/copy";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { isGroup, macHigh, macLow } from "../wire/ethernet";

/** macvlan_start_xmit: in bridge mode those on the same lower device hear it at once, and what is for one of them does not leave. */
export function macvlanOutput(kernel: Kernel, packet: Packet): Node {
  const { device, frame } = packet;
  const lower = device === null ? null : device.peer;
  packet.target = lower;
  if (device === null || lower === null || device.mode !== MacvlanMode.Bridge) return Node.DeviceTransmit;
  const { bytes } = kernel.memory;
  const high = macHigh(bytes, frame);
  if (!isGroup(high)) {
    // dev_forward_skb: the lower device receives it, so that its captures have it.
    return lower.aboveMac(high, macLow(bytes, frame))?.mode === MacvlanMode.Bridge ? Node.Receive : Node.DeviceTransmit;
  }
  for (const other of lower.above) {
    const isPeer = other.kind === DeviceKind.Macvlan && other.mode === MacvlanMode.Bridge;
    if (isPeer && other.up && other !== device) appendCopy(kernel, packet, other, Node.Receive);
  }
  return Node.DeviceTransmit;
}
