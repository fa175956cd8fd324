import { isIpv4, isIpv6, parseIp } from "../net/ip";
import { addressOf } from "./block";
import type { Endpoint } from "./endpoint";
import type { FirewallLink } from "./firewall/firewall";
import type { FirewallFlags, FirewallNetwork, FirewallSubnet } from "./firewall/index";
import type { DaemonFlags } from "./flags";
import type { BridgeSetup, Network } from "./network";
import type { ExposedPort } from "./spec";

/** The flags that rules depend on. */
export function firewallFlags(flags: DaemonFlags): FirewallFlags {
  return {
    iptables: flags.iptables,
    ip6tables: flags.ip6tables,
    userlandProxy: flags.userlandProxy,
    allowDirectRouting: flags.allowDirectRouting,
    ...(flags.bridgeAcceptFwmark !== undefined && { bridgeAcceptFwmark: flags.bridgeAcceptFwmark }),
  };
}

/** What rules depend on of a bridge network. */
export function firewallNetwork(network: Network, { options, device }: BridgeSetup): FirewallNetwork {
  const subnetOf = (family: 4 | 6): FirewallSubnet | undefined => {
    const [block] = network.blocksOf(family);
    const hostAddress = family === 4 ? options.hostIpv4 : options.hostIpv6;
    const isAddress = hostAddress !== undefined && (family === 4 ? isIpv4(hostAddress) : isIpv6(hostAddress));
    return (
      block && {
        subnet: block.subnet,
        gatewayMode: family === 4 ? options.gatewayMode4 : options.gatewayMode6,
        hostAddress: isAddress ? parseIp(hostAddress, "host") : undefined,
      }
    );
  };
  return {
    id: network.id,
    name: network.name,
    device,
    internal: network.internal,
    icc: options.icc,
    masquerade: options.masquerade,
    trustedInterfaces: options.trustedInterfaces,
    v4: subnetOf(4),
    v6: subnetOf(6),
  };
}

/** An endpoint as the packet filter knows it. */
export function firewallEndpoint({ container, v4, v6 }: Endpoint) {
  const addresses = [...(v4 ? [addressOf(4, v4.value)] : []), ...(v6 ? [addressOf(6, v6.value)] : [])];
  return { container, addresses };
}

/** A legacy link as the packet filter knows it; both ends need IPv4. */
export function firewallLink(parent: Endpoint, child: Endpoint, ports: readonly ExposedPort[]): FirewallLink | undefined {
  if (!parent.v4 || !child.v4) return undefined;
  const end = ({ container }: Endpoint, value: bigint) => ({ container, address: addressOf(4, value) });
  return { parent: end(parent, parent.v4.value), child: end(child, child.v4.value), ports };
}
