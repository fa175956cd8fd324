import { type Attachment, type Container, endpointState, gatewaysOf } from "./container";
import type { Connections } from "./connections";
import type { Endpoint } from "./endpoint";
import type { FilesPart } from "./files";
import type { Firewall, FirewallLink } from "./firewall/firewall";
import { addressOf } from "./block";
import {
  checkAttachment, completeAliases, createEndpoint, deleteEndpoint, dnsNamesOf, type JoinContext, setUpInterface,
} from "./joining";
import { type Network, PREDEFINED } from "./network";
import type { Networks } from "./networks";
import { carrierOf, type PublishContext, publishOn, showPorts, unpublish } from "./publishing";
import { formatIp } from "../net/ip";
import { refuse } from "./refusal";
import type { EndpointSpec, ExposedPort } from "./spec";

/** What a daemon's part in a swarm does for containers. */
export interface SwarmAttachments {
  readonly isActive: boolean;
  /** A container is to be connected to the network that is its way out already. */
  refuseSecondWayOut(container: Container, wayOut: Endpoint, attachment: Attachment): never;
  /** The managers let a container onto a network of the swarm, and give it an address there. */
  attach(container: Container, reference: string, wanted: string | undefined): { readonly network: Network; readonly address: bigint };
  detach(container: Container, networkId: string): void;
  /** docker_gwbridge. */
  gatewayBridge(): Network;
}

/** What sandboxes are made with. */
export interface SandboxContext extends JoinContext, PublishContext {
  readonly networks: Networks;
  readonly firewall: Firewall;
  readonly connections: Connections;
  readonly files: FilesPart | undefined;
  /** The daemon has no default bridge. */
  readonly bridgeDisabled: boolean;
  readonly swarm: SwarmAttachments;
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
    const { rules } = this.#context;
    if (rules.sandbox.madeFirst) this.#makeSandbox(container);
    for (const [key, attachment] of container.networkDisabled ? [] : this.#startOrder(container)) {
      if (this.lacksBridge(container, key)) continue;
      // The network that it was on before, even if another one has the name by now.
      const reference = attachment.networkId !== "" && !PREDEFINED.has(key) ? attachment.networkId : key;
      this.#join(container, this.#networkFor(container, reference, attachment), attachment);
    }
    if (!container.hasSandbox) this.#makeSandbox(container);
    container.isUnplugged = container.networkDisabled;
    for (const [index, endpoint] of rules.sandbox.orderAtStart(container.endpoints).entries()) {
      try {
        setUpInterface(container, endpoint, this.#context);
      } catch (error) {
        if (rules.sandbox.failureLeavesNetwork) {
          container.attachments.delete(endpoint.network);
          // The files hear of a network when its interface is there.
          if (index === 0) this.#context.files?.make(container);
        }
        throw error;
      }
    }
  }

  /** All endpoints go; addresses and ports are free again. */
  tearDown(container: Container): void {
    this.#context.connections.ends(container);
    this.#unpublish(container);
    for (const endpoint of [...container.endpoints]) {
      if (!endpoint.isLastResort) this.#context.files?.leave(container, endpoint);
      this.#leave(container, endpoint);
    }
    container.forgetSandbox();
  }

