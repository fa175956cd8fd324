import type { SourcePosition } from "../errors";
import { AddressSpace } from "./address-space";
import { Container, modeOf } from "./container";
import { checkContainer } from "./container-checks";
import type { GenerationRules } from "./generation";
import { HostPorts } from "./host-ports";
import { Identity } from "./identity";
import { defaultBridgeSpec, Network, type NetworkContext } from "./network";
import { refuse } from "./refusal";
import type { ContainerSpec, EndpointSpec, NetworkSpec } from "./spec";
import type { BridgeNetworkState, ContainerState } from "./state";

/**
 * A Docker daemon: networks, containers, addresses and ports, changed by the same operations that its API has. Each either
 * happens whole or throws a `SimulationError` in the daemon's words and changes nothing (but what Docker itself would leave behind).
 */
export class Daemon {
  readonly #rules: GenerationRules;
  readonly #identity: Identity;
  readonly #context: NetworkContext;
  readonly #ports: HostPorts;
  readonly #networks = new Map<string, Network>();
  readonly #containers = new Map<string, Container>();
  readonly #veths = new Map<string, string>();

  constructor(host: string, rules: GenerationRules, seed: number) {
    this.#rules = rules;
    this.#identity = new Identity(seed);
    this.#context = { host, rules, identity: this.#identity, space: new AddressSpace(rules.subnets.choice()) };
    this.#ports = new HostPorts(rules);
    this.#addNetwork(new Network(defaultBridgeSpec(), this.#context, { isDefault: true }));
  }

