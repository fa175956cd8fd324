import { Attachments } from "./attachments";
import { isIpv4, parseIpv4 } from "../net/ip";
import type { Endpoint } from "./endpoint";
import type { FirewallLink } from "./firewall/firewall";
import type { LinkedContainer } from "./inspect/environment";
import type { SandboxFiles } from "./inspect/sandbox-files";
import { compareText, type GenerationRules } from "./generation";
import type { PortBinding } from "./host-ports";
import type { LogLine } from "./log";
import type { Network } from "./network";
import type { ContainerSpec, EndpointSpec, ExposedPort, PublishSpec } from "./spec";
import type { AttachmentState, ContainerState, ContainerStatus, EndpointState, PublishedPortState } from "./state";

/** What the daemon remembers of a container on a network, running or not: `NetworkSettings.Networks`. */
export interface Attachment {
  spec: EndpointSpec;
  /** On a swarm network: as it was asked for, before the managers chose an address. */
  asked?: EndpointSpec;
  /** Empty until it was first joined. */
  networkId: string;
  /** As shown; undefined while the daemon has not looked at them. */
  aliases: readonly string[] | undefined;
  /** As shown, once it was joined. */
  dnsNames?: readonly string[];
  /** By `docker network connect`, which sends more fields than `docker run`. */
  readonly viaConnect: boolean;
  /** Of a task of a service: addresses are sent even if there are none. */
  readonly isManaged?: boolean;
  /** What a start that failed half-way left behind in what is shown. */
  stale?: EndpointState | undefined;
}

/** A legacy link; it follows the other container through renames and even its removal. */
export interface Link {
  readonly child: Container;
  readonly alias: string;
}

/** Rules that a running container has for one it is linked to. */
export interface OpenLink {
  readonly target: Endpoint;
  readonly link: FirewallLink;
}

/** One container: its settings, and, while it runs, its sandbox with one interface per endpoint. */
export class Container {
  readonly id: string;
  /** As it was asked for; `docker update` changes it. */
  spec: ContainerSpec;
  name: string;
  hostname: string;
  domainname: string;
  /** `HostConfig.NetworkMode`. */
  readonly networkMode: string;
  status: ContainerStatus = "created";
  exitCode = 0;
  error = "";
  startOrder = 0;
  /** How often its policy has started it again. */
  restartCount = 0;
  /** What its first processes have printed. */
  log: readonly LogLine[] = [];
  sandboxId = "";
  #lastSandboxId = "";
  /** It is a task of a service: the managers of its swarm give it its addresses. */
  isManaged = false;
  /** A task that is to go: names and load balancers do not lead to it any more. */
  isDisabled = false;
  /** Its process has run at least once. */
  hasRun = false;
  /** Whose files it has, if it shares a sandbox: of the container that it joined, or whose that one had when it started (moby: initializeNetworkingPaths). */
  filesOf: Container | undefined;
  /** `Config.NetworkDisabled`. */
  networkDisabled = false;
  /** It runs without a network: what it is connected to has an address for it, and no cable leads there. */
  isUnplugged = false;
  /** Stopped by a person: a restart of the daemon does not bring it back where the policy says `unless-stopped`. */
  stoppedByHand = false;
  /** Its resolv.conf names Docker's own resolver. */
  embeddedDns = false;
  readonly attachments = new Attachments();
  links: readonly Link[];
  /** In the order in which they were joined. */
  readonly endpoints: Endpoint[] = [];
  /** What `NetworkSettings.Ports` shows: in 20.10 a memory that outlives the bindings. */
  shownPorts: readonly PublishedPortState[] = [];
  /** Whether exposed ports are listed there at all. */
  showsExposed = false;
  /** Both as `docker ps` goes on showing them after a start that failed. */
  listed: Pick<ContainerState, "ports" | "showsExposed"> | undefined;
  readonly openLinks: OpenLink[] = [];
  /** Its network namespace has been made for this run. */
  hasSandbox = false;
  /** Its /etc/hosts and /etc/resolv.conf; they outlive the sandbox. */
  files: SandboxFiles | undefined;
  /** The environment of its process while it runs. */
  environment: readonly string[] | undefined;
  /** Interfaces that the sandbox has had, by prefix. */
  #lastIndex = 0;
  readonly #everUsed = new Map<string, number>();

  constructor(id: string, spec: ContainerSpec, options: { readonly networkMode: string; readonly hostname: string; readonly links: readonly Link[] }) {
    this.id = id;
    this.spec = spec;
    this.name = spec.name;
    this.networkMode = options.networkMode;
    this.hostname = options.hostname;
    this.domainname = spec.domainname ?? "";
    this.links = options.links;
  }

  get shortId(): string {
    return this.id.slice(0, 12);
  }

  get isRunning(): boolean {
    return this.status === "running" || this.status === "paused";
  }

  get isHostMode(): boolean {
    return this.networkMode === "host";
  }

