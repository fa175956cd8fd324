import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { Side } from "../netfilter/bind";
import type { Namespace } from "../tables/namespace";
import { read16 } from "../wire/bytes";
import { destinationIp, protocol, sourceIp } from "../wire/ipv4";
import type { IpvsConnection } from "./connection";
import { balancedQuote, connectionOfQuote, hasPorts, hasSoundIcmp, readdress, readdressError, touch, transportAt } from "./packet";
import { visitIpvs } from "./visit";

/** ip_vs_out: what a real server answers comes from the virtual address. False if the packet was dropped. */
export function unbalance(kernel: Kernel, packet: Packet, namespace: Namespace): boolean {
  return visitIpvs(kernel, packet, () => reply(kernel, packet, namespace));
}

function reply(kernel: Kernel, packet: Packet, namespace: Namespace): boolean {
  const quote = balancedQuote(kernel, packet);
  if (quote !== null) {
    const connection = connectionOfQuote(kernel, packet, quote, true);
    if (connection === null) return true;
    if (!hasSoundIcmp(kernel, packet)) {
      drop(kernel, packet, Drop.IcmpCsum, Node.Ipvs);
      return false;
    }
    readdressError(kernel, packet, Side.Source, connection.virtual);
    packet.balanced = true;
    return true;
  }
  const connection = hasPorts(kernel, packet) ? connectionOf(kernel, packet, namespace) : null;
  if (connection === null) return true;
  const { conntrack: entry } = packet;
  readdress(kernel, packet, Side.Source, connection.virtual);
  if (entry !== null && !entry.confirmed && !packet.ctReply) entry.reply.destination = connection.virtual;
  touch(kernel, packet, connection, true);
  packet.balanced = true;
  return true;
}

function connectionOf(kernel: Kernel, packet: Packet, namespace: Namespace): IpvsConnection | null {
  const { bytes } = kernel.memory;
  const { network } = packet;
  const transport = transportAt(kernel, packet);
  return kernel.ipvs.find(
    true,
    namespace,
    protocol(bytes, network),
    destinationIp(bytes, network),
    read16(bytes, transport + 2),
    sourceIp(bytes, network),
    read16(bytes, transport),
    kernel.clock,
  );
}
