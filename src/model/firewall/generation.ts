import type { FirewallEndpoint, FirewallFlags, FirewallLink, FirewallNetwork, FirewallPort, FirewallSubnet } from "./firewall";
import type { Family, TableName } from "./rule";
import type { Step } from "./step";

/** What one generation of Docker programs, each answer for one family. What is added is taken back rule by rule when its cause goes. */
export interface BridgeRules {
  /** Its chains, in the order in which a starting daemon empties and removes those of the run before; then it makes them anew. */
  readonly chains: readonly { readonly table: TableName; readonly chain: string }[];
  start(family: Family, flags: FirewallFlags): readonly Step[];
  /** Whether the family has the chain DOCKER-USER. */
  hasUserChain(family: Family): boolean;
  userChain(family: Family): readonly Step[];
  /** Whether DOCKER-USER is put in its place again after each new network; else when the daemon starts. */
  readonly userChainFollowsNetworks: boolean;
  /** How frames of an encrypted overlay network are told apart. */
  readonly matchesVni: "u32" | "bpf";
  /** `subnet` undefined: the network has no addresses of the family. */
  addNetwork(family: Family, flags: FirewallFlags, network: FirewallNetwork, subnet: FirewallSubnet | undefined): readonly Step[];
  attach(family: Family, flags: FirewallFlags, network: FirewallNetwork, endpoint: FirewallEndpoint): readonly Step[];
  /** `family` is that of the container's address. */
  publish(family: Family, flags: FirewallFlags, network: FirewallNetwork, port: FirewallPort): readonly Step[];
  link(family: Family, network: FirewallNetwork, link: FirewallLink): readonly Step[];
}
