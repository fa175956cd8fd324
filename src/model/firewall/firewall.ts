import type { IpAddress } from "../../net/ip";
import type { Cidr } from "../../net/cidr";
import type { Family, FirewallState, PortProtocolName } from "./rule";
import type { UserCommand } from "./command";
import type { Tables } from "./tables";

/** Flags of `dockerd` and facts of its host that its rules depend on; `DaemonFlags` will do. */
export interface FirewallFlags {
  /** `--iptables`: off, the daemon programs nothing for IPv4. */
  readonly iptables: boolean;
  /** `--ip6tables` (20.10: with `--experimental`). */
  readonly ip6tables: boolean;
  readonly userlandProxy: boolean;
  /** `--allow-direct-routing` (29). */
  readonly allowDirectRouting: boolean;
  /** `--bridge-accept-fwmark` (29): `"1"` or `"0x10/0xff"`. */
  readonly bridgeAcceptFwmark?: string;
  /** False with `DOCKER_INSECURE_NO_IPTABLES_RAW=1` in the daemon's environment (29); true unless given. */
  readonly rawRules?: boolean;
  /** The host is a WSL2 guest with mirrored networking (29). */
  readonly wsl2Mirrored?: boolean;
}

/** How packets get to the containers of a network from outside (`com.docker.network.bridge.gateway_mode_ipv4`, `_ipv6`). 20.10 knows `nat`. */
export type GatewayMode = "nat" | "nat-unprotected" | "routed" | "isolated";

/** One family of a network. */
export interface FirewallSubnet {
  readonly subnet: Cidr;
  readonly gatewayMode: GatewayMode;
  /** Source address of what leaves (`com.docker.network.host_ipv4`, `host_ipv6`); undefined: masquerade. */
  readonly hostAddress: IpAddress | undefined;
}

/** A bridge network, as far as rules depend on it. */
export interface FirewallNetwork {
  readonly id: string;
  /** For explanations. */
  readonly name: string;
  /** The bridge. */
  readonly device: string;
  readonly internal: boolean;
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Devices that may reach containers directly (`com.docker.network.bridge.trusted_host_interfaces`). */
  readonly trustedInterfaces: readonly string[];
  /** Undefined: the network has no such addresses. */
  readonly v4: FirewallSubnet | undefined;
  readonly v6: FirewallSubnet | undefined;
}

/** A container on a network. */
export interface FirewallEndpoint {
  /** Its name, for explanations. */
  readonly container: string;
  /** Its addresses, at most one of each family. */
  readonly addresses: readonly IpAddress[];
}

/** One published port: one host address, one host port, one address of the container. */
export interface FirewallPort {
  readonly container: string;
  readonly address: IpAddress;
  readonly port: number;
  readonly protocol: PortProtocolName;
  /** `0.0.0.0` or `::` for every address of the host. */
  readonly hostAddress: IpAddress;
  /** 0: not translated, as on a `routed` network. */
  readonly hostPort: number;
}

/** A subnet of an encrypted overlay network. */
export interface SecureOverlay {
  readonly vni: number;
  /** UDP port of VXLAN. */
  readonly port: number;
}

/** A legacy link (`--link`) on the default bridge. */
export interface FirewallLink {
  /** The container that was started with `--link`. */
  readonly parent: { readonly container: string; readonly address: IpAddress };
  /** The container that it links to. */
  readonly child: { readonly container: string; readonly address: IpAddress };
  /** What the child exposes, in the daemon's order. */
  readonly ports: readonly { readonly port: number; readonly protocol: PortProtocolName }[];
}

/**
 * The packet filter of a Docker host, changed as `dockerd` changes it. The daemon says what happens; the generation knows which
 * rules follow, where they are inserted, and what is left behind when it is over. One object lives as long as its host, through
 * every restart of the daemon.
 *
 * What was never added may be removed: nothing happens then, as on a real host.
 */
export interface Firewall {
  /**
   * The daemon starts: chains of an earlier run are emptied and made anew. Networks that it remembers are then given to
   * `restoreNetwork` in the order in which it restores them (20.10: by ID); rules that are still there keep their place. Both
   * generations restore their old `bridge` among them, remove it, and add the new one.
   */
  start(flags: FirewallFlags): void;
  /** The daemon turned forwarding on for this family and may close FORWARD for everybody else (29: not with `--ip-forward-no-drop`; 20.10: always for IPv6). */
  dropForwarded(family: Family): void;
  /** A network is created. */
  addNetwork(network: FirewallNetwork): void;
  /** A starting daemon finds a network that it had. */
  restoreNetwork(network: FirewallNetwork): void;
  /** A network of another driver is created, `none` and `host` as well: 20.10 puts DOCKER-USER in its place after each. */
  addOtherNetwork(): void;
  removeNetwork(networkId: string): void;
  /** An endpoint joins: before its ports are published. */
  attach(networkId: string, endpoint: FirewallEndpoint): void;
  detach(networkId: string, endpoint: FirewallEndpoint): void;
  /** Ports in the daemon's order (20.10: larger host ports first). */
  publish(networkId: string, ports: readonly FirewallPort[]): void;
  unpublish(networkId: string, ports: readonly FirewallPort[]): void;
  /** A node that has an encrypted overlay network meets another one: VXLAN frames of its number have to be marked and to have come through IPsec. */
  secure(overlay: SecureOverlay): void;
  /** The network goes. */
  unsecure(overlay: SecureOverlay): void;
  /** What a swarm adds for IPv4 (`mesh.ts`); `placeUserChain` puts DOCKER-USER at the head of FORWARD. Nothing happens where the daemon leaves IPv4 alone. */
  ofSwarm(change: (tables: Tables, placeUserChain: () => void) => void): void;
  link(networkId: string, link: FirewallLink): void;
  unlink(networkId: string, link: FirewallLink): void;
  /**
   * Somebody else changes the rules: `parseIptables` makes commands of text.
   *
   * @throws SimulationError in the words of `iptables`, for a chain that is not there or a rule that does not exist.
   */
  apply(commands: readonly UserCommand[]): void;
  snapshot(): FirewallState;
}
