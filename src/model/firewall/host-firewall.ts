import type { UserCommand } from "./command";
import { natJumps } from "./conditions";
import type { Firewall, FirewallEndpoint, FirewallFlags, FirewallLink, FirewallNetwork, FirewallPort, SecureOverlay } from "./firewall";
import type { BridgeRules } from "./generation";
import type { Family, FirewallState } from "./rule";
import { perform, type Step, StepMaker, undo } from "./step";
import { secureSteps } from "./secure-overlay";
import { Tables } from "./tables";
import { applyUserCommand } from "./user-command";

const USER_CHAIN = "DOCKER-USER";
/** Made by a swarm (`mesh.ts`). */
const MESH_CHAIN = "DOCKER-INGRESS";
const FAMILIES: readonly Family[] = [4, 6];

/** The rules of a host, with the daemon's by one generation. */
export class HostFirewall implements Firewall {
  readonly #rules: BridgeRules;
  readonly #driverOnly: boolean;
  readonly #tables: Readonly<Record<Family, Tables>> = { 4: new Tables(), 6: new Tables() };
  readonly #networks = new Map<string, FirewallNetwork>();
  #flags: FirewallFlags | undefined;

  /** `driverOnly`: what the bridge driver programs by itself, without DOCKER-USER. */
  constructor(rules: BridgeRules, { driverOnly = false }: { readonly driverOnly?: boolean } = {}) {
    this.#rules = rules;
    this.#driverOnly = driverOnly;
  }

  start(flags: FirewallFlags): void {
    this.#flags = flags;
    this.#networks.clear();
    for (const family of this.#families()) {
      const tables = this.#tables[family];
      this.#removeChains(family);
      for (const { table, chain } of this.#rules.chains) tables.newChain(table, chain);
      perform(tables, this.#rules.start(family, flags));
    }
    if (!this.#rules.userChainFollowsNetworks) this.#placeUserChain();
  }

  dropForwarded(family: Family): void {
    if (this.#families().includes(family)) this.#tables[family].setPolicy("filter", "FORWARD", "DROP");
  }

  addNetwork(network: FirewallNetwork): void {
    this.restoreNetwork(network);
    this.addOtherNetwork();
  }

  restoreNetwork(network: FirewallNetwork): void {
    this.#networks.set(network.id, network);
    this.#each((family, flags) => this.#rules.addNetwork(family, flags, network, family === 4 ? network.v4 : network.v6), perform);
  }

  addOtherNetwork(): void {
    if (!this.#rules.userChainFollowsNetworks) return;
    this.#placeMeshChain();
    this.#placeUserChain();
  }

  removeNetwork(networkId: string): void {
    const network = this.#networks.get(networkId);
    if (!network) return;
    this.#each((family, flags) => this.#rules.addNetwork(family, flags, network, family === 4 ? network.v4 : network.v6), undo);
    this.#networks.delete(networkId);
  }

  attach(networkId: string, endpoint: FirewallEndpoint): void {
    this.#ofNetwork(networkId, (family, flags, network) => this.#rules.attach(family, flags, network, endpoint), perform);
  }

  detach(networkId: string, endpoint: FirewallEndpoint): void {
    this.#ofNetwork(networkId, (family, flags, network) => this.#rules.attach(family, flags, network, endpoint), undo);
  }

  publish(networkId: string, ports: readonly FirewallPort[]): void {
    for (const port of ports) this.#ofNetwork(networkId, (...context) => this.#portSteps(port, ...context), perform);
  }

  unpublish(networkId: string, ports: readonly FirewallPort[]): void {
    for (const port of ports) this.#ofNetwork(networkId, (...context) => this.#portSteps(port, ...context), undo);
  }

  secure(overlay: SecureOverlay): void {
    if (this.#families().includes(4)) perform(this.#tables[4], secureSteps(overlay, this.#rules.matchesVni));
  }

  unsecure(overlay: SecureOverlay): void {
    undo(this.#tables[4], secureSteps(overlay, this.#rules.matchesVni));
  }

  ofSwarm(change: (tables: Tables, placeUserChain: () => void) => void): void {
    if (this.#families().includes(4)) change(this.#tables[4], () => this.#placeUserChain());
  }

  link(networkId: string, link: FirewallLink): void {
    this.#ofNetwork(networkId, (...context) => this.#linkSteps(link, ...context), perform);
  }

  unlink(networkId: string, link: FirewallLink): void {
    this.#ofNetwork(networkId, (...context) => this.#linkSteps(link, ...context), undo);
  }

  apply(commands: readonly UserCommand[]): void {
    for (const command of commands) applyUserCommand(this.#tables[command.family], command);
  }

  snapshot(): FirewallState {
    return { v4: this.#tables[4].snapshot(), v6: this.#tables[6].snapshot() };
  }

  #portSteps(port: FirewallPort, family: Family, flags: FirewallFlags, network: FirewallNetwork): readonly Step[] {
    return port.address.family === family ? this.#rules.publish(family, flags, network, port) : [];
  }

  #linkSteps(link: FirewallLink, family: Family, _flags: FirewallFlags, network: FirewallNetwork): readonly Step[] {
    return link.parent.address.family === family ? this.#rules.link(family, network, link) : [];
  }

  /** The families that the daemon looks after; none before it starts. */
  #families(): readonly Family[] {
    return FAMILIES.filter((family) => (family === 4 ? this.#flags?.iptables : this.#flags?.ip6tables));
  }

  #each(steps: (family: Family, flags: FirewallFlags) => readonly Step[], act: typeof perform): void {
    const flags = this.#flags;
    if (!flags) return;
    for (const family of this.#families()) act(this.#tables[family], steps(family, flags));
  }

  #ofNetwork(networkId: string, steps: (family: Family, flags: FirewallFlags, network: FirewallNetwork) => readonly Step[], act: typeof perform): void {
    const network = this.#networks.get(networkId);
    if (network) this.#each((family, flags) => steps(family, flags, network), act);
  }

  /** libnetwork's ChainInfo.Remove: jumps to a nat chain go first; a filter chain that others lead to is emptied and stays. */
  #removeChains(family: Family): void {
    const tables = this.#tables[family];
    for (const { table, chain } of this.#rules.chains) {
      if (!tables.has(table, chain)) continue;
      if (table === "nat") undo(tables, [true, false].flatMap((proxy) => natJumps(new StepMaker(family, { kind: "daemon" }), proxy)));
      tables.flush(table, chain);
      tables.removeChain(table, chain);
    }
  }

  /** libnetwork service_linux.go: arrangeIngressFilterRule. */
  #placeMeshChain(): void {
    if (this.#tables[4].has("filter", MESH_CHAIN)) perform(this.#tables[4], [new StepMaker(4, { kind: "daemon" }).top("filter", "FORWARD", MESH_CHAIN)]);
  }

  #placeUserChain(): void {
    for (const family of this.#families()) {
      if (this.#driverOnly || !this.#rules.hasUserChain(family)) continue;
      this.#tables[family].newChain("filter", USER_CHAIN);
      perform(this.#tables[family], this.#rules.userChain(family));
    }
  }
}
