import { Node } from "../../../../assembly/abi/node";
import { DeviceKind, IpvlanMode } from "../../../../assembly/abi/program";
import { appendCopy } from "../graph/copy";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { destinationAddress, sourceAddress } from "../wire/address";
import { isGroup, macHigh, macLow, SOURCE } from "../wire/ethernet";
import { stack } from "./receive";

/** ipvlan_handle_frame on a lower device: all on top have its MAC, so the IP address says for whom a frame is. */
export function ipvlanInput(kernel: Kernel, packet: Packet): Node {
  const lower = packet.device;
  if (lower === null) return Node.Done;
  const { bytes } = kernel.memory;
  const { frame, frameLength } = packet;
  const first = lower.above.find(({ kind }) => kind === DeviceKind.Ipvlan);
  // Its stack looks for them behind Prerouting.
  if (first?.mode === IpvlanMode.L3s) return stack(kernel, packet, lower);
  if (first?.mode === IpvlanMode.L2 && isGroup(macHigh(bytes, frame))) {
    if (!isOwn(kernel, packet, lower)) {
      for (const device of lower.above) {
        if (device.kind === DeviceKind.Ipvlan && device.up) appendCopy(kernel, packet, device, Node.Receive);
      }
    }
    return stack(kernel, packet, lower);
  }
  const address = destinationAddress(kernel.addresses, bytes, frame, frameLength);
  const holder = address === null ? null : lower.holder(address);
  if (holder === null) return stack(kernel, packet, lower);
  packet.target = holder;
  return Node.Receive;
}

/** ipvlan_external_frame: a frame that came back was heard by all on its way out. */
function isOwn({ memory: { bytes }, addresses }: Kernel, { frame, frameLength }: Packet, lower: Device): boolean {
  if (macHigh(bytes, frame + SOURCE) !== lower.macHigh || macLow(bytes, frame + SOURCE) !== lower.macLow) return false;
  const address = sourceAddress(addresses, bytes, frame, frameLength);
  return address !== null && lower.holder(address) !== null;
}