  /** The container whose sandbox it shares, as the network mode names it. */
  get sharedWith(): string | undefined {
    return this.networkMode.startsWith(CONTAINER_MODE) ? this.networkMode.slice(CONTAINER_MODE.length) : undefined;
  }

  /** The network of its network mode: where `--mac-address` goes. */
  get primaryNetwork(): string {
    return this.networkMode === "default" ? "bridge" : this.networkMode;
  }

  /** Every port that it exposes, in ascending order. */
  get exposed(): ExposedPort[] {
    const { expose, publish, image } = this.spec;
    const ports = new Map<string, ExposedPort>();
    for (const { from, to, protocol } of [...(image?.expose ?? []), ...expose]) {
      for (let port = from; port <= to; port++) ports.set(`${port}/${protocol}`, { port, protocol });
    }
    for (const { containerPort: port, protocol } of publish) ports.set(`${port}/${protocol}`, { port, protocol });
    return [...ports.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
  }

  /** What it wants published: `-p`, and with `-P` the rest of what it exposes. */
  get published(): PublishSpec[] {
    const { publish, publishAll } = this.spec;
    if (publishAll !== true) return [...publish];
    const isBound = ({ port, protocol }: ExposedPort) => publish.some((own) => own.containerPort === port && own.protocol === protocol);
    const rest = this.exposed.filter((port) => !isBound(port));
    return [...publish, ...rest.map(({ port, protocol }) => ({ containerPort: port, protocol }))];
  }

  /** What is bound on the host for it. */
  get bindings(): readonly PortBinding[] {
    return this.endpoints.flatMap(({ ports }) => ports);
  }

  endpointOn(network: Network): Endpoint | undefined {
    return this.endpoints.find(({ members, isLastResort }) => members === network && !isLastResort);
  }

  /** As its settings have them that were written to a file. */
  sortAttachments(): void {
    const sorted = [...this.attachments].sort(([a], [b]) => compareText(a, b));
    this.attachments.clear();
    for (const [key, attachment] of sorted) this.attachments.set(key, attachment);
  }

  /** The name of the next interface. */
  nameInterface(prefix: string, rules: GenerationRules): string {
    const used = new Set(this.endpoints.filter(({ interfaceName }) => interfaceName.startsWith(prefix)).map(({ interfaceName }) => Number(interfaceName.slice(prefix.length))));
    const ever = this.#everUsed.get(prefix) ?? 0;
    this.#everUsed.set(prefix, ever + 1);
    return `${prefix}${rules.sandbox.nextInterface(used, ever)}`;
  }

  /** The number of the next interface in its sandbox, where those that are gone had theirs. */
  nextInterfaceIndex(): number {
    return ++this.#lastIndex;
  }

  /** The sandbox is gone: interfaces are numbered anew next time. */
  forgetSandbox(): void {
    this.endpoints.length = 0;
    this.#everUsed.clear();
    this.#lastIndex = 0;
    this.#lastSandboxId = this.sandboxId;
    this.sandboxId = "";
    this.shownPorts = [];
    this.showsExposed = false;
    this.embeddedDns = false;
    this.hasSandbox = false;
  }

  state(context: { readonly host: string; readonly rules: GenerationRules; readonly isOrphaned: boolean; readonly shared: Container | undefined; readonly sharedFiles: Container["files"]; readonly linked: readonly LinkedContainer[]; readonly linkNames: readonly string[] }): ContainerState {
    const { rules, host, isOrphaned, shared, sharedFiles, linked, linkNames } = context;
    const files = this.sharedWith === undefined ? this.files : sharedFiles;
    const { gateway4, gateway6 } = gatewaysOf(this, rules);
    return {
      id: this.id,
      name: this.name,
      host,
      hostname: this.hostname,
      domainname: this.domainname,
      service: this.spec.service,
      spec: this.spec,
      status: this.status,
      running: this.isRunning,
      ...(this.isDisabled && this.isRunning && { isDisabled: true }),
      exitCode: this.exitCode,
      error: this.error,
      startOrder: this.startOrder,
      restartCount: this.restartCount,
      linkNames,
      networkMode: this.networkMode,
      networkDisabled: this.networkDisabled,
      network: this.#mode(isOrphaned, shared?.name),
      sandboxId: this.sandboxId || (rules.ports.remembersShown ? this.#lastSandboxId : ""),
      embeddedDns: this.embeddedDns,
      attachments: [...this.attachments].map(([network, attachment]) => this.#attachmentState(network, attachment)),
      networkOrder: [...this.endpoints].sort(rules.sandbox.compareGateways).map(({ network }) => network),
      endpoints: this.endpoints.filter(({ interfaceName }) => interfaceName !== "").sort((a, b) => a.index - b.index).map(endpointState),
      ...(this.isUnplugged && { unplugged: this.endpoints.filter(({ interfaceName }) => interfaceName === "").map(endpointState) }),
      gateway: gateway4 && hasRoute(gateway4, gateway4.gateway4) && !this.isUnplugged ? { network: gateway4.network, ip: Number(gateway4.gateway4 ?? 0n) } : undefined,
      gateway6: gateway6 && hasRoute(gateway6, gateway6.gateway6) && !this.isUnplugged ? { network: gateway6.network, ip: gateway6.gateway6 ?? 0n } : undefined,
      ports: this.shownPorts.map((port) => ({ ...port, active: this.bindings.some((binding) => isShown(binding, port)) })),
      showsExposed: this.showsExposed,
      exposed: this.exposed,
      ...(this.listed && { listed: this.listed }),
      hostsFile: files?.hosts,
      resolvConf: files?.resolvConf,
      environment: this.environment,
      linked,
    };
  }

  #mode(orphaned: boolean, sharedName: string | undefined): ContainerState["network"] {
    if (this.sharedWith !== undefined) return { mode: "container", container: sharedName ?? this.sharedWith, orphaned };
    if (this.isHostMode) return { mode: "host" };
    return { mode: this.networkMode === "none" && this.endpoints.every(({ members }) => members.driver === "null") ? "none" : "sandbox" };
  }

  #attachmentState(network: string, { spec, networkId, aliases, dnsNames = [], viaConnect, isManaged, stale }: Attachment): AttachmentState {
    const endpoint = this.endpoints.find((candidate) => candidate.network === network && !candidate.isLastResort);
    return {
      network,
      networkId,
      spec,
      aliases: aliases ?? spec.aliases,
      dnsNames,
      viaConnect,
      ...(isManaged && { isManaged }),
      endpointId: endpoint?.id ?? stale?.id ?? "",
      endpoint: endpoint ? (endpoint.interfaceName === "" && endpoint.mac === 0 ? undefined : endpointState(endpoint)) : stale,
    };
  }
}

/** A macvlan of 29 without a gateway counts as a way out, and has no route. */
function hasRoute({ deviceRoute }: Endpoint, gateway: bigint | undefined): boolean {
  return deviceRoute || gateway !== undefined;
}

/** Whether a binding is what is shown. */
function isShown(a: PortBinding, b: PublishedPortState): boolean {
  return a.hostIp === b.hostIp && a.hostPort === b.hostPort && a.containerPort === b.containerPort && a.protocol === b.protocol;
}

export const CONTAINER_MODE = "container:";

/** The endpoints that give the default routes (libnetwork sandbox.go: getGatewayEndpoint). */
export function gatewaysOf(container: Container, rules: GenerationRules): Gateways {
  return gatewaysAmong(container.endpoints, rules);
}

export interface Gateways {
  readonly gateway4: Endpoint | undefined;
  readonly gateway6: Endpoint | undefined;
}

/** The same of endpoints that a container might have. */
export function gatewaysAmong(endpoints: readonly Endpoint[], rules: GenerationRules): Gateways {
  const sorted = [...endpoints].sort(rules.sandbox.compareGateways);
  const gateway4 = sorted.find(({ hasGateway4 }) => hasGateway4);
  const gateway6 = rules.sandbox.oneGatewayForBoth && gateway4 ? (gateway4.hasGateway6 ? gateway4 : undefined) : sorted.find(({ hasGateway6 }) => hasGateway6);
  return { gateway4, gateway6 };
}

export function endpointState({ members, ...endpoint }: Endpoint): EndpointState {
  const { v4, v6 } = endpoint;
  return {
    id: endpoint.id,
    network: endpoint.network,
    networkId: members.id,
    ip: Number(v4?.value ?? 0n),
    prefixLength: v4?.block.subnet.prefixLength ?? 0,
    ipv6: v6?.value,
    prefixLength6: v6?.block.subnet.prefixLength ?? 0,
    gateway: endpoint.gateway4 === undefined ? undefined : Number(endpoint.gateway4),
    gateway6: endpoint.gateway6,
    mac: endpoint.mac,
    index: endpoint.index,
    interfaceName: endpoint.interfaceName,
    vethName: endpoint.vethName,
    // The default bridge has no DNS.
    dnsNames: members.isDefault ? [] : endpoint.dnsNames,
    // The kernel's default for Ethernet (Linux net/ethernet/eth.c: ether_setup).
    mtu: members.mtu === 0 ? 1500 : members.mtu,
    ...linkLocalOf(endpoint.spec),
    link: mergeLinks(members.parts.spec.link, endpoint.spec.link),
    ...(endpoint.shownName !== undefined && { shownName: endpoint.shownName }),
    ...(endpoint.cable !== undefined && { cable: endpoint.cable }),
  };
}

/** Differs from Docker: those of IPv6 are checked, and given to nobody. */
function linkLocalOf({ linkLocalIps = [] }: EndpointSpec): Pick<EndpointState, "linkLocal"> {
  const own = linkLocalIps.filter(isIpv4).map((text) => parseIpv4(text, "link-local-ip"));
  return own.length === 0 ? {} : { linkLocal: own };
}

/** The endpoint's fields before the network's. */
function mergeLinks(network: EndpointSpec["link"], endpoint: EndpointSpec["link"]): EndpointSpec["link"] {
  return network || endpoint ? { ...network, ...endpoint } : undefined;
}
