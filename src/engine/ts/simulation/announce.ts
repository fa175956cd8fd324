import { Node } from "../../../../assembly/abi/node";
import { ARP_REQUEST, ETHERTYPE_ARP } from "../../../../assembly/abi/protocol";
import { dropUnbuilt } from "../graph/drop";
import { beginTrace, recordHop } from "../graph/trace";
import { follow } from "../graph/walk";
import type { Kernel } from "../kernel";
import { UNTRACED } from "../memory/packet";
import type { Flow } from "../tables/flow";
import { ARP_FRAME, writeArp } from "../wire/arp";
import { writeEthernet } from "../wire/ethernet";
import { countSent } from "./source";

/** Tells everybody on the link which MAC an address has now: an ARP request that asks for the sender itself. False if nobody has it. */
export function announce(kernel: Kernel, flow: Flow): boolean {
  const { namespace, destination } = flow;
  const device = kernel.devices.find((candidate) => candidate.namespace === namespace && candidate.addresses.includes(destination));
  if (device === undefined) {
    flow.blocked++;
    return false;
  }
  const packet = kernel.pool.take(flow, kernel.clock);
  const sequence = countSent(flow);
  if (packet === null) {
    dropUnbuilt(kernel, Node.SocketOutput, null, flow, sequence);
    return true;
  }
  const { bytes } = kernel.memory;
  const { macHigh, macLow } = device;
  writeEthernet(bytes, packet.frame, 0xffff, -1, macHigh, macLow, ETHERTYPE_ARP);
  writeArp(bytes, packet.frame, ARP_REQUEST, macHigh, macLow, destination, 0xffff, -1, destination);
  packet.sequence = sequence;
  packet.hasEthernet = true;
  packet.frameLength = ARP_FRAME;
  packet.target = device;
  beginTrace(kernel, packet);
  if (packet.trace !== UNTRACED) recordHop(kernel, packet, Node.SocketOutput);
  follow(kernel, packet, Node.DeviceTransmit);
  return true;
}
