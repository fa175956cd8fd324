import { type Attachment, type Container, endpointState, gatewaysOf } from "./container";
import type { Endpoint } from "./endpoint";
import type { Firewall, FirewallLink } from "./firewall/firewall";
import { addressOf } from "./block";
import {
  checkAttachment, completeAliases, createEndpoint, deleteEndpoint, type JoinContext, setUpInterface,
} from "./joining";
import type { ContainerFiles } from "./inspect/container-files";
import { type Network, PREDEFINED } from "./network";
import type { Networks } from "./networks";
import { carrierOf, type PublishContext, publishOn, showPorts, unpublish } from "./publishing";
import { refuse } from "./refusal";
import type { EndpointSpec } from "./spec";

/** What sandboxes are made with. */
export interface SandboxContext extends JoinContext, PublishContext {
  readonly networks: Networks;
  readonly firewall: Firewall;
  readonly files: ContainerFiles;
  /** The daemon has no default bridge. */
  readonly bridgeDisabled: boolean;
}

/** The network part of starting, stopping, connecting and disconnecting containers (moby daemon/container_operations.go, libnetwork sandbox.go). */
export class Sandboxes {
  #context: SandboxContext;

  constructor(context: SandboxContext) {
    this.#context = context;
  }

  restart(context: SandboxContext): void {
    this.#context = context;
  }

  /**
   * Joins all networks of a container that starts: the default bridge first, as legacy links need it.
   *
   * @throws SimulationError; what was joined stays until `tearDown`.
   */
  setUp(container: Container): void {
    const { rules, networks } = this.#context;
    for (const [key, attachment] of container.networkDisabled ? [] : this.#startOrder(container)) {
      if (this.lacksBridge(container, key)) continue;
      // The network that it was on before, even if another one has the name by now.
      const reference = attachment.networkId !== "" && !PREDEFINED.has(key) ? attachment.networkId : key;
      const network = networks.get(reference, `container ${container.name}`, attachment.spec.position ?? container.spec.position);
      this.#join(container, network, attachment);
    }
    if (!container.hasSandbox) this.#makeSandbox(container);
    const ordered = rules.sandbox.orderAtStart(container.endpoints);
    for (const endpoint of ordered) setUpInterface(container, endpoint, this.#context);
  }

  /** All endpoints go; addresses and ports are free again. */
  tearDown(container: Container): void {
    this.#unpublish(container);
    for (const endpoint of [...container.endpoints]) {
      this.#context.files.leave(container, endpoint);
      this.#leave(container, endpoint);
    }
    container.forgetSandbox();
  }

  /** `docker network connect`, of a container that runs. Default route and published ports move if the new network comes first in gateway order. */
  connect(container: Container, network: Network, spec: EndpointSpec): void {
    const attachment: Attachment = container.attachments.get(network.name) ?? { spec, networkId: "", aliases: undefined, viaConnect: true };
    const isKnown = container.endpointOn(network) !== undefined;
    this.#join(container, network, isKnown ? { ...attachment, spec } : attachment);
    try {
      setUpInterface(container, container.endpointOn(network)!, this.#context);
    } catch (error) {
      this.#leave(container, container.endpointOn(network)!);
      throw error;
    }
  }

  /** `docker network disconnect`, of a container that runs. */
  disconnect(container: Container, network: Network): void {
    const { rules } = this.#context;
    const endpoint =
      container.endpointOn(network) ?? refuse(500, `container ${container.name}`, `container ${container.id} is not connected to network ${network.name}`);
    const carried = container.publishing === endpoint || gatewaysOf(container, rules).gateway4 === endpoint;
    if (carried) this.#unpublish(container);
    this.#context.files.leave(container, endpoint);
    this.#leave(container, endpoint);
    container.attachments.delete(network.name);
    const next = carrierOf(container, rules);
    if (carried && next) this.#publishQuietly(container, next);
    if (next !== undefined || container.endpoints.length === 0 || !rules.ports.remembersShown) showPorts(container);
  }

  /** Its ports lead nowhere any more, though they are shown. */
  forgetPorts(container: Container): void {
    this.#unpublish(container);
  }

  /** The container has another name. */
  rename(container: Container): void {
    for (const endpoint of container.endpoints) {
      const old = endpoint.container;
      endpoint.container = container.name;
      endpoint.dnsNames = endpoint.dnsNames.map((name) => (name === old ? container.name : name));
    }
  }

  /** `--bridge=none`: what should be on the default bridge is on no network, and starts without any from then on. */
  lacksBridge(container: Container, network: string): boolean {
    if (network !== "bridge" || !this.#context.bridgeDisabled) return false;
    container.networkDisabled = true;
    return true;
  }

  #startOrder(container: Container): [string, Attachment][] {
    const { rules, networks } = this.#context;
    const entries = [...container.attachments];
    const candidates = entries.map(([key, attachment]) => {
      const network = networks.find(key);
      return {
        entry: [key, attachment] as [string, Attachment],
        network: key,
        internal: network?.internal ?? false,
        gwPriority: attachment.spec.gwPriority,
        hasGateway4: network !== undefined && network.blocksOf(4).length > 0,
        hasGateway6: network !== undefined && network.blocksOf(6).length > 0,
        isFirst: rules.sandbox.defaultBridgeFirst && key === "bridge",
      };
    });
    const ordered = candidates.sort(rules.sandbox.compareGateways);
    return [...ordered.filter(({ isFirst }) => isFirst), ...ordered.filter(({ isFirst }) => !isFirst)].map(({ entry }) => entry);
  }

  /** One endpoint: addresses, then the default route and the ports. */
  #join(container: Container, network: Network, attachment: Attachment): void {
    const { rules, networks, firewall } = this.#context;
    // What is refused afterwards leaves the aliases behind, as the daemon does.
    completeAliases(container, network, attachment, rules);
    checkAttachment(container, network, attachment.spec, networks.list(), rules);
    const endpoint = createEndpoint(container, network, attachment, this.#context);
    container.attachments.set(network.name, attachment);
    attachment.networkId = network.id;
    if (network.driver === "bridge" && !network.isDefault) container.embeddedDns = true;
    if (network.driver === "macvlan" || network.driver === "ipvlan") container.embeddedDns = true;
    container.endpoints.push(endpoint);
    attachment.stale = undefined;
    if (!container.hasSandbox) this.#makeSandbox(container, attachment);
    this.#context.files.join(container, endpoint);
    if (network.parts.bridge) firewall.attach(network.id, firewallEndpoint(endpoint));
    try {
      this.#moveGateway(container, endpoint);
    } catch (error) {
      this.#leave(container, endpoint);
      throw error;
    }
    if (container.embeddedDns) this.#context.files.embed(container);
    showPorts(container);
  }

  /** With its first endpoint; what is refused here leaves the endpoint's addresses in what `docker inspect` shows. */
  #makeSandbox(container: Container, first?: Attachment): void {
    const stranger = container.attachments.has("bridge") ? container.links.find(({ child }) => !child.attachments.has("bridge")) : undefined;
    if (stranger) {
      const [endpoint] = container.endpoints;
      if (first && endpoint) first.stale = endpointState({ ...endpoint, gateway4: undefined, gateway6: undefined });
      refuse(500, `container ${container.name}`, `Cannot link to /${stranger.child.name}, as it does not belong to the default network`);
    }
    container.hasSandbox = true;
    this.#context.files.make(container, this.linkedBy(container));
  }

  /** A new endpoint may carry default route and ports from now on (libnetwork endpoint.go: sbJoin). */
  #moveGateway(container: Container, joined: Endpoint): void {
    const { rules } = this.#context;
    const carrier = carrierOf(container, rules);
    if (carrier !== joined) return;
    const before = container.publishing;
    this.#unpublish(container);
    if (joined.internal) return;
    try {
      this.#publish(container, joined);
    } catch (error) {
      if (before) this.#publishQuietly(container, before);
      throw error;
    }
  }

