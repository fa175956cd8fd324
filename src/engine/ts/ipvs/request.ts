import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE, PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, PacketType } from "../memory/packet";
import { icmpError } from "../nodes/icmp-error";
import type { Namespace } from "../tables/namespace";
import { read16 } from "../wire/bytes";
import { destinationIp, protocol, sourceIp } from "../wire/ipv4";
import { controlBits, RST, SYN } from "../wire/tcp";
import type { IpvsConnection } from "./connection";
import { balancedQuote, connectionOfQuote, hasPorts, hasSoundIcmp, touch, transportAt } from "./packet";
import { transmit } from "./transmit";
import { visitIpvs } from "./visit";

/** FTP's active data connections are left alone. */
const FTP_DATA = 20;

/** ip_vs_in at LocalIn: where the packet goes instead of to its protocol, or null if it goes on. */
export function balance(kernel: Kernel, packet: Packet, namespace: Namespace): Node | null {
  return visitIpvs(kernel, packet, () => request(kernel, packet, namespace));
}

function request(kernel: Kernel, packet: Packet, namespace: Namespace): Node | null {
  if (packet.type !== PacketType.Host || packet.device?.isLoopback === true) return null;
  const quote = balancedQuote(kernel, packet);
  if (quote !== null) {
    const connection = connectionOfQuote(kernel, packet, quote, false);
    if (connection === null) return null;
    if (!hasSoundIcmp(kernel, packet)) return drop(kernel, packet, Drop.IcmpCsum, Node.Ipvs);
    return transmit(kernel, packet, namespace, connection);
  }
  if (!hasPorts(kernel, packet)) return null;
  return requestOf(kernel, packet, namespace);
}

/** A segment or datagram: the connection that it belongs to, or a new one. */
function requestOf(kernel: Kernel, packet: Packet, namespace: Namespace): Node | null {
  const { bytes } = kernel.memory;
  const transport = transportAt(kernel, packet);
  const kind = protocol(bytes, packet.network);
  const control = kind === PROTOCOL_TCP ? controlBits(bytes, transport) : 0;
  let connection = kernel.ipvs.find(
    false,
    namespace,
    kind,
    sourceIp(bytes, packet.network),
    read16(bytes, transport),
    destinationIp(bytes, packet.network),
    read16(bytes, transport + 2),
    kernel.clock,
  );
  if (connection !== null && (control & SYN) !== 0 && connection.server?.weight === 0) {
    // A real server that takes no new connections has an old one with these ports.
    const isKnown = packet.conntrack?.confirmed === true;
    kernel.ipvs.remove(connection);
    if (isKnown) return drop(kernel, packet, Drop.IpvsNoDestination, Node.Ipvs);
    connection = null;
  }
  if (connection === null) {
    if (kind === PROTOCOL_TCP && ((control & SYN) === 0 || (control & RST) !== 0)) return null;
    const service = namespace.services?.get(packet.mark);
    if (service === undefined || read16(bytes, transport) === FTP_DATA) return null;
    const server = service.choose();
    if (server === null) return leave(kernel, packet);
    connection = connect(kernel, packet, namespace, server, kind);
    if (connection === null) return drop(kernel, packet, Drop.NoMemory, Node.Ipvs);
  }
  touch(kernel, packet, connection, false);
  return transmit(kernel, packet, namespace, connection);
}

/** ip_vs_leave: nobody takes it. */
function leave(kernel: Kernel, packet: Packet): Node {
  icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
  return drop(kernel, packet, Drop.IpvsNoDestination, Node.Ipvs);
}

function connect(kernel: Kernel, packet: Packet, namespace: Namespace, server: NonNullable<IpvsConnection["server"]>, kind: number): IpvsConnection | null {
  const { bytes } = kernel.memory;
  const { network } = packet;
  const transport = transportAt(kernel, packet);
  const client = sourceIp(bytes, network);
  return kernel.ipvs.create(namespace, server, kind, client, read16(bytes, transport), destinationIp(bytes, network), read16(bytes, transport + 2), kernel.clock);
}
