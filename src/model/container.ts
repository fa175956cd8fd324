import { isMac, isMulticastMac, parseMac } from "../net/mac";
import { compareGateways, type GatewayCandidate, type GenerationRules } from "./generation";
import type { Identity } from "./identity";
import type { Network } from "./network";
import { refuse } from "./refusal";
import type { ContainerSpec, EndpointSpec, LinkSpec } from "./spec";
import type { ContainerState, EndpointState, PublishedPortState } from "./state";

/** One container: its settings, and, while it runs, its sandbox with one interface per endpoint. */
export class Container {
  readonly spec: ContainerSpec;
  readonly id: string;
  /** The networks it joins when it starts, by name. */
  readonly wanted = new Map<string, EndpointSpec>();
  running = false;
  /** On the network `none`, which it has to leave before it joins another. */
  isPrivate: boolean;
  ports: PublishedPortState[] = [];
  readonly #rules: GenerationRules;
  readonly #identity: Identity;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Interfaces that the sandbox has had, by prefix. */
  readonly #everUsed = new Map<string, number>();

  constructor(spec: ContainerSpec, rules: GenerationRules, identity: Identity) {
    this.spec = spec;
    this.id = identity.id("container", spec.host, spec.name);
    this.isPrivate = spec.networkMode === "none";
    this.#rules = rules;
    this.#identity = identity;
  }

  get name(): string {
    return this.spec.name;
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  /**
   * The endpoint of the default route and of published ports (moby daemon/libnetwork/sandbox.go: getGatewayEndpoint);
   * none if no network has a default gateway.
   */
  get gatewayEndpoint(): Endpoint | undefined {
    return this.endpoints.filter(({ members }) => members.defaultGateway !== undefined).sort(compareGateways)[0];
  }

  /**
   * Makes an endpoint with an address, a MAC, and the next interface name.
   *
   * @throws SimulationError in the daemon's words; nothing stays taken then.
   */
  join(network: Network, spec: EndpointSpec): void {
    if (this.#endpoints.has(network.name)) {
      refuse("CONFLICT", `container ${this.name}`, `endpoint with name ${this.name} already exists in network ${network.name}`, spec.position);
    }
    const mac = this.#readMac(spec);
    const ip = network.takeAddress(this.name, spec);
    const place = `${this.name} ${network.name}`;
    const interfaceName = spec.interfaceName ?? this.#nextInterface(network.options.interfacePrefix);
    if (this.endpoints.some((endpoint) => endpoint.interfaceName === interfaceName)) {
      network.releaseAddress(ip);
      refuse("CONFLICT", `container ${this.name}`, `interface name ${interfaceName} is already in use`, spec.position);
    }
    this.#endpoints.set(network.name, {
      spec,
      network: network.name,
      internal: network.spec.internal,
      gwPriority: spec.gwPriority,
      ip,
      mac: mac ?? this.#rules.endpointMac(this.#identity, ip, `endpoint ${place}`),
      interfaceName,
      // The container's own name, its aliases, its short ID and its host name (moby daemon: buildEndpointDNSNames).
      dnsNames: [...new Set([this.name, ...spec.aliases, this.id.slice(0, 12), ...(this.spec.hostname ? [this.spec.hostname] : [])])],
      members: network,
    });
    network.members.add(this.name);
  }

  leave(network: string): void {
    const endpoint = this.#endpoints.get(network);
    if (!endpoint) return;
    endpoint.members.releaseAddress(endpoint.ip);
    endpoint.members.members.delete(this.name);
    this.#endpoints.delete(network);
  }

  /** The sandbox goes; its addresses are free and its interfaces are numbered anew next time. */
  tearDown(): void {
    for (const { network } of this.endpoints) this.leave(network);
    this.#everUsed.clear();
    this.running = false;
  }

  state(veth: (container: string, interfaceName: string) => string): ContainerState {
    const gateway = this.gatewayEndpoint;
    const gatewayIp = gateway?.members.defaultGateway;
    return {
      id: this.id,
      name: this.name,
      host: this.spec.host,
      hostname: this.spec.hostname ?? this.id.slice(0, 12),
      domainname: this.spec.domainname ?? "",
      status: this.running ? "running" : "created",
      running: this.running,
      exitCode: 0,
      error: "",
      startOrder: 0,
      networkMode: this.spec.networkMode ?? this.spec.networks[0]?.network ?? "default",
      sandboxId: this.running ? this.id : "",
      embeddedDns: this.endpoints.some(({ members }) => !members.isDefault),
      attachments: [],
      gateway6: undefined,
      exposed: [],
      service: this.spec.service,
      spec: this.spec,
      network: modeOf(this.spec),
      endpoints: this.endpoints.map((endpoint) => this.#endpointState(endpoint, veth)),
      gateway: gateway && gatewayIp !== undefined ? { network: gateway.network, ip: gatewayIp } : undefined,
      ports: this.ports,
    };
  }

  #endpointState({ network, ip, mac, interfaceName, dnsNames, spec, members }: Endpoint, veth: (container: string, name: string) => string): EndpointState {
    return {
      id: this.#identity.id("endpoint", network, this.name),
      network,
      networkId: members.id,
      ipv6: undefined,
      prefixLength6: 0,
      gateway: members.defaultGateway,
      gateway6: undefined,
      ip,
      prefixLength: members.subnet.prefixLength,
      mac,
      interfaceName,
      vethName: veth(this.name, interfaceName),
      // The default bridge has no DNS.
      dnsNames: members.isDefault ? [] : dnsNames,
      // The kernel's default for Ethernet (Linux net/ethernet/eth.c: ether_setup).
      mtu: members.options.mtu === 0 ? 1500 : members.options.mtu,
      link: mergeLinks(members.link, spec.link),
    };
  }

  #nextInterface(prefix: string): string {
    const used = new Set<number>();
    for (const { interfaceName } of this.endpoints) {
      if (interfaceName.startsWith(prefix)) used.add(Number(interfaceName.slice(prefix.length)));
    }
    const ever = this.#everUsed.get(prefix) ?? 0;
    this.#everUsed.set(prefix, ever + 1);
    return `${prefix}${this.#rules.sandbox.nextInterface(used, ever)}`;
  }

  #readMac({ mac, position }: EndpointSpec): number | undefined {
    if (mac === undefined) return undefined;
    const subject = `container ${this.name}`;
    if (!isMac(mac)) refuse("INVALID_INPUT", subject, `${mac} is not a valid mac address`, position);
    const address = parseMac(mac, "mac");
    if (isMulticastMac(address)) refuse("INVALID_INPUT", subject, `setting the interface's MAC to ${mac}: cannot assign requested address`, position);
    return address;
  }
}

/** A container on a network, while it runs. */
export interface Endpoint extends GatewayCandidate {
  readonly spec: EndpointSpec;
  readonly ip: number;
  readonly mac: number;
  readonly interfaceName: string;
  readonly dnsNames: readonly string[];
  readonly members: Network;
}

const CONTAINER_MODE = "container:";

/** Whose network namespace a container has. */
export function modeOf({ networkMode }: ContainerSpec): ContainerState["network"] {
  if (networkMode === "host" || networkMode === "none") return { mode: networkMode };
  if (networkMode?.startsWith(CONTAINER_MODE)) return { mode: "container", container: networkMode.slice(CONTAINER_MODE.length), orphaned: false };
  return { mode: "sandbox" };
}

/** The endpoint's fields before the network's. */
function mergeLinks(network: LinkSpec | undefined, endpoint: LinkSpec | undefined): LinkSpec | undefined {
  return network || endpoint ? { ...network, ...endpoint } : undefined;
}
