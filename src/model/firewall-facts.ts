import { isIpv4, isIpv6, parseIp } from "../net/ip";
import type { FirewallFlags, FirewallNetwork, FirewallSubnet } from "./firewall/index";
import type { DaemonFlags } from "./flags";
import type { BridgeSetup, Network } from "./network";

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
