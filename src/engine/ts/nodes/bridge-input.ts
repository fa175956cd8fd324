import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { isGroup, macHigh, macLow, SOURCE } from "../wire/ethernet";
import { floodCopies } from "./bridge-flood";

/**
 * br_handle_frame and br_handle_frame_finish on a bridge port: check the source, keep reserved groups to the link,
 * learn, then flood, deliver up the stack, forward.
 *
 * Differs from Linux: no STP, no VLAN filtering, no multicast snooping.
 */
export function bridgeInput(kernel: Kernel, packet: Packet): Node {
  const port = packet.device;
  const bridge = port === null ? null : port.master;
  if (port === null || bridge === null) return drop(kernel, packet, Drop.DevReady, Node.BridgeInput);
  const { bytes } = kernel.memory;
  const sourceHigh = macHigh(bytes, packet.frame + SOURCE);
  const sourceLow = macLow(bytes, packet.frame + SOURCE);
  const isZero = sourceHigh === 0 && sourceLow === 0;
  if (isZero || isGroup(sourceHigh)) return drop(kernel, packet, Drop.MacInvalidSource, Node.BridgeInput);
  if (port.hasPortSecurity && port.peer !== null && (sourceHigh !== port.peer.macHigh || sourceLow !== port.peer.macLow)) {
    return drop(kernel, packet, Drop.PortSecurity, Node.BridgeInput);
  }
  const high = macHigh(bytes, packet.frame);
  const low = macLow(bytes, packet.frame);
  if (isLinkLocal(high, low)) return drop(kernel, packet, Drop.UnhandledProto, Node.BridgeInput);
  if (!kernel.localMacs.has(bridge, sourceHigh, sourceLow)) kernel.fdb.learn(bridge, sourceHigh, sourceLow, port, kernel.clock);

  if (isGroup(high)) {
    floodCopies(kernel, packet, bridge, port);
    return deliverUp(packet, bridge);
  }
  if (kernel.localMacs.has(bridge, high, low)) return deliverUp(packet, bridge);
  const egress = kernel.fdb.find(bridge, high, low, kernel.clock);
  if (egress === null) {
    packet.target = bridge;
    return Node.BridgeFlood;
  }
  if (egress === port && !port.hairpin) return drop(kernel, packet, Drop.BridgeNoEgressPort, Node.BridgeInput);
  packet.target = egress;
  return Node.BridgeForward;
}

/** br_pass_frame_up. */
function deliverUp(packet: Packet, bridge: Device): Node {
  packet.target = bridge;
  return Node.Receive;
}

/** 01:80:c2:00:00:01 to 0f, which IEEE 802.1D §7.12.6 bridges never forward (group_fwd_mask 0). */
function isLinkLocal(high: number, low: number): boolean {
  return high === 0x0180 && low >>> 4 === 0xc200000 && (low & 15) !== 0;
}