  /** `docker network connect`, of a container that runs. Default route and published ports move if the new network comes first in gateway order. */
  connect(container: Container, reference: string, spec: EndpointSpec): void {
    const fresh: Attachment = { spec, networkId: "", aliases: undefined, viaConnect: true };
    const network = this.#networkFor(container, reference, fresh);
    const wayOut = container.endpoints.find(({ isLastResort }) => isLastResort);
    if (wayOut?.members === network) this.#context.swarm.refuseSecondWayOut(container, wayOut, fresh);
    const known = container.endpointOn(network) ? container.attachments.get(network.name) : undefined;
    this.#join(container, network, known ? { ...known, spec: fresh.spec } : { ...fresh, spec: { ...fresh.spec, network: network.name } });
    try {
      // Differs from Docker: both ends of the cable of one without a network stay on the host, where nobody uses them; here they are not there.
      for (const endpoint of container.isUnplugged ? [] : container.endpoints.filter(({ interfaceName }) => interfaceName === "")) setUpInterface(container, endpoint, this.#context);
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
    this.#context.connections.leaves(container, endpoint);
    if (carried) this.#unpublish(container);
    this.#context.files?.leave(container, endpoint);
    this.#leave(container, endpoint);
    container.attachments.delete(network.name);
    this.#followWayOut(container);
    for (const added of container.endpoints.filter(({ interfaceName }) => interfaceName === "")) setUpInterface(container, added, this.#context);
    const next = carrierOf(container, rules);
    if (carried && next && container.publishing !== next) this.#publishQuietly(container, next);
    this.#context.connections.left(container, endpoint);
    if (next !== undefined || container.endpoints.length === 0 || network.driver === "overlay" || !rules.ports.remembersShown) showPorts(container, rules);
  }

  /** The host leaves its swarm: a running container loses its interfaces there, and nothing else. */
  leaveOverlays(container: Container): void {
    const overlays = container.endpoints.filter(({ members }) => members.driver === "overlay");
    if (overlays.length === 0) return;
    const next = () => carrierOf(container, this.#context.rules);
    const before = next();
    if (before?.isLastResort) this.#unpublish(container);
    for (const endpoint of overlays) {
      this.#context.files?.leave(container, endpoint);
      this.#leave(container, endpoint);
      container.attachments.delete(endpoint.network);
    }
    this.#followWayOut(container);
    showPorts(container, this.#context.rules);
  }

  /** Its links have changed (moby daemon/container_operations.go: updateNetwork). */
  refresh(container: Container): void {
    const { files } = this.#context;
    if (!container.hasSandbox) return;
    files?.make(container);
    for (const endpoint of container.endpoints) if (!endpoint.isLastResort) files?.join(container, endpoint);
    if (container.embeddedDns) files?.embed(container);
  }

  /** Its ports lead nowhere any more, though they are shown. */
  forgetPorts(container: Container): void {
    this.#unpublish(container);
  }

  /** The container has another name. */
  rename(container: Container): void {
    for (const attachment of container.isRunning ? container.attachments.values() : []) attachment.dnsNames = dnsNamesOf(container, attachment, this.#context.rules);
    for (const endpoint of container.endpoints) {
      const old = endpoint.container;
      endpoint.container = container.name;
      // Where the old name is an alias as well, it stays.
      const isAlias = container.attachments.get(endpoint.network)?.spec.aliases.includes(old) === true;
      endpoint.dnsNames = endpoint.dnsNames.flatMap((name) => (name !== old ? [name] : isAlias ? [container.name, old] : [container.name]));
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
    // Differs from Docker: that walks over a Go map, here as elsewhere.
    if (container.isManaged && !rules.sandbox.madeFirst) return entries;
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
    const { rules, networks } = this.#context;
    // What is refused afterwards leaves the aliases behind, as the daemon does.
    completeAliases(container, network, attachment, rules);
    if (!network.isPredefined) attachment.dnsNames = dnsNamesOf(container, attachment, rules);
    checkAttachment(container, network, attachment.spec, networks.list(), rules);
    container.attachments.set(network.name, container.attachments.get(network.name) ?? attachment);
    const endpoint = this.#makeEndpoint(container, network, attachment);
    container.attachments.set(network.name, attachment);
    attachment.networkId = network.id;
    if (/^(bridge|macvlan|ipvlan|overlay)$/.test(network.driver) && !network.isDefault && !container.isUnplugged) container.embeddedDns = true;
    container.endpoints.push(endpoint);
    attachment.stale = undefined;
    try {
      this.#enter(container, endpoint, attachment);
    } catch (error) {
      if (rules.sandbox.failureLeavesNetwork) container.attachments.delete(network.name);
      throw error;
    }
    this.#context.connections.joined(container, endpoint);
    this.#followWayOut(container);
    if (container.embeddedDns) this.#context.files?.embed(container);
    showPorts(container, rules);
  }

  /** The sandbox gets the endpoint; the first one of 20.10 makes the sandbox, and stays in what is shown if that is refused. */
  #enter(container: Container, endpoint: Endpoint, attachment: Attachment): void {
    const { firewall, files, rules } = this.#context;
    const { members: network } = endpoint;
    if (!container.hasSandbox || (rules.sandbox.madeFirst && network.isDefault)) {
      try {
        this.#refuseStrangers(container);
      } catch (error) {
        attachment.stale = endpointState({ ...endpoint, gateway4: undefined, gateway6: undefined });
        throw error;
      }
      if (!container.hasSandbox) this.#makeSandbox(container);
      files?.relink(container, this.linkedBy(container));
    }
    if (network.parts.spec.ingress !== true) files?.join(container, endpoint);
    if (rules.sandbox.madeFirst && container.embeddedDns) files?.embed(container);
    if (network.parts.bridge) firewall.attach(network.id, firewallEndpoint(endpoint));
    try {
      this.#moveGateway(container, endpoint);
    } catch (error) {
      if (rules.sandbox.failureLeavesNetwork) files?.leave(container, endpoint);
      this.#leave(container, endpoint);
      throw error;
    }
  }

  /** The network that it is to join; one of a swarm is asked of the managers (moby daemon/container_operations.go: findAndAttachNetwork). */
  #networkFor(container: Container, reference: string, attachment: Attachment): Network {
    const { networks, swarm } = this.#context;
    const local = networks.find(reference);
    const isForeign = swarm.isActive && !container.isManaged && (local === undefined || local.driver === "overlay");
    if (!isForeign) return networks.get(reference, `container ${container.name}`, attachment.spec.position ?? container.spec.position);
    if (local && container.endpointOn(local)) return local;
    attachment.asked ??= attachment.spec;
    const { network, address } = swarm.attach(container, reference, attachment.asked.ipv4);
    attachment.spec = { ...attachment.asked, ipv4: formatIp(addressOf(4, address)) };
    return network;
  }

  /**
   * A container that an overlay network leaves without a default route has an endpoint on docker_gwbridge, for as long as no other network
   * gives it one (libnetwork default_gateway.go: needDefaultGW).
   */
  #followWayOut(container: Container): void {
    const { swarm, firewall } = this.#context;
    const own = container.endpoints.find(({ isLastResort }) => isLastResort);
    const outside = container.endpoints.filter((endpoint) => !endpoint.isLastResort && !endpoint.internal);
    const isNeeded = outside.some(({ members }) => members.driver === "overlay") && !outside.some(({ hasGateway4 }) => hasGateway4);
    if (isNeeded === (own !== undefined)) return;
    if (own) {
      this.#context.connections.leaves(container, own);
      if (container.publishing === own) this.#unpublish(container);
      this.#leave(container, own);
      return;
    }
    const bridge = swarm.gatewayBridge();
    const spec: EndpointSpec = { network: bridge.name, aliases: [], gwPriority: 0 };
    const named = { shownName: `gateway_${container.sandboxId.slice(0, 12)}`, isLastResort: true };
    const endpoint = createEndpoint(container, bridge, { spec, aliases: [] }, this.#context, named);
    container.endpoints.push(endpoint);
    firewall.attach(bridge.id, firewallEndpoint(endpoint));
    try {
      this.#moveGateway(container, endpoint);
    } catch (error) {
      this.#leave(container, endpoint);
      throw error;
    }
    this.#context.connections.joined(container, endpoint);
  }

  #makeEndpoint(container: Container, network: Network, attachment: Attachment): Endpoint {
    try {
      return createEndpoint(container, network, attachment, this.#context);
    } catch (error) {
      if (network.driver === "overlay" && !container.endpointOn(network)) this.#context.swarm.detach(container, network.id);
      throw error;
    }
  }

  #makeSandbox(container: Container): void {
    container.hasSandbox = true;
    this.#context.files?.make(container);
  }

  /** Legacy links want both ends on the default bridge (moby daemon/container_operations_unix.go: addLegacyLinks). */
  #refuseStrangers(container: Container): void {
    const stranger = container.attachments.has("bridge") ? container.links.find(({ child }) => !child.attachments.has("bridge")) : undefined;
    if (stranger) refuse(500, `container ${container.name}`, `Cannot link to /${stranger.child.name}, as it does not belong to the default network`);
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
    if (endpoint.members.driver === "overlay" && !container.isManaged) this.#context.swarm.detach(container, endpoint.members.id);
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
      const link = target && firewallLink(endpoint, target, this.#context.rules.ports.linked(child.exposed));
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

function firewallLink(parent: Endpoint, child: Endpoint, ports: readonly ExposedPort[]): FirewallLink | undefined {
  if (!parent.v4 || !child.v4) return undefined;
  const end = ({ container }: Endpoint, value: bigint) => ({ container, address: addressOf(4, value) });
  return { parent: end(parent, parent.v4.value), child: end(child, child.v4.value), ports };
}
