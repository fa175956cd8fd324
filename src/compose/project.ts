import type { ComposeNode, Place } from "./node";
import type { Notice } from "./notice";
import type { DockwireSection } from "./x-dockwire";

/**
 * A Compose application after interpolation, `include`, `extends`, merging and profiles: every short form written out, every default
 * of Compose filled in, every reference checked. What only the daemon decides (free addresses, host ports) is not here.
 */
export interface ComposeProject {
  readonly name: string;
  /** Every file that was read, the given ones first. */
  readonly files: readonly string[];
  /** The services that Compose would start, in the order of the text. */
  readonly services: readonly ComposeService[];
  /** Services whose profiles are not enabled. */
  readonly disabledServices: readonly string[];
  /** Names of services, each after those it depends on; equals in the order of the text. */
  readonly startOrder: readonly string[];
  /** All networks, also those that no service uses: Compose creates only the used ones. */
  readonly networks: readonly ComposeNetwork[];
  /** `x-dockwire`, checked. */
  readonly dockwire: DockwireSection | undefined;
  /** Every top-level `x-…` section as it was written, with positions. */
  readonly extensions: ReadonlyMap<string, ComposeNode>;
  /** What was understood but has no effect; see `NoticeKind`. */
  readonly notices: readonly Notice[];
  /**
   * Where a value was written, for messages about it; a value that is not there has the place of what would hold it.
   *
   * @example project.place("services", "web", "networks", "back", "ipv4_address").position?.line
   */
  place(...path: readonly (string | number)[]): Place;
  /** Whether a value was written. */
  has(...path: readonly (string | number)[]): boolean;
}

