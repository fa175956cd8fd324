import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { ETHERTYPE_IPV4, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import { enter, follow, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { read32 } from "../wire/bytes";
import { ETHERNET_HEADER, etherType } from "../wire/ethernet";
import { destinationIp, fragmentField, headerLength, IPV4_HEADER, protocol, sourceIp } from "../wire/ipv4";
import { fmix } from "./random";

/** A frame comes out of a link: the device's host takes it up, unless its CPU is too far behind. */
export function arrive(kernel: Kernel, device: Device, packet: Packet): void {
  const { cpus } = device.namespace.host;
  const cpu = cpus.length === 1 ? cpus[0] : cpus[steer(kernel.memory.bytes, packet) % cpus.length];
  if (!enter(kernel, cpu, kernel.now)) {
    packet.device = device;
    drop(kernel, packet, Drop.CpuBacklog, Node.Receive);
    return;
  }
  packet.target = device;
  follow(kernel, packet, Node.Receive);
  leave(kernel, cpu);
}

/** Receive-side scaling: packets of one conversation meet the same CPU. A u32. */
function steer(bytes: Uint8Array, { frame, network, frameLength }: Packet): number {
  const isIpv4 = frameLength >= ETHERNET_HEADER + IPV4_HEADER && etherType(bytes, frame) === ETHERTYPE_IPV4;
  if (!isIpv4) return 0;
  const destination = destinationIp(bytes, network);
  const addresses = sourceIp(bytes, network) ^ ((destination << 16) | (destination >>> 16));
  const kind = protocol(bytes, network);
  const hasPorts =
    (kind === PROTOCOL_TCP || kind === PROTOCOL_UDP) &&
    (fragmentField(bytes, network) & 0x3fff) === 0 &&
    headerLength(bytes, network) === IPV4_HEADER &&
    frameLength >= ETHERNET_HEADER + IPV4_HEADER + 4;
  return fmix(hasPorts ? addresses ^ read32(bytes, network + IPV4_HEADER) : addresses);
}
