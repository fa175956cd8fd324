import { Node } from "../../../../assembly/abi/node";
import { DeviceKind, MacvlanMode } from "../../../../assembly/abi/program";
import { appendCopy } from "../graph/copy";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { isGroup, macHigh, macLow, SOURCE } from "../wire/ethernet";
import { stack } from "./receive";

/**
 * macvlan_handle_frame on a lower device: groups go to those on top that have not heard them yet and to the stack, other frames to
 * the one whose MAC they are for.
 *
 * Differs from Linux: devices hear every group, whether they joined it or not.
 */
export function macvlanInput(kernel: Kernel, packet: Packet): Node {
  const lower = packet.device;
  if (lower === null) return Node.Done;
  const { bytes } = kernel.memory;
  const high = macHigh(bytes, packet.frame);
  const low = macLow(bytes, packet.frame);
  if (isGroup(high)) return group(kernel, packet, lower);
  const first = lower.above.find(({ kind }) => kind === DeviceKind.Macvlan);
  const target = first?.mode === MacvlanMode.Passthru && first.up ? first : lower.aboveMac(high, low);
  if (target === null) return stack(kernel, packet, lower);
  packet.target = target;
  return Node.Receive;
}

function group(kernel: Kernel, packet: Packet, lower: Device): Node {
  const { bytes } = kernel.memory;
  const source = packet.frame + SOURCE;
  const sender = lower.aboveMac(macHigh(bytes, source), macLow(bytes, source));
  if (sender?.mode === MacvlanMode.Private || sender?.mode === MacvlanMode.Passthru) {
    packet.target = sender;
    return Node.Receive;
  }
  for (const device of lower.above) {
    if (device.kind !== DeviceKind.Macvlan || !device.up || device === sender) continue;
    if (sender === null || hears(device, sender)) appendCopy(kernel, packet, device, Node.Receive);
  }
  return stack(kernel, packet, lower);
}

/** What a switch has sent back: a bridge's own devices heard it on its way out. */
function hears({ mode }: Device, sender: Device): boolean {
  return mode === MacvlanMode.Vepa || (mode === MacvlanMode.Bridge && sender.mode === MacvlanMode.Vepa);
}
