import { formatCidr, type Cidr } from "../net/cidr";
import { formatIp } from "../net/ip";
import type { AddressSpace, DefaultPool } from "./address-space";
import { addressOf } from "./block";
import type { DefaultSubnet } from "./drivers/default-bridge";
import type { GenerationRules } from "./generation";
import type { Host } from "./host";
import type { Ids } from "./ids";
import type { Network } from "./network";

/** The subnet of docker0 as it is, or, where the generation asks for it before it makes the network, the first that is free. */
export function docker0Subnet(host: Host, space: AddressSpace, rules: GenerationRules): DefaultSubnet | undefined {
  const own = addressOfDevice(host, "docker0");
  if (own) return { subnet: formatCidr(own), gateway: formatIp(addressOf(4, BigInt(own.address))) };
  if (rules.subnets.defaultBridgeMovesSearch) return undefined;
  const first = space.findFirstDefault((subnet) => !host.isReserved(subnet));
  return first && { subnet: formatCidr(first) };
}

/** The IPv6 address that docker0 has already. */
export function docker0Address6(host: Host): Cidr | undefined {
  return host.device("docker0")?.addresses.find(({ family }) => family === 6);
}

/**
 * Whether a network of a user is on docker0: the bridge driver takes the default network for a stale one and forgets it, rules and ports
 * included. The cables of its containers stay where they are, under a bridge with another address.
 */
export function takesOver({ parts: { bridge } }: Network, old: Network, host: Host): boolean {
  if (!bridge || old.parts.bridge?.device !== bridge.device) return false;
  old.taken = () => addressOfDevice(host, bridge.device);
  return true;
}

/**
 * A /48 of unique local addresses (RFC 4193).
 *
 * Differs from Docker: its 40 bits are drawn; the daemon takes them from a hash of its own ID, which is random.
 */
export function localPool6({ identity }: Ids, hostName: string): DefaultPool {
  const bits = BigInt(`0x${identity.id("local pool", hostName).slice(0, 10)}`);
  const base = { family: 6, address: (0xfdn << 120n) | (bits << 80n), network: (0xfdn << 120n) | (bits << 80n), prefixLength: 48 } as const;
  return { base, size: 64 };
}

function addressOfDevice(host: Host, device: string): Cidr | undefined {
  return host.device(device)?.addresses.find(({ family }) => family === 4);
}