export interface ComposeService {
  readonly name: string;
  readonly place: Place;
  readonly image: string | undefined;
  /** One per replica, `<project>-<service>-<index>` or `container_name`. */
  readonly containers: readonly ComposeContainer[];
  readonly hostname: string | undefined;
  readonly domainname: string | undefined;
  /** Absent when the service joins `networks`. */
  readonly networkMode: NetworkMode | undefined;
  /** In Compose's order: priority descending, then name. The first is the primary network. */
  readonly networks: readonly NetworkAttachment[];
  readonly ports: readonly PublishedPort[];
  readonly expose: readonly PortRange[];
  /** Also what `links`, `network_mode: service:…` and `volumes_from` imply. Services that are not started are left out. */
  readonly dependsOn: readonly Dependency[];
  readonly links: readonly ServiceLink[];
  readonly externalLinks: readonly ContainerLink[];
  readonly extraHosts: readonly ExtraHost[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly privileged: boolean;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly deploy: Deploy;
  readonly profiles: readonly string[];
  /** `null` is a variable that is named, but set nowhere. */
  readonly environment: Readonly<Record<string, string | null>>;
  readonly envFiles: readonly EnvFileReference[];
  readonly restart: string | undefined;
  readonly attach: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ComposeContainer {
  readonly name: string;
  /** From 1. */
  readonly index: number;
}

export type NetworkMode =
  | { readonly kind: "bridge" | "host" | "none" }
  | { readonly kind: "service"; readonly service: string }
  | { readonly kind: "container"; readonly container: string }
  /** A network of the daemon by its real name. */
  | { readonly kind: "network"; readonly network: string };

export interface NetworkAttachment {
  /** The key under the top-level `networks`. */
  readonly network: string;
  readonly place: Place;
  /** Beside the container's and the service's name, which every endpoint has: see `endpointAliases`. */
  readonly aliases: readonly string[];
  readonly ipv4Address: string | undefined;
  readonly ipv6Address: string | undefined;
  readonly linkLocalIps: readonly string[];
  readonly macAddress: string | undefined;
  readonly priority: number;
  readonly gatewayPriority: number;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly interfaceName: string | undefined;
}

export type PortProtocol = "tcp" | "udp" | "sctp";

/** One container port that is published. A range of the short form is several of these. */
export interface PublishedPort {
  readonly place: Place;
  readonly target: number;
  readonly protocol: PortProtocol;
  /** One port, or the range to pick from; absent for any free port. */
  readonly published: { readonly from: number; readonly to: number } | undefined;
  readonly hostIp: string | undefined;
  readonly mode: "ingress" | "host";
  readonly appProtocol: string | undefined;
  readonly name: string | undefined;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
  readonly protocol: PortProtocol;
}

export interface Dependency {
  readonly service: string;
  readonly place: Place;
  readonly condition: "service_started" | "service_healthy" | "service_completed_successfully";
  readonly restart: boolean;
  readonly required: boolean;
  /** The key that says so: `depends_on` itself or one that implies it. */
  readonly by: "depends_on" | "links" | "network_mode" | "volumes_from";
}

export interface ServiceLink {
  readonly place: Place;
  readonly service: string;
  readonly alias: string;
}

export interface ContainerLink {
  readonly place: Place;
  readonly container: string;
  readonly alias: string;
}

export interface ExtraHost {
  readonly place: Place;
  readonly host: string;
  /** Addresses, or `host-gateway`. */
  readonly addresses: readonly string[];
}

export interface Deploy {
  /** `replicated`, `global` or a job; matters to a swarm only. */
  readonly mode: string;
  readonly replicas: number | undefined;
  readonly endpointMode: "vip" | "dnsrr";
  readonly labels: Readonly<Record<string, string>>;
  readonly placement: {
    readonly constraints: readonly string[];
    readonly spread: readonly string[];
    readonly maxReplicasPerNode: number | undefined;
  };
  readonly updateConfig: UpdateRules | undefined;
  readonly rollbackConfig: UpdateRules | undefined;
  readonly restartPolicy:
    | {
        readonly condition: "none" | "on-failure" | "any" | undefined;
        readonly delayNs: number | undefined;
        readonly maxAttempts: number | undefined;
        readonly windowNs: number | undefined;
      }
    | undefined;
  readonly limits: ResourceAmounts | undefined;
  readonly reservations: ResourceAmounts | undefined;
}

export interface UpdateRules {
  readonly parallelism: number | undefined;
  readonly delayNs: number | undefined;
  readonly monitorNs: number | undefined;
  readonly failureAction: "pause" | "continue" | "rollback" | undefined;
  readonly maxFailureRatio: number | undefined;
  readonly order: "start-first" | "stop-first" | undefined;
}

export interface ResourceAmounts {
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly pids: number | undefined;
}

export interface EnvFileReference {
  readonly place: Place;
  readonly path: string;
  readonly required: boolean;
}

export interface ComposeNetwork {
  /** The key under `networks`. */
  readonly key: string;
  /** What the daemon calls it: `name`, or the key when external, or `<project>_<key>`. */
  readonly name: string;
  readonly place: Place;
  /** The `default` network that Compose adds by itself. */
  readonly implicit: boolean;
  /** Whether a service of the project joins it. */
  readonly used: boolean;
  readonly driver: string | undefined;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly external: boolean;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIpv4: boolean | undefined;
  readonly enableIpv6: boolean | undefined;
  readonly ipam: Ipam;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Ipam {
  readonly driver: string | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly config: readonly IpamBlock[];
}

export interface IpamBlock {
  readonly place: Place;
  /** As written: Docker 29 refuses host bits, 20.10 clears them. */
  readonly subnet: string | undefined;
  readonly ipRange: string | undefined;
  readonly gateway: string | undefined;
  readonly auxAddresses: Readonly<Record<string, string>>;
}

/**
 * The names that an endpoint answers to on its network: the container's, the service's, then the aliases.
 *
 * @example endpointAliases(web, web.containers[0], web.networks[0]) // ["shop-web-1", "web", "www"]
 */
export function endpointAliases(service: ComposeService, container: ComposeContainer, attachment: NetworkAttachment): string[] {
  return [...new Set([container.name, service.name, ...attachment.aliases])];
}
