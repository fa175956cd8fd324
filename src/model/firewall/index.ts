import type { DockerGeneration } from "../spec";
import type { Firewall } from "./firewall";
import type { BridgeRules } from "./generation";
import { HostFirewall } from "./host-firewall";
import { rules2010 } from "./rules-20.10";
import { rules29 } from "./rules-29";

export type { Firewall, FirewallEndpoint, FirewallFlags, FirewallLink, FirewallNetwork, FirewallPort, FirewallSubnet, GatewayMode } from "./firewall";
export type { UserCommand } from "./command";
export type { ParseOptions, RuleParser } from "./parse";
export type { ChainState, Family, FirewallState, Rule, RuleCause, TableName, TableState } from "./rule";
export { partitionFirewall, type PartitionSide } from "./partition";
export { ruleText } from "./rule-text";
export { sandboxFirewall, type ResolverPorts } from "./sandbox";
export { isEmpty, listChain, renderSave, saveLines, type SaveOptions } from "./save";

const RULES: Readonly<Record<DockerGeneration, BridgeRules>> = { "20.10": rules2010, "29": rules29 };

/**
 * The packet filter of a host on which nothing has been programmed yet.
 *
 * @example
 * const firewall = createFirewall("29");
 * firewall.start(flags);
 * firewall.addNetwork(bridge);
 * renderSave(firewall.snapshot(), 4, { tables: ["filter"] });
 */
export function createFirewall(generation: DockerGeneration): Firewall {
  return new HostFirewall(RULES[generation]);
}

/** The part of it that the bridge driver programs by itself: no DOCKER-USER. */
export function createDriverFirewall(generation: DockerGeneration): Firewall {
  return new HostFirewall(RULES[generation], { driverOnly: true });
}
