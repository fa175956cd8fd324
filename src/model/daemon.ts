import { AddressSpace, DEFAULT_POOLS, poolsOfFlags } from "./address-space";
import { docker0Address6, docker0Subnet, localPool6, takesOver } from "./default-bridge";
import { Connections } from "./connections";
import { createWarnings } from "./container-create";
import { type ContainerContext, Containers } from "./containers";
import { defaultBridgeSpec } from "./drivers/default-bridge";
import { createFirewall, type Firewall } from "./firewall/index";
import { type DaemonFlags, defaultFlags } from "./flags";
import type { FilesPart, FilesSupport } from "./files";
import { firewallFlags, firewallNetwork } from "./firewall-facts";
import type { GenerationRules } from "./generation";
import { Host } from "./host";
import { HostPorts } from "./host-ports";
import { Ids } from "./ids";
import type { Network } from "./network";
import { hasLabel } from "./labels";
import { linesOf, type LogLine } from "./log";
import { refuse } from "./refusal";
import { readIpam } from "./ipam-config";
import { LOCAL_DRIVERS, Networks } from "./networks";
import type { DaemonOperations, PruneFilter } from "./operations";
import { proxiesOf } from "./publishing";
import type { RestartPolicy } from "./restart-policy";
import { Sandboxes } from "./sandboxes";
import type { ContainerSpec, EndpointSpec, HostSpec, NetworkSpec } from "./spec";
import { type ContainerState, type DockerState, isOfSwarm, type NetworkState } from "./state";
import type { SwarmPart, SwarmWorld } from "./swarm/operations";
import { type Chance, NO_CHANCE, shuffled } from "./chance";
import { OUTSIDE } from "./swarm/outside";
import { OUTSIDE_WORDS } from "./swarm/outside-words";
import { emptyWorld, type HostWorld, type ListenerSpec } from "./world";

export interface DaemonOptions {
  /** The machine; its name is that of containers' `host`. */
  readonly host: HostSpec;
  readonly rules: GenerationRules;
  /** Decides what the daemon draws at random. */
  readonly seed: number;
  readonly flags?: DaemonFlags;
  readonly world?: HostWorld;
  /** Where the swarms of its world are found (a `SwarmRegistry`); daemons that share it can join one another. No swarms unless given. */
  readonly swarms?: SwarmWorld;
  /** Writes what is to be seen inside of containers (`containerFiles`); nobody does unless given. */
  readonly files?: FilesSupport;
  /** Decides what Docker leaves to chance; the usual outcome unless given. */
  readonly chance?: Chance;
}

/**
 * A Docker daemon on its host: networks, containers, addresses, ports and packet filter, changed by the same operations that its API
 * has. Each either happens whole or throws a `SimulationError` in the daemon's words and changes nothing (but what Docker itself would
 * leave behind).
 */
export class Daemon implements DaemonOperations {
  readonly #options: DaemonOptions;
  readonly #rules: GenerationRules;
  readonly #flags: DaemonFlags;
  readonly #host: Host;
  readonly #ids: Ids;
  readonly #firewall: Firewall;
  readonly #veths = new Set<string>();
  readonly #connections: Connections;
  readonly #networks: Networks;
  readonly #sandboxes: Sandboxes;
  readonly #containers: Containers;
  readonly #files: FilesPart | undefined;
  #swarm: SwarmPart;
  #space: AddressSpace;
  #ports: HostPorts;
  /** Families whose forwarding the daemon has taken care of. */
  readonly #forwarding = new Set<4 | 6>();
  #forwardedAtStart = false;
  readonly #chance: Chance;

  constructor(options: DaemonOptions) {
    const { host, rules, seed, chance = NO_CHANCE } = options;
    this.#chance = chance;
    this.#options = options;
    this.#rules = rules;
    this.#flags = options.flags ?? host.flags ?? defaultFlags(rules.name);
    this.#host = new Host(options.world ?? host.world ?? emptyWorld(host.name));
    this.#ids = new Ids(seed);
    this.#firewall = createFirewall(rules.name);
    this.#connections = new Connections(rules);
    this.#space = this.#newSpace();
    this.#ports = new HostPorts(rules, this.#host);
    this.#swarm = options.swarms === undefined ? OUTSIDE : this.#newMember(options.swarms);
    this.#networks = new Networks(this.#networkContext());
    this.#files = options.files?.({ rules, flags: this.#flags, host: this.#host, networks: this.#networks });
    this.#sandboxes = new Sandboxes(this.#sandboxContext());
    this.#containers = new Containers(this.#containerContext());
    this.#start();
  }

