import { Node } from "../../../../assembly/abi/node";
import { ARP_REQUEST, ETHERTYPE_ARP } from "../../../../assembly/abi/protocol";
import { dropUnbuilt } from "../graph/drop";
import { beginTrace, recordHop } from "../graph/trace";
import { follow } from "../graph/walk";
import { buildAnnouncement } from "../ipv6/discovery";
import type { Kernel } from "../kernel";
import { isIpv6 } from "../memory/address-table";
import { type Packet, UNTRACED } from "../memory/packet";
import type { Device } from "../tables/device";
import type { Flow } from "../tables/flow";
import { ARP_FRAME, writeArp } from "../wire/arp";
import { writeEthernet } from "../wire/ethernet";
import { countSent } from "./source";

/** Tells everybody on the link which MAC an address has now. False if nobody has it. */
export function announce(kernel: Kernel, flow: Flow): boolean {
  const { namespace, destination } = flow;
  const device = kernel.devices.find((candidate) => candidate.namespace === namespace && has(candidate, destination));
  if (device === undefined) {
    flow.blocked++;
    return false;
  }
  const packet = isIpv6(destination) ? buildAnnouncement(kernel, device, destination) : buildRequest(kernel, device, destination);
  const sequence = countSent(flow);
  if (packet === null) {
    dropUnbuilt(kernel, Node.SocketOutput, null, flow, sequence);
    return true;
  }
  kernel.pool.assign(packet, flow);
  packet.sequence = sequence;
  packet.target = device;
  beginTrace(kernel, packet);
  if (packet.trace !== UNTRACED) recordHop(kernel, packet, Node.SocketOutput);
  follow(kernel, packet, Node.DeviceTransmit);
  return true;
}

function has(device: Device, ip: number): boolean {
  if (isIpv6(ip)) return device.addresses6.some((address) => address.ip === ip && address.isUsable);
  return device.addresses.includes(ip);
}

/** An ARP request that asks for the sender itself. */
function buildRequest(kernel: Kernel, device: Device, ip: number): Packet | null {
  const packet = kernel.pool.take(null, kernel.clock);
  if (packet === null) return null;
  const { bytes } = kernel.memory;
  const { macHigh, macLow } = device;
  writeEthernet(bytes, packet.frame, 0xffff, -1, macHigh, macLow, ETHERTYPE_ARP);
  writeArp(bytes, packet.frame, ARP_REQUEST, macHigh, macLow, ip, 0xffff, -1, ip);
  packet.hasEthernet = true;
  packet.frameLength = ARP_FRAME;
  return packet;
}