  /** `docker network create`. */
  createNetwork(spec: NetworkSpec): void {
    const subject = `network ${JSON.stringify(spec.name)}`;
    if (PREDEFINED.has(spec.name)) refuse("CONFLICT", subject, `operation is not permitted on predefined ${spec.name} network`, spec.position);
    if (spec.name === "") refuse("INVALID_INPUT", subject, this.#rules.messages.emptyNetworkName, spec.position);
    if (this.#networks.has(spec.name)) refuse("CONFLICT", subject, this.#rules.messages.networkExists(spec.name), spec.position);
    const network = new Network(spec, this.#context, { isDefault: false });
    for (const other of this.#networks.values()) {
      if (other.device !== network.device) continue;
      network.remove();
      const clash = `cannot create network ${network.id} (${network.device}): conflicts with network ${other.id} (${other.device})`;
      refuse("CONFLICT", subject, `${clash}: networks have same bridge name`, spec.position);
    }
    this.#addNetwork(network);
  }

  /** `docker network rm`. */
  removeNetwork(name: string): void {
    const subject = `network ${name}`;
    if (PREDEFINED.has(name)) refuse("CONFLICT", subject, `${name} is a pre-defined network and cannot be removed`);
    const network = this.#network(name, subject);
    if (network.members.size > 0) {
      const members = [...network.members].map((member) => `name:${JSON.stringify(member)} id:${JSON.stringify(this.#containers.get(member)?.id.slice(0, 12))}`);
      refuse("CONFLICT", subject, this.#rules.messages.networkInUse(name, network.id, members));
    }
    network.remove();
    this.#networks.delete(name);
  }

  /** `docker create`: settings are checked; addresses come with the start. */
  createContainer(spec: ContainerSpec): void {
    const existing = this.#containers.get(spec.name);
    if (existing) {
      const conflict = `Conflict. The container name "/${spec.name}" is already in use by container "${existing.id}"`;
      refuse("CONFLICT", `container ${spec.name}`, `${conflict}. You have to remove (or rename) that container to be able to reuse that name.`, spec.position);
    }
    checkContainer(spec, this.#rules);
    for (const { container: child, position } of joinsDefaultBridge(spec) ? spec.links : []) {
      if (this.#containers.has(child)) continue;
      refuse("NOT_FOUND", `container ${spec.name}`, `could not get container for ${child}: No such container: ${child}`, position ?? spec.position);
    }
    const container = new Container(spec, this.#rules, this.#identity);
    for (const endpoint of endpointsOf(spec)) container.wanted.set(endpoint.network, endpoint);
    this.#containers.set(spec.name, container);
  }

  /** `docker start`. */
  startContainer(name: string): void {
    const container = this.#container(name);
    if (container.running) return;
    const mode = modeOf(container.spec);
    if (mode.mode === "container") this.#checkNamespaceOwner(container, mode.container);
    if (joinsDefaultBridge(container.spec)) this.#checkLinks(container);
    const wanted = [...container.wanted.values()].map((spec) => ({ spec, network: this.#network(spec.network, `container ${name}`, spec.position) }));
    const candidates = wanted.map(({ spec, network }) => ({
      network: network.name,
      internal: network.spec.internal,
      gwPriority: spec.gwPriority,
      join: () => container.join(network, spec),
    }));
    try {
      for (const { join } of this.#rules.sandbox.orderAtStart(candidates)) join();
      this.#publish(container);
    } catch (error) {
      container.tearDown();
      throw error;
    }
    container.running = true;
  }

  /** `docker stop`: addresses and ports are free again. */
  stopContainer(name: string): void {
    const container = this.#container(name);
    this.#ports.release(container.ports);
    container.ports = [];
    container.tearDown();
  }

  /** `docker rm -f`. */
  removeContainer(name: string): void {
    this.stopContainer(name);
    this.#containers.delete(name);
  }

  /** `docker network connect`. Default route and published ports move if the new network comes first in gateway order. */
  connect(name: string, endpoint: EndpointSpec): void {
    const container = this.#container(name);
    const network = this.#network(endpoint.network, `container ${name}`, endpoint.position);
    const { mode } = modeOf(container.spec);
    if (mode === "host" || mode === "container") {
      const shared = "container sharing network namespace with another container or host cannot be connected to any other network";
      refuse("INVALID_INPUT", `container ${name}`, shared, endpoint.position);
    }
    if (container.isPrivate) refuse("INVALID_INPUT", `container ${name}`, PRIVATE_MODE, endpoint.position);
    if (network.isDefault && endpoint.aliases.length > 0) {
      refuse("INVALID_INPUT", `container ${name}`, this.#rules.messages.aliasNeedsUserNetwork, endpoint.position);
    }
    if (container.running) this.#moveGateway(container, () => container.join(network, endpoint));
    container.wanted.set(network.name, endpoint);
  }

  /** `docker network disconnect`. */
  disconnect(name: string, networkName: string): void {
    const container = this.#container(name);
    if (networkName === "none" && container.isPrivate) {
      container.isPrivate = false;
      return;
    }
    const network = this.#network(networkName, `container ${name}`);
    if (!container.wanted.delete(network.name)) {
      const the = container.running ? "network" : "the network";
      refuse("NOT_FOUND", `container ${name}`, `container ${container.id} is not connected to ${the} ${network.name}`);
    }
    if (container.running) this.#moveGateway(container, () => container.leave(network.name));
  }

  networks(): BridgeNetworkState[] {
    return [...this.#networks.values()].map((network) => network.state());
  }

  /** The running containers. */
  containers(): ContainerState[] {
    const running = [...this.#containers.values()].filter((container) => container.running);
    return running.map((container) => container.state((name, interfaceName) => this.#vethName(name, interfaceName)));
  }

  #addNetwork(network: Network): void {
    this.#networks.set(network.name, network);
  }

  #network(name: string, subject: string, position?: SourcePosition): Network {
    if (name === "host") refuse("INVALID_INPUT", subject, this.#rules.messages.joinsHostNetwork, position);
    if (name === "none") refuse("INVALID_INPUT", subject, PRIVATE_MODE, position);
    return this.#networks.get(name) ?? refuse("NOT_FOUND", subject, `network ${name} not found`, position);
  }

  #container(name: string): Container {
    return this.#containers.get(name) ?? refuse("NOT_FOUND", `container ${name}`, `No such container: ${name}`);
  }

  #checkNamespaceOwner(container: Container, target: string): void {
    const { messages } = this.#rules;
    const fail = (code: "NOT_FOUND" | "CONFLICT" | "INVALID_INPUT", daemon: string): never =>
      refuse(code, `container ${container.name}`, daemon, container.spec.position);
    if (target === container.name) fail("INVALID_INPUT", messages.joinsItself);
    const owner = this.#containers.get(target);
    if (!owner) fail("NOT_FOUND", messages.noContainerToJoin(target));
    else if (!owner.running) fail("CONFLICT", messages.notRunning(target, owner.id));
  }

  /** Legacy links are lines in /etc/hosts: the other container must be running, on the default bridge (moby daemon/container_operations_unix.go). */
  #checkLinks({ name, spec }: Container): void {
    for (const link of spec.links) {
      const child = this.#containers.get(link.container);
      const position = link.position ?? spec.position;
      if (!child?.running) {
        refuse("CONFLICT", `container ${name}`, `Cannot link to a non running container: /${link.container} AS /${name}/${link.alias}`, position);
      }
      if (!child.endpoints.some(({ members }) => members.isDefault)) {
        refuse("CONFLICT", `container ${name}`, `Cannot link to /${link.container}, as it does not belong to the default network`, position);
      }
    }
  }

  /** Published ports follow the default route, random ones under a new number. */
  #moveGateway(container: Container, change: () => void): void {
    const before = container.gatewayEndpoint?.network;
    change();
    if (container.gatewayEndpoint?.network !== before) this.#publish(container);
  }

  /** Programs the ports on the endpoint of the default route; an internal network publishes nothing. */
  #publish(container: Container): void {
    this.#ports.release(container.ports);
    container.ports = [];
    const endpoint = container.gatewayEndpoint;
    if (!endpoint || endpoint.internal) return;
    const taken = this.#ports.take(container.spec.publish, endpoint.members.options.hostBinding);
    if ("reason" in taken) {
      const endpointId = this.#identity.id("endpoint", endpoint.network, container.name);
      const position = container.spec.publish[0]?.position ?? container.spec.position;
      refuse("CONFLICT", `container ${container.name}`, this.#rules.ports.wrap(container.name, endpointId, taken.reason), position);
    }
    container.ports = taken;
  }

  /** `veth` and seven digits, another seven if they are taken (moby daemon/libnetwork/netutils: GenerateIfaceName). */
  #vethName(container: string, interfaceName: string): string {
    const owner = `${container}:${interfaceName}`;
    for (let attempt = 0; ; attempt++) {
      const name = `veth${this.#identity.suffix("veth", owner, String(attempt))}`;
      const holder = this.#veths.get(name);
      if (holder !== undefined && holder !== owner) continue;
      this.#veths.set(name, owner);
      return name;
    }
  }
}

const PRIVATE_MODE = "container cannot be connected to multiple networks with one of the networks in private (none) mode";

const PREDEFINED = new Set(["bridge", "host", "none", "default"]);

function joinsDefaultBridge(spec: ContainerSpec): boolean {
  return endpointsOf(spec).some(({ network }) => network === "bridge");
}

/** Where a container goes when it starts: its networks, or the default bridge. */
function endpointsOf(spec: ContainerSpec): readonly EndpointSpec[] {
  if (modeOf(spec).mode !== "sandbox") return [];
  if (spec.networks.length > 0) return spec.networks;
  return [{ network: "bridge", aliases: [], gwPriority: 0, ...(spec.position && { position: spec.position }) }];
}