  createNetwork(spec: NetworkSpec): { readonly id: string; readonly warning: string } {
    const isForSwarm = this.#swarm.isActive && (spec.driver === "overlay" || spec.scope === "swarm") && this.#isForSwarm(spec);
    if (isForSwarm) return { id: this.#swarm.createNetwork(spec), warning: "" };
    const isTaken = this.#swarm.clusterNetworks().some(({ name }) => name === spec.name);
    if (isTaken) refuse(409, `network ${spec.name}`, `network with name ${spec.name} already exists`);
    const network = this.#networks.create({ ...spec, options: { ...(spec.configFrom === undefined && this.#flags.defaultNetworkOpts?.[spec.driver]), ...spec.options } });
    this.#takeOver(network);
    this.#program(network);
    return { id: network.id, warning: "" };
  }

  removeNetwork(reference: string): void {
    const ofSwarm = this.#findOfSwarm(reference);
    if (ofSwarm !== undefined) this.#swarm.removeNetwork(ofSwarm);
    else this.#remove(this.#networks.removable(reference));
  }

  pruneNetworks({ labels = [], withoutLabels = [] }: PruneFilter = {}): string[] {
    const passes = (own: NetworkSpec["labels"]) => labels.every((label) => hasLabel(own, label)) && !withoutLabels.some((label) => hasLabel(own, label));
    const gone = shuffled(this.#networks.list().filter((network) => network.isUnused && passes(network.parts.spec.labels)), this.#chance);
    for (const network of gone) this.#remove(network);
    return [...gone.map(({ name }) => name), ...this.#swarm.pruneNetworks(({ ingress, labels: own }) => !ingress && passes(own))];
  }

  connect(container: string, endpoint: EndpointSpec): void {
    this.#swarm.settle();
    this.#containers.connect(container, endpoint);
  }

  disconnect(container: string, network: string, options: { readonly force?: boolean } = {}): void {
    this.#containers.disconnect(container, network, options.force === true);
  }

  createContainer(spec: ContainerSpec): { readonly id: string; readonly warnings: readonly string[] } {
    const { id, links } = this.#containers.create(spec);
    const forwards = this.#rules.remembersForwarding ? this.#forwardedAtStart : this.#host.world.ipForward;
    const warnings = createWarnings(spec, links.length > 0, forwards, this.#rules);
    return { id, warnings };
  }

  startContainer(container: string): void {
    this.#swarm.settle();
    this.#containers.start(this.#containers.get(container));
  }

  stopContainer(container: string): void {
    this.#containers.stop(this.#containers.get(container));
  }

  restartContainer(container: string): void {
    this.#containers.restart(container);
  }

  killContainer(container: string, signal = "KILL"): void {
    this.#containers.kill(container, signal);
  }

  updateContainer(container: string, policy: RestartPolicy): void {
    this.#containers.update(container, policy);
  }

  pauseContainer(container: string): void {
    this.#containers.pause(container);
  }

  unpauseContainer(container: string): void {
    this.#containers.unpause(container);
  }

  removeContainer(container: string, options: { readonly force?: boolean } = {}): void {
    this.#containers.remove(container, options.force === true);
  }

  removeLink(name: string): void {
    this.#containers.unlink(name);
  }

  renameContainer(container: string, name: string): void {
    this.#containers.rename(container, name);
  }

  exitContainer(container: string, exitCode: number): void {
    this.#containers.exitByItself(this.#containers.get(container), exitCode);
  }

  logOutput(container: string, printed: Parameters<typeof linesOf>[0]): void {
    const found = this.#containers.find(container);
    if (found) found.log = [...found.log, ...linesOf(printed)];
  }

  logOf(container: string): readonly LogLine[] {
    return this.#containers.get(container).log;
  }

  checkExec(container: string): void {
    this.#containers.checkExec(container);
  }

  makeName(): string {
    return this.#containers.makeName();
  }

  restart(): void {
    const revived = this.#containers.shutDown();
    const old = this.#networks.list();
    for (const network of old) network.showGateways();
    this.#space.restart(this.#rules.subnets.choice());
    this.#ports = new HostPorts(this.#rules, this.#host);
    this.#sandboxes.restart(this.#sandboxContext());
    this.#firewall.start(firewallFlags(this.#flags));
    // The store has them by ID, and IDs are chance.
    const bridges = old.filter(({ parts }) => parts.bridge).sort((a, b) => (a.id < b.id ? -1 : 1));
    const own = bridges.find(({ isDefault }) => isDefault);
    for (const network of [...(own ? [own] : []), ...shuffled(bridges.filter((network) => network !== own), this.#chance)]) this.#restore(network);
    if (own) this.#remove(own);
    // The daemon lets go of a docker0 that may be of other pools (moby daemon/daemon_unix.go: removeDefaultBridgeInterface).
    if (this.#flags.defaultAddressPools.length > 0) this.#host.removeDevice("docker0");
    this.#makeDefaultBridge();
    this.#swarm.restart();
    if (this.#rules.sandbox.namesFirst) for (const container of this.#containers.list()) container.sortAttachments();
    // The daemon starts them side by side.
    for (const container of shuffled(revived, this.#chance)) this.#containers.revive(container);
    this.#forwardedAtStart = this.#host.world.ipForward;
  }

  /** The machine: users of the host change it as well (`runOnHost`). */
  get host(): Host {
    return this.#host;
  }

  listen(listener: ListenerSpec): void {
    this.#host.listen(listener);
  }

  unlisten(listener: Pick<ListenerSpec, "protocol" | "address" | "port">): void {
    this.#host.unlisten(listener);
  }

  findNetwork(reference: string): NetworkState {
    const local = this.#networks.find(reference);
    const ofSwarm = local ? undefined : this.#swarm.findClusterNetwork(reference);
    const known = ofSwarm && this.#swarm.clusterNetworks().find(({ id }) => id === ofSwarm.id);
    if (known && isOfSwarm(known) && !known.isAllotted && !this.#rules.networks.findsUnallotted) refuse(404, `network ${reference}`, `network ${reference} not found`);
    return known ?? this.#networks.get(reference).state();
  }

  findContainer(reference: string): ContainerState {
    return this.#containers.state(this.#containers.get(reference));
  }

  get swarm(): SwarmPart {
    return this.#swarm;
  }

  get hasSwarms(): boolean {
    return this.#swarm !== OUTSIDE;
  }

  /** Lets a daemon that has been alone find the swarms of its world. */
  meet(swarms: SwarmWorld): void {
    this.#swarm = this.#newMember(swarms);
  }

  /** The packet filter: users of the host change it as well. */
  get firewall(): Firewall {
    return this.#firewall;
  }

  networks(): NetworkState[] {
    return [...this.#networks.list().map((network) => network.state()), ...this.#swarm.clusterNetworks()];
  }

  containers(): ContainerState[] {
    return this.#containers.list().map((container) => this.#containers.state(container));
  }

  state(): DockerState {
    const swarm = this.#swarm.state();
    const proxies = this.#containers.list().flatMap(proxiesOf);
    const host = { ...this.#options.host, flags: this.#flags, world: this.#host.world, proxies, firewall: this.#firewall.snapshot(), ipForward: this.#host.world.ipForward, flushed: this.#connections.flushed, ...(swarm && { swarm }) };
    return { generation: this.#rules.name, hosts: [host], networks: this.networks(), containers: this.containers() };
  }

  #start(): void {
    this.#firewall.start(firewallFlags(this.#flags));
    for (const family of this.#rules.forwardsAtStart(this.#flags)) this.#turnOnForwarding(family);
    this.#networks.makePlain("none");
    this.#networks.makePlain("host");
    this.#firewall.addOtherNetwork();
    this.#makeDefaultBridge();
    this.#forwardedAtStart = this.#host.world.ipForward;
  }

  /** Whether the managers are to make the network: names and drivers are looked at before. */
  #isForSwarm(spec: NetworkSpec): boolean {
    const subject = `network ${spec.name}`;
    if (spec.configOnly === true || (spec.driver === "overlay" && spec.scope === "local")) return false;
    if (spec.driver !== "overlay" && (spec.ingress === true || !LOCAL_DRIVERS.has(spec.driver))) return false;
    const isTaken = this.networks().some(({ name }) => name === spec.name);
    if (isTaken) refuse(409, subject, `network with name ${spec.name} already exists`);
    this.#rules.networks.checkIpam(readIpam(spec));
    return this.#swarm.isManager || refuse(403, subject, OUTSIDE_WORDS.networkFromWorker);
  }

  /** The ID of a network that the managers have to remove. */
  #findOfSwarm(reference: string): string | undefined {
    const local = this.#networks.find(reference);
    if (local) return local.driver === "overlay" ? local.id : undefined;
    return this.#swarm.findClusterNetwork(reference)?.id;
  }

  #newMember(swarms: SwarmWorld): SwarmPart {
    const { host, seed } = this.#options;
    return swarms.member({
      hostName: host.name, cpus: host.cpus, host: this.#host, generation: this.#rules.name, seed, ids: this.#ids, firewall: this.#firewall, veths: this.#veths,
      networks: () => this.#networks, containers: () => this.#containers, sandboxes: () => this.#sandboxes, program: (network: Network) => this.#program(network),
    });
  }

  #makeDefaultBridge(): void {
    if (this.#flags.bridge === "none") return;
    this.#program(this.#networks.make(defaultBridgeSpec(this.#flags, this.#rules, docker0Subnet(this.#host, this.#space, this.#rules), docker0Address6(this.#host)), { isDefault: true }));
  }

  /** A network of a user on docker0 makes the daemon forget its own. */
  #takeOver(network: Network): void {
    const old = this.#networks.list().find(({ isDefault }) => isDefault);
    if (!old || !takesOver(network, old, this.#host)) return;
    for (const container of this.#containers.list()) this.#sandboxes.forgetPorts(container, old);
    this.#firewall.removeNetwork(old.id);
  }

  /** Tells the packet filter of a new network, and forwards for it. */
  #program(network: Network): void {
    const { bridge } = network.parts;
    if (bridge) {
      this.#forwardFor(network);
      this.#firewall.addNetwork(firewallNetwork(network, bridge));
    } else if (!network.configOnly) this.#firewall.addOtherNetwork();
  }

  /** Tells the packet filter of a network that was there before the daemon. */
  #restore(network: Network): void {
    const { bridge } = network.parts;
    if (!bridge) return;
    this.#forwardFor(network);
    this.#firewall.restoreNetwork(firewallNetwork(network, bridge));
  }

  #forwardFor(network: Network): void {
    for (const family of [4, 6] as const) if (network.blocksOf(family).length > 0) this.#turnOnForwarding(family);
  }

  #remove(network: Network): void {
    if (network.parts.bridge) this.#firewall.removeNetwork(network.id);
    this.#networks.remove(network);
  }

  #turnOnForwarding(family: 4 | 6): void {
    if (this.#forwarding.has(family) || !this.#flags.ipForward) return;
    this.#forwarding.add(family);
    const { ip6tables, iptables, ipForwardNoDrop } = this.#flags;
    const wasOn = family === 4 && this.#host.world.ipForward;
    if (family === 4) this.#host.setForwarding(true);
    if ((family === 4 ? iptables : ip6tables) && !wasOn && !ipForwardNoDrop) this.#firewall.dropForwarded(family);
  }

  #newSpace(): AddressSpace {
    const { defaultAddressPools } = this.#flags;
    const pools = defaultAddressPools.length > 0 ? poolsOfFlags(defaultAddressPools) : DEFAULT_POOLS;
    const wantsLocal = this.#rules.subnets.hasLocalPool6 && !pools.some(({ base }) => base.family === 6);
    return new AddressSpace(this.#rules.subnets.choice(), wantsLocal ? [...pools, localPool6(this.#ids, this.#options.host.name)] : pools);
  }

  #networkContext() {
    return { host: this.#host, hostName: this.#options.host.name, rules: this.#rules, ids: this.#ids, space: this.#space, chance: this.#chance };
  }

  #sandboxContext() {
    const swarm = () => this.#swarm;
    return {
      rules: this.#rules,
      ids: this.#ids,
      host: this.#host,
      veths: this.#veths,
      networks: this.#networks,
      ports: this.#ports,
      firewall: this.#firewall,
      connections: this.#connections,
      userlandProxy: this.#flags.userlandProxy,
      get swarm() {
        return swarm();
      },
      bridgeDisabled: this.#flags.bridge === "none",
      files: this.#files,
      chance: this.#chance,
    };
  }

  #containerContext(): ContainerContext {
    return { rules: this.#rules, ids: this.#ids, host: this.#host, hostName: this.#options.host.name, networks: this.#networks, sandboxes: this.#sandboxes, files: this.#files, ended: (container) => this.#swarm.containerEnded(container) };
  }
}
