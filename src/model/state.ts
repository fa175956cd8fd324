import type { ContainerSpec, DockerGeneration, HostSpec, LinkSpec, PortProtocol } from "./spec";

/**
 * What the Docker daemon decided: everything that `docker inspect`, `ip addr` and `ip route` would show. A snapshot;
 * IPv4 addresses are unsigned 32-bit numbers, MACs 48-bit numbers.
 */
export interface DockerState {
  readonly generation: DockerGeneration;
  readonly hosts: readonly HostSpec[];
  /** By host, in the order of creation; the default bridge `bridge` comes first. `host` and `none` hold nothing and are left out. */
  readonly networks: readonly NetworkState[];
  /** In the order of start. */
  readonly containers: readonly ContainerState[];
}

export interface NetworkState {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly driver: "bridge";
  readonly internal: boolean;
  /** The default bridge: no DNS, no aliases, no static addresses. */
  readonly isDefault: boolean;
  readonly subnet: SubnetState;
  /** Address of the bridge device. */
  readonly gateway: number;
  /** Where its containers send what is not for the subnet: the bridge, or the auxiliary address `DefaultGatewayIPv4`; nowhere on some internal networks. */
  readonly defaultGateway: number | undefined;
  readonly bridge: BridgeState;
  /** `com.docker.network.driver.mtu`, 0 if it was not given. */
  readonly mtu: number;
  readonly options: Readonly<Record<string, string>>;
}

export interface SubnetState {
  readonly network: number;
  readonly prefixLength: number;
}

export interface BridgeState {
  /** The kernel's name: `docker0`, `br-` + 12 digits of the network ID, or what an option says. */
  readonly device: string;
  /** The name for people: `docker0`, `br-` + the network's name. */
  readonly displayName: string;
  readonly mac: number;
}

export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly hostname: string;
  readonly service: string | undefined;
  readonly spec: ContainerSpec;
  readonly network:
    | { readonly mode: "sandbox" | "none" }
    | { readonly mode: "host" }
    /** Shares the sandbox of another container. */
    | { readonly mode: "container"; readonly container: string };
  /** Its own endpoints, in the order of its interfaces; none for `host`, `none` and `container:`. */
  readonly endpoints: readonly EndpointState[];
  /** The endpoint that gives the default route. */
  readonly gateway: { readonly network: string; readonly ip: number } | undefined;
  readonly ports: readonly PublishedPortState[];
}

export interface EndpointState {
  readonly id: string;
  readonly network: string;
  readonly ip: number;
  readonly prefixLength: number;
  readonly mac: number;
  /** Inside the container: `eth0`. */
  readonly interfaceName: string;
  /** The end on the host: `veth` + 7 hexadecimal digits. */
  readonly vethName: string;
  /** Names by which this endpoint is known on its network. */
  readonly dnsNames: readonly string[];
  readonly mtu: number;
  readonly link: LinkSpec | undefined;
}

export interface PublishedPortState {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}