  /** Ports that move to another endpoint: a failure is only logged. */
  #publishQuietly(container: Container, endpoint: Endpoint): void {
    try {
      this.#publish(container, endpoint);
    } catch {
      // As the daemon does: a warning in its log.
    }
  }

  #leave(container: Container, endpoint: Endpoint): void {
    const { firewall } = this.#context;
    if (endpoint.members.parts.bridge) firewall.detach(endpoint.members.id, firewallEndpoint(endpoint));
    deleteEndpoint(container, endpoint, this.#context);
    const at = container.endpoints.indexOf(endpoint);
    if (at >= 0) container.endpoints.splice(at, 1);
  }

  /**
   * Programs ports, and the exposed ports of linked containers where those of the default bridge cannot talk: as long as the container
   * itself runs, whatever becomes of the others meanwhile (libnetwork drivers/bridge: link).
   */
  #publish(container: Container, endpoint: Endpoint): void {
    publishOn(container, endpoint, this.#context);
    const { bridge } = endpoint.members.parts;
    if (!endpoint.members.isDefault || bridge?.options.icc !== false) return;
    for (const { child } of container.links) {
      const target = child.endpoints.find(({ members }) => members.isDefault);
      const link = target && firewallLink(endpoint, target, child);
      if (!link) continue;
      this.#context.firewall.link(endpoint.members.id, link);
      container.openLinks.push({ target, link });
    }
  }

  #unpublish(container: Container): void {
    const network = container.publishing?.members.id;
    unpublish(container, this.#context);
    // What the other one's new endpoint would need is not known: the rules of the old one stay.
    const current = container.openLinks.filter(({ target }) => target.members.endpoints.get(target.containerId) === target);
    container.openLinks.length = 0;
    for (const { link } of current) if (network !== undefined) this.#context.firewall.unlink(network, link);
  }

  /** Set by the daemon: the containers whose links lead to one. */
  linkedBy: (container: Container) => readonly Container[] = () => [];
}

function firewallEndpoint({ container, v4, v6 }: Endpoint) {
  const addresses = [...(v4 ? [addressOf(4, v4.value)] : []), ...(v6 ? [addressOf(6, v6.value)] : [])];
  return { container, addresses };
}

function firewallLink(parent: Endpoint, child: Endpoint, { exposed }: Container): FirewallLink | undefined {
  if (!parent.v4 || !child.v4) return undefined;
  const end = ({ container }: Endpoint, value: bigint) => ({ container, address: addressOf(4, value) });
  return { parent: end(parent, parent.v4.value), child: end(child, child.v4.value), ports: [...exposed].reverse() };
}
