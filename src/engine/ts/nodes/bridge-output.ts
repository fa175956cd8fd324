import { Node } from "../../../../assembly/abi/node";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { isGroup, macHigh, macLow } from "../wire/ethernet";

/** br_dev_xmit: the host's own stack sends into its bridge, which is `packet.device`. */
export function bridgeOutput(kernel: Kernel, packet: Packet): Node {
  const bridge = packet.device;
  const { bytes } = kernel.memory;
  const high = macHigh(bytes, packet.frame);
  const egress = bridge === null || isGroup(high) ? null : kernel.fdb.find(bridge, high, macLow(bytes, packet.frame), kernel.clock);
  packet.target = egress ?? bridge;
  return egress === null ? Node.BridgeFlood : Node.BridgeForward;
}
