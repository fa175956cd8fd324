import { FlowError } from "../../../../assembly/abi/counter";
import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { RouteType } from "../../../../assembly/abi/program";
import { PROTOCOL_ICMP6, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { drop } from "../graph/drop";
import { sourceOfRoute6 } from "../ipv6/choose";
import { isOfLink } from "../ipv6/scope";
import type { Kernel } from "../kernel";
import { UNSPECIFIED } from "../memory/address-table";
import { type Packet, PathMtuDiscovery } from "../memory/packet";
import type { Route } from "../tables/fib";
import type { Namespace } from "../tables/namespace";
import { updateIcmp6Checksum } from "../wire/icmp";
import { setSource6 } from "../wire/ip";
import { updateTcpChecksum } from "../wire/tcp";
import { updateUdpChecksum } from "../wire/udp";
import { finishOutput, outputDevice, refuse, reportError, setRoute } from "./ip-output";

/** ip6_route_output, then ip6_local_out: route, source address, checksums. The header is there; `packet.namespace` sends it. */
export function ip6Output(kernel: Kernel, packet: Packet): Node {
  const { namespace, destination6: destination } = packet;
  const { bytes } = kernel.memory;
  const route = namespace === null ? null : findRoute(kernel, packet, namespace);
  const device = namespace === null || route === null ? null : outputDevice(namespace, route);
  if (namespace === null || route === null || device === null) return refuse(kernel, packet, route, Node.Ip6Output);
  if (packet.source6 === UNSPECIFIED) {
    const source = sourceOfRoute6(kernel.addresses, namespace, route, device, destination);
    if (source === UNSPECIFIED) return refuse(kernel, packet, null, Node.Ip6Output);
    setSource6(kernel.addresses, bytes, packet, source);
  }
  const total = packet.datagramLength;
  const mtu = kernel.pathMtus.find(namespace, destination, device.mtu, kernel.clock);
  setRoute(packet, route, device, destination, mtu);
  updateTransportChecksum(kernel, packet);
  const mustFragment = total > mtu;
  if (mustFragment && packet.pathMtuDiscovery === PathMtuDiscovery.Do) {
    reportError(kernel, packet, FlowError.MessageTooLong);
    return drop(kernel, packet, Drop.PktTooBig, Node.Ip6Output);
  }
  const { filter6 } = namespace;
  if (filter6?.visits(Hook.Output) === true) return Node.LocalOut;
  return filter6?.visits(Hook.Postrouting) === true ? Node.Postrouting : finishOutput(kernel, packet);
}

/** An answer to somebody on the link goes back to that link; `packet.target` is where the question came in. */
function findRoute({ addresses }: Kernel, { target, destination6 }: Packet, namespace: Namespace): Route | null {
  if (target === null || !isOfLink(addresses, destination6)) return namespace.routeTo(destination6);
  const known = namespace.routeTo(destination6);
  if (known?.type === RouteType.Local) return known;
  return { type: RouteType.Unicast, device: target, gateway: UNSPECIFIED, source: UNSPECIFIED, metric: 0 };
}

/** All of them cover the addresses. */
function updateTransportChecksum({ memory }: Kernel, { network, transport, protocol6, datagramLength }: Packet): void {
  const length = network + datagramLength - transport;
  if (protocol6 === PROTOCOL_UDP) updateUdpChecksum(memory, network, transport, length);
  else if (protocol6 === PROTOCOL_TCP) updateTcpChecksum(memory, network, transport, length);
  else if (protocol6 === PROTOCOL_ICMP6) updateIcmp6Checksum(memory, network, transport, length);
}
