import { type Attachment, type Container, endpointState, type Gateways, gatewaysAmong, gatewaysOf } from "./container";
import type { Connections } from "./connections";
import type { Endpoint } from "./endpoint";
import type { FilesPart } from "./files";
import type { Firewall } from "./firewall/firewall";
import { closeLinks, isLinking, openLinks } from "./container-links";
import { firewallEndpoint } from "./firewall-facts";
import { addressOf } from "./block";
import {
  checkAttachment, completeAliases, createEndpoint, deleteEndpoint, dnsNamesOf, type JoinContext, setUpInterface,
} from "./joining";
import { type Network, PREDEFINED } from "./network";
import type { Networks } from "./networks";
import { type Carriage, carriageOf, NOTHING, program, type PublishContext, showPorts } from "./publishing";
import { formatIp } from "../net/ip";
import { refuse } from "./refusal";
import type { EndpointSpec } from "./spec";
import type { Chance } from "./chance";

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
  readonly chance: Chance;
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
      this.#join(container, this.#networkFor(container, reference, attachment), attachment, (endpoint) => {
        container.attachments.delete(endpoint.network);
        // The files hear of a network when its interface is there.
        if (container.endpoints.length > 1) return;
        this.#context.files?.make(container);
        if (container.embeddedDns) this.#context.files?.embed(container);
      });
    }
    if (!container.hasSandbox) this.#makeSandbox(container);
    container.isUnplugged = container.networkDisabled;
    if (!rules.sandbox.madeFirst) for (const endpoint of [...container.endpoints].sort(rules.sandbox.compareGateways)) setUpInterface(container, endpoint, this.#context);
  }

  /** All endpoints go; addresses and ports are free again. */
  tearDown(container: Container): void {
    this.#context.connections.ends(container);
    for (const endpoint of container.endpoints) this.#program(container, endpoint, NOTHING);
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
    const attachment = known ? { ...known, spec: fresh.spec } : { ...fresh, spec: { ...fresh.spec, network: network.name } };
    this.#join(container, network, attachment, (endpoint) => this.#leave(container, endpoint));
    try {
      this.#plugAll(container);
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
    const before = gatewaysOf(container, rules);
    const isGateway = before.gateway4 === endpoint || before.gateway6 === endpoint;
    this.#context.connections.leaves(container, endpoint);
    this.#program(container, endpoint, NOTHING);
    this.#context.files?.leave(container, endpoint);
    this.#leave(container, endpoint);
    container.attachments.delete(network.name);
    const after = gatewaysOf(container, rules);
    this.#followWayOut(container);
    this.#plugAll(container);
    if (isGateway) for (const next of unique(after)) this.#programQuietly(container, next, after);
    this.#context.connections.left(container, endpoint);
    const isLost = unique(gatewaysOf(container, rules)).length === 0;
    if (!isLost || container.endpoints.length === 0 || network.driver === "overlay" || !rules.ports.remembersShown) showPorts(container, rules);
  }

  /** The host leaves its swarm: a running container loses its interfaces there, and nothing else. */
  leaveOverlays(container: Container): void {
    const overlays = container.endpoints.filter(({ members }) => members.driver === "overlay");
    if (overlays.length === 0) return;
    for (const endpoint of container.endpoints) if (endpoint.isLastResort) this.#program(container, endpoint, NOTHING);
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

  /** Its ports lead nowhere on that network any more, though they are shown. */
  forgetPorts(container: Container, network: Network): void {
    for (const endpoint of container.endpoints) if (endpoint.members === network) this.#program(container, endpoint, NOTHING);
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
    const { rules, networks, chance } = this.#context;
    const entries = container.attachments.placed();
    // Differs from Docker: that walks over a Go map, here as elsewhere.
    if (container.isManaged) return entries;
    const candidates = entries.map(([key, attachment]) => {
      const network = networks.find(key);
      return {
        entry: [key, attachment] as [string, Attachment],
        network: key,
        internal: network?.internal ?? false,
        gwPriority: attachment.spec.gwPriority,
        hasGateway4: network !== undefined && network.blocksOf(4).length > 0,
        hasGateway6: network !== undefined && network.blocksOf(6).length > 0,
      };
    });
    return rules.sandbox.startOrder(candidates, chance).map(({ entry }) => entry);
  }

  /** One endpoint: addresses, then the default route and the ports. */
  #join(container: Container, network: Network, attachment: Attachment, unplugged: (endpoint: Endpoint) => void): void {
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
      this.#enter(container, endpoint, attachment, unplugged);
    } catch (error) {
      if (rules.sandbox.failureLeavesNetwork) container.attachments.delete(network.name);
      throw error;
    }
    this.#context.connections.joined(container, endpoint);
    if (!rules.sandbox.madeFirst) this.#followWayOut(container);
    if (container.embeddedDns) this.#context.files?.embed(container);
    showPorts(container, rules);
  }

  /** The sandbox gets the endpoint; the first one of 20.10 makes the sandbox, and stays in what is shown if that is refused. */
  #enter(container: Container, endpoint: Endpoint, attachment: Attachment, unplugged: (endpoint: Endpoint) => void): void {
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
    if (rules.sandbox.madeFirst) {
      try {
        if (!container.isUnplugged) setUpInterface(container, endpoint, this.#context);
      } catch (error) {
        unplugged(endpoint);
        throw error;
      }
      this.#followWayOut(container);
    }
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
    const { swarm, firewall, rules } = this.#context;
    const own = container.endpoints.find(({ isLastResort }) => isLastResort);
    const outside = container.endpoints.filter((endpoint) => !endpoint.isLastResort && !endpoint.internal);
    const isNeeded = outside.some(({ members }) => members.driver === "overlay") && !outside.some(({ hasGateway4 }) => hasGateway4);
    if (isNeeded === (own !== undefined)) return;
    if (own) {
      this.#context.connections.leaves(container, own);
      this.#program(container, own, NOTHING);
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
      if (rules.sandbox.madeFirst) setUpInterface(container, endpoint, this.#context);
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

  /** A sandbox that nothing is in yet. */
  prepare(container: Container): void {
    this.#makeSandbox(container);
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

  /** A new endpoint may carry default routes and ports from now on (libnetwork endpoint.go: sbJoin). */
  #moveGateway(container: Container, joined: Endpoint): void {
    const { rules } = this.#context;
    const before = gatewaysAmong(container.endpoints.filter((other) => other !== joined), rules);
    const after = gatewaysOf(container, rules);
    const isGateway = after.gateway4 === joined || after.gateway6 === joined;
    const others = isGateway ? unique(before) : [];
    try {
      for (const endpoint of others) this.#program(container, endpoint, carriageOf(endpoint, after, rules));
      // An internal network of 20.10 gives a default route, and gets ports only when others leave.
      if (rules.ports.perFamily || !joined.internal) this.#program(container, joined, carriageOf(joined, after, rules));
    } catch (error) {
      for (const endpoint of others) this.#programQuietly(container, endpoint, before);
      throw error;
    }
  }

  /** Ports that move to another endpoint: a failure is only logged. */
  #programQuietly(container: Container, endpoint: Endpoint, gateways: Gateways): void {
    try {
      this.#program(container, endpoint, carriageOf(endpoint, gateways, this.#context.rules));
    } catch {
      // As the daemon does: a warning in its log.
    }
  }

  #plugAll(container: Container): void {
    // Differs from Docker: both ends of the cable of one without a network stay on the host, where nobody uses them; here they are not there.
    if (container.isUnplugged) return;
    for (const endpoint of container.endpoints.filter(({ interfaceName }) => interfaceName === "")) setUpInterface(container, endpoint, this.#context);
  }

  #leave(container: Container, endpoint: Endpoint): void {
    const { firewall } = this.#context;
    if (isLinking(endpoint)) closeLinks(container, endpoint, this.#context);
    if (endpoint.members.parts.bridge) firewall.detach(endpoint.members.id, firewallEndpoint(endpoint));
    deleteEndpoint(container, endpoint, this.#context);
    if (endpoint.members.driver === "overlay" && !container.isManaged) this.#context.swarm.detach(container, endpoint.members.id);
    const at = container.endpoints.indexOf(endpoint);
    if (at >= 0) container.endpoints.splice(at, 1);
  }

  /** Programs ports, and the exposed ports of linked containers where those of the default bridge cannot talk (libnetwork drivers/bridge: ProgramExternalConnectivity). */
  #program(container: Container, endpoint: Endpoint, carriage: Carriage): void {
    const [before, after] = [endpoint.carriage, carriage].map((each) => each[4] || each.routed);
    program(container, endpoint, carriage, this.#context);
    if (!before && after && isLinking(endpoint)) openLinks(container, endpoint, this.#context);
  }

  /** Set by the daemon: the containers whose links lead to one. */
  linkedBy: (container: Container) => readonly Container[] = () => [];
}

function unique({ gateway4, gateway6 }: Gateways): Endpoint[] {
  return [...new Set([gateway4, gateway6])].filter((endpoint) => endpoint !== undefined);
}
