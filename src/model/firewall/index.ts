import { rulesOf } from "../generations";
import type { DockerGeneration } from "../spec";
import type { Firewall } from "./firewall";
import { HostFirewall } from "./host-firewall";

export type { Firewall, FirewallEndpoint, FirewallFlags, FirewallLink, FirewallNetwork, FirewallPort, FirewallSubnet, GatewayMode } from "./firewall";
export type { UserCommand } from "./command";
export type { ParseOptions, RuleParser } from "./parse";
export type { ChainState, Family, FirewallState, Rule, RuleCause, TableName, TableState } from "./rule";
export { partitionFirewall, type PartitionSide } from "./partition";
export { ruleText } from "./rule-text";
export { sandboxFirewall, type ResolverPorts } from "./sandbox";
export { isEmpty, listChain, renderSave, saveLines, type SaveOptions } from "./save";

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
  return new HostFirewall(rulesOf(generation).bridgeRules);
}

/** The part of it that the bridge driver programs by itself: no DOCKER-USER. */
export function createDriverFirewall(generation: DockerGeneration): Firewall {
  return new HostFirewall(rulesOf(generation).bridgeRules, { driverOnly: true });
}
