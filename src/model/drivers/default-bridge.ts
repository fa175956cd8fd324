import { type Cidr, cidrContains, formatCidr, parseCidr } from "../../net/cidr";
import { formatIp } from "../../net/ip";
import { addressOf } from "../block";
import type { DaemonFlags } from "../flags";
import type { GenerationRules } from "../generation";
import type { IpamSpec, NetworkSpec } from "../spec";
import {
  OPTION_BRIDGE_NAME, OPTION_DEFAULT_BRIDGE, OPTION_HOST_BINDING, OPTION_ICC, OPTION_MASQUERADE, OPTION_MTU,
} from "./bridge";

/** What docker0 is numbered from where no flag says it. */
export interface DefaultSubnet {
  readonly subnet: string;
  /** The address that docker0 has already. */
  readonly gateway?: string;
}

/**
 * The network `bridge` as the daemon makes it when it starts (moby daemon/daemon_unix.go: initBridgeDriver).
 *
 * @param subnet where the generation chooses one before it makes the network; undefined: like any other network.
 * @param own6 the IPv6 address that docker0 has already.
 */
export function defaultBridgeSpec(flags: DaemonFlags, rules: GenerationRules, subnet?: DefaultSubnet, own6?: Cidr): NetworkSpec {
  return {
    name: "bridge",
    driver: "bridge",
    ipam: [...ipv4Of(flags, subnet), ...ipv6Of(flags, rules, own6)],
    internal: false,
    ipv6: flags.ipv6,
    options: {
      [OPTION_DEFAULT_BRIDGE]: "true",
      [OPTION_ICC]: String(flags.icc),
      [OPTION_MASQUERADE]: String(flags.ipMasq),
      [OPTION_HOST_BINDING]: flags.ip,
      [OPTION_BRIDGE_NAME]: "docker0",
      [OPTION_MTU]: String(flags.mtu),
    },
  };
}

function ipv4Of(flags: DaemonFlags, chosen: DefaultSubnet | undefined): IpamSpec[] {
  const own = flags.bip === undefined ? chosen : withAddress(flags.bip, "bip");
  if (own === undefined && flags.fixedCidr === undefined) return [];
  const auxAddresses: Record<string, string> = flags.defaultGateway === undefined ? {} : { DefaultGatewayIPv4: flags.defaultGateway };
  const range = flags.fixedCidr === undefined ? undefined : formatCidr(parseCidr(flags.fixedCidr, "fixed-cidr"));
  return [{ ...(own ?? { subnet: range! }), ...(range !== undefined && { ipRange: range }), auxAddresses }];
}

function ipv6Of(flags: DaemonFlags, rules: GenerationRules, own: Cidr | undefined): IpamSpec[] {
  if (!flags.ipv6) return [];
  const auxAddresses: Record<string, string> = flags.defaultGatewayV6 === undefined ? {} : { DefaultGatewayIPv6: flags.defaultGatewayV6 };
  const fixed = flags.fixedCidrV6 === undefined ? undefined : parseCidr(flags.fixedCidrV6, "fixed-cidr-v6");
  const isRange = fixed !== undefined && (rules.networks.keepsSubnet6 || flags.bip6 !== undefined);
  const range = isRange ? { ipRange: formatCidr(fixed) } : {};
  if (flags.bip6 !== undefined) return [{ ...withAddress(flags.bip6, "bip6"), ...range, auxAddresses }];
  if (own && rules.networks.keepsSubnet6 && (!fixed || cidrContains(own, addressOf(6, BigInt(fixed.address))))) {
    const length = Math.min(own.prefixLength, fixed?.prefixLength ?? own.prefixLength);
    return [{ ...withAddress(`${textOf(own)}/${length}`, "docker0"), ...range, auxAddresses }];
  }
  if (!fixed) return [];
  const keeps = own !== undefined && cidrContains(fixed, addressOf(6, BigInt(own.address)));
  return [{ subnet: formatCidr(fixed), ...range, ...(keeps && { gateway: textOf(own) }), auxAddresses }];
}

function textOf({ family, address }: Cidr): string {
  return formatIp(addressOf(family, BigInt(address)));
}

/** An address with its length: the block around it, and itself as the gateway. */
function withAddress(text: string, flag: string): DefaultSubnet {
  const block = parseCidr(text, flag);
  return { subnet: formatCidr(block), gateway: textOf(block) };
}
