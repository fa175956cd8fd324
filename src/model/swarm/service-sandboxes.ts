import { formatIp } from "../../net/ip";
import { addressOf } from "../block";
import { endpointState } from "../container";
import type { Endpoint } from "../endpoint";
import { macOf0242 } from "../identity";
import type { Ids } from "../ids";
import { nameVeth } from "../joining";
import type { Network } from "../network";
import type { Networks } from "../networks";
import { NOTHING } from "../publishing";
import { refuse } from "../refusal";
import type { DockerGeneration, EndpointSpec } from "../spec";
import type { ServiceSandboxState } from "../state";
import type { BalancedServiceState } from "./state";
import type { Firewall } from "../firewall/firewall";

/** What the daemon lends. */
export interface ServiceSandboxContext {
  readonly generation: DockerGeneration;
  readonly ids: Ids;
  readonly networks: () => Networks;
  readonly firewall: Firewall;
  readonly veths: Set<string>;
  /** Tells the packet filter of a new network. */
  program(network: Network): void;
}

/** moby daemon/cluster/executor: the network that gives overlay containers a way out. */
export const GATEWAY_BRIDGE = "docker_gwbridge";
const INGRESS_NAMESPACE = "ingress_sbox";
/** libnetwork sandbox.go: how many digits of a sandbox's ID name its gateway endpoint. */
const GATEWAY_DIGITS = 12;

interface ServiceSandbox {
  /** What stands for a container's ID on its networks. */
  readonly key: string;
  readonly namespace: string;
  readonly network: Network;
  readonly endpoints: Endpoint[];
  isOpen: boolean;
}

/** The sandboxes that a node of a swarm has for itself: a load balancer for each overlay network in use, that of ingress with a way out. */
export class ServiceSandboxes {
  readonly #context: ServiceSandboxContext;
  readonly #sandboxes: ServiceSandbox[] = [];

  constructor(context: ServiceSandboxContext) {
    this.#context = context;
  }

  /** `docker_gwbridge`: made when it is first needed, unless somebody has made it. */
  gatewayBridge(): Network {
    const { networks, program } = this.#context;
    const found = networks().find(GATEWAY_BRIDGE);
    if (found) return found;
    const options = {
      "com.docker.network.bridge.name": GATEWAY_BRIDGE,
      "com.docker.network.bridge.enable_icc": "false",
      "com.docker.network.bridge.enable_ip_masquerade": "true",
    };
    const network = networks().make({ name: GATEWAY_BRIDGE, driver: "bridge", ipam: [], internal: false, options }, { isOwn: true });
    program(network);
    return network;
  }

  open(network: Network, address: bigint): void {
    const { name } = network;
    const isIngress = network.parts.spec.ingress === true;
    const key = isIngress ? `${name}-sbox` : `lb-${name}`;
    const namespace = isIngress ? INGRESS_NAMESPACE : `lb_${network.id.slice(0, 9)}`;
    const sandbox: ServiceSandbox = { key, namespace, network, endpoints: [], isOpen: true };
    this.#join(sandbox, network, { name: `${name}-endpoint`, address });
    if (isIngress) this.#joinGatewayBridge(sandbox);
    this.#sandboxes.push(sandbox);
  }

  close(network: Network): void {
    for (const sandbox of this.#sandboxes.filter((candidate) => candidate.network === network && candidate.isOpen)) {
      sandbox.isOpen = false;
      for (const endpoint of sandbox.endpoints.splice(0)) this.#leave(sandbox, endpoint);
    }
  }

  /** By what address, on what bridge, the sandbox of the ingress network is reached from the host. */
  exitOf(networkId: string): { readonly gateway: number; readonly device: string } | undefined {
    const sandbox = this.#sandboxes.find(({ network, isOpen }) => isOpen && network.id === networkId);
    const endpoint = sandbox?.endpoints.find(({ hasGateway4 }) => hasGateway4);
    const bridge = endpoint?.members.parts.bridge;
    return endpoint?.v4 && bridge ? { gateway: Number(endpoint.v4.value), device: bridge.device } : undefined;
  }

  /** Those that are gone left an empty namespace behind. */
  state(servicesOf: (networkId: string) => readonly BalancedServiceState[]): ServiceSandboxState[] {
    const names = new Map(this.#sandboxes.map((sandbox) => [`${sandbox.namespace} ${sandbox.network.id}`, sandbox]));
    return [...names.values()].map(({ key, namespace, network, endpoints, isOpen }) => {
      const gateway = endpoints.find(({ hasGateway4 }) => hasGateway4)?.gateway4;
      return { key, namespace, networkId: network.id, isOpen, endpoints: endpoints.map(endpointState), gateway: gateway === undefined ? undefined : Number(gateway), services: isOpen ? servicesOf(network.id) : [] };
    });
  }

  #joinGatewayBridge(sandbox: ServiceSandbox): void {
    const bridge = this.gatewayBridge();
    const block = bridge.blocksOf(4)[0];
    const address = block?.pool.take() ?? refuse(500, `network ${bridge.name}`, `no available IPv4 addresses on this network's address pools: ${bridge.name} (${bridge.id})`);
    const short = sandbox.key.length <= GATEWAY_DIGITS ? sandbox.key : sandbox.namespace.slice(0, GATEWAY_DIGITS);
    const endpoint = this.#join(sandbox, bridge, { name: `gateway_${short}`, address });
    endpoint.vethName = nameVeth(sandbox.key, endpoint.interfaceName, this.#context);
    this.#context.firewall.attach(bridge.id, { container: sandbox.key, addresses: [addressOf(4, address)] });
  }

  #join(sandbox: ServiceSandbox, network: Network, { name, address }: { readonly name: string; readonly address: bigint }): Endpoint {
    const { ids, generation } = this.#context;
    const block = network.blocksOf(4).find(({ subnet }) => address >= BigInt(subnet.network)) ?? network.blocksOf(4)[0]!;
    const spec: EndpointSpec = { network: network.name, ipv4: formatIp(addressOf(4, address)), aliases: [], gwPriority: 0 };
    const isBridge = network.parts.bridge !== undefined;
    const endpoint: Endpoint = {
      id: ids.id("endpoint", network.name, sandbox.key), container: sandbox.key, containerId: sandbox.key, shownName: name, spec, members: network, network: network.name,
      internal: network.internal, gwPriority: 0, v4: { value: address, block }, v6: undefined,
      gateway4: isBridge ? (block.auxGateway ?? block.gateway) : undefined, gateway6: undefined, deviceRoute: false, hasGateway4: isBridge, hasGateway6: false,
      // Docker 29 as well makes MACs of overlay endpoints from their addresses.
      mac: isBridge && generation === "29" ? ids.identity.randomMac(`endpoint ${sandbox.key}`, network.name) : macOf0242(Number(address)), interfaceName: `eth${sandbox.endpoints.length}`, index: sandbox.endpoints.length + 1, vethName: "", dnsNames: [],
      cable: network.parts.overlay?.nextCable(), carriage: NOTHING, ports: [],
    };
    network.endpoints.set(sandbox.key, endpoint);
    sandbox.endpoints.push(endpoint);
    return endpoint;
  }

  #leave(sandbox: ServiceSandbox, endpoint: Endpoint): void {
    const { members, v4 } = endpoint;
    if (members.parts.bridge && v4) this.#context.firewall.detach(members.id, { container: sandbox.key, addresses: [addressOf(4, v4.value)] });
    this.#context.veths.delete(endpoint.vethName);
    if (v4) v4.block.pool.release(v4.value);
    members.endpoints.delete(sandbox.key);
  }
}
