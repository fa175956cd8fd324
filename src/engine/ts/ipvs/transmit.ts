import { Drop } from "../../../../assembly/abi/drop";
import { EventKind } from "../../../../assembly/abi/event";
import { Forwarding } from "../../../../assembly/abi/ipvs";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import { ICMP_FRAGMENTATION_NEEDED, ICMP_HOST_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, ICMP_UNREACHABLE, PROTOCOL_ICMP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";
import { Side } from "../netfilter/bind";
import { CtState } from "../netfilter/entry";
import { icmpError } from "../nodes/icmp-error";
import type { Device } from "../tables/device";
import type { Namespace } from "../tables/namespace";
import { DONT_FRAGMENT, fragmentField, headerLength, protocol, setTtl, ttl, updateChecksum } from "../wire/ipv4";
import type { IpvsConnection } from "./connection";
import { readdress, readdressError } from "./packet";

/**
 * ip_vs_nat_xmit, ip_vs_dr_xmit: sends a packet to the real server of its connection, by LocalOut. Null if that is the namespace
 * itself: the packet goes on there.
 */
export function transmit(kernel: Kernel, packet: Packet, namespace: Namespace, connection: IpvsConnection): Node | null {
  if (packet.trace !== UNTRACED) recordSchedule(kernel, packet, connection);
  const route = namespace.fib.find(connection.real);
  if (route?.type === RouteType.Local && namespace.loopback !== null) {
    translate(kernel, packet, connection);
    return null;
  }
  const device = route?.type === RouteType.Unicast ? route.device : null;
  if (route === null || device === null) {
    icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
    const leadsNowhere = route === null || route.type === RouteType.Local;
    return drop(kernel, packet, leadsNowhere ? Drop.IpOutNoRoutes : Drop.RouteUnreachable, Node.Ipvs);
  }
  const mtu = kernel.pathMtus.find(namespace, connection.real, device.mtu, kernel.clock);
  if (!passes(kernel, packet, mtu)) return Node.Done;
  translate(kernel, packet, connection);
  setWayOut(packet, namespace, device, route.gateway === 0 ? connection.real : route.gateway, mtu);
  return Node.LocalOut;
}

/** Takes one off its TTL, unless that or its length ends it. */
function passes(kernel: Kernel, packet: Packet, mtu: number): boolean {
  const { memory } = kernel;
  const { network, datagramLength } = packet;
  const hops = ttl(memory.bytes, network);
  if (hops <= 1) {
    icmpError(kernel, packet, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, 0);
    drop(kernel, packet, Drop.IpTtlExceeded, Node.Ipvs);
    return false;
  }
  setTtl(memory.bytes, network, hops - 1);
  updateChecksum(memory, network, headerLength(memory.bytes, network));
  const mayNotBeCut = (fragmentField(memory.bytes, network) & DONT_FRAGMENT) !== 0 && protocol(memory.bytes, network) !== PROTOCOL_ICMP;
  if (datagramLength <= mtu || !mayNotBeCut) return true;
  icmpError(kernel, packet, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, mtu);
  drop(kernel, packet, Drop.PktTooBig, Node.Ipvs);
  return false;
}

/** Makes the packet one to the real server, and tells connection tracking whose answers to expect. */
function translate(kernel: Kernel, packet: Packet, connection: IpvsConnection): void {
  const { conntrack: entry, ctState, ctReply } = packet;
  const { real } = connection;
  if (connection.forwarding === Forwarding.Masquerade) {
    if (protocol(kernel.memory.bytes, packet.network) === PROTOCOL_ICMP) readdressError(kernel, packet, Side.Destination, real);
    else readdress(kernel, packet, Side.Destination, real);
    if (entry !== null && !entry.confirmed && !ctReply) entry.reply.source = real;
  }
  if (entry !== null && ctState !== CtState.Related && !ctReply) kernel.ipvs.bind(connection, entry);
  packet.balanced = true;
}

function setWayOut(packet: Packet, namespace: Namespace, device: Device, nextHop: number, mtu: number): void {
  packet.namespace = namespace;
  packet.inner = null;
  packet.target = device;
  packet.nextHop = nextHop;
  packet.broadcast = false;
  packet.mtu = mtu;
}

function recordSchedule(kernel: Kernel, packet: Packet, { server }: IpvsConnection): void {
  const { trace, device, flow } = packet;
  if (server === null) return;
  const deviceIndex = device === null ? -1 : device.index;
  kernel.events.write(kernel.clock, EventKind.Schedule, Node.Ipvs, Drop.None, trace, deviceIndex, flow === null ? -1 : flow.index, server.index, server.service.index);
}
