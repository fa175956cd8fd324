/** A Docker host as far as its rules go, told what happens in the words of the docker command. */
import { haveAllAtHand } from "../src/api/at-hand";
import {
  createFirewall,
  type Firewall,
  type FirewallEndpoint,
  type FirewallFlags,
  type FirewallNetwork,
  type FirewallPort,
  type FirewallState,
  type GatewayMode,
} from "../src/model/firewall";
import { parseIptables } from "../src/model/firewall/parse";
import { addHostMesh, type MeshPort } from "../src/model/firewall/mesh";
import type { DockerGeneration } from "../src/model/spec";
import { parseCidr } from "../src/net/cidr";
import { type IpAddress, parseIp, parseIpv4 } from "../src/net/ip";

haveAllAtHand();

export interface NetworkOptions {
  readonly device?: string;
  readonly subnet: string;
  readonly subnet6?: string;
  readonly internal?: boolean;
  readonly icc?: boolean;
  readonly masquerade?: boolean;
  readonly gatewayMode?: GatewayMode;
  readonly hostAddress?: string;
  readonly trustedInterfaces?: readonly string[];
}

export interface ContainerOptions {
  readonly network: string;
  readonly ip: string;
  readonly ip6?: string;
  /** `8080:80/tcp`, `127.0.0.1:8080:80/tcp`, in the daemon's order. */
  readonly publish?: readonly string[];
}

export class RuleHost {
  readonly #firewall: Firewall;
  readonly #networks = new Map<string, FirewallNetwork>();
  readonly #containers = new Map<string, FirewallEndpoint>();
  readonly #flags: FirewallFlags;

  readonly #generation: DockerGeneration;

  constructor(generation: DockerGeneration, flags: Partial<FirewallFlags> & { readonly icc?: boolean } = {}) {
    this.#generation = generation;
    this.#firewall = createFirewall(generation);
    this.#flags = { iptables: true, ip6tables: generation !== "20.10", userlandProxy: true, allowDirectRouting: false, ...flags };
    this.#firewall.start(this.#flags);
    this.#firewall.dropForwarded(4);
    // Docker 29 turns IPv6 forwarding on with the first network that needs it.
    if (generation === "20.10") this.#firewall.dropForwarded(6);
    this.network("bridge", { device: "docker0", subnet: "172.17.0.0/16", icc: flags.icc ?? true });
  }

  network(name: string, options: NetworkOptions): void {
    const { gatewayMode = "nat", hostAddress } = options;
    const family = (subnet: string, address: string | undefined) => ({
      subnet: parseCidr(subnet, "subnet"),
      gatewayMode,
      hostAddress: address === undefined ? undefined : parseIp(address, "host address"),
    });
    const network: FirewallNetwork = {
      id: name,
      name,
      device: options.device ?? `br-${name}`,
      internal: options.internal ?? false,
      icc: options.icc ?? true,
      masquerade: options.masquerade ?? true,
      trustedInterfaces: options.trustedInterfaces ?? [],
      v4: family(options.subnet, hostAddress),
      v6: options.subnet6 === undefined ? undefined : family(options.subnet6, undefined),
    };
    this.#networks.set(name, network);
    if (network.v6) this.#firewall.dropForwarded(6);
    this.#firewall.addNetwork(network);
  }

  container(name: string, { network, ip, ip6, publish = [] }: ContainerOptions): void {
    const addresses = [ip, ...(ip6 === undefined ? [] : [ip6])].map((text) => parseIp(text, "address"));
    const endpoint = { container: name, addresses };
    this.#containers.set(name, endpoint);
    this.#firewall.attach(network, endpoint);
    const mode = this.#networks.get(network)?.v4?.gatewayMode;
    this.#firewall.publish(network, publish.flatMap((text) => portsOf(text, endpoint, mode === "routed")));
  }

  /** `docker run --link child parent`, both on the default bridge. */
  link(parent: string, child: string, port: number): void {
    const [from, to] = [this.#containers.get(parent)!, this.#containers.get(child)!];
    this.#firewall.link("bridge", {
      parent: { container: parent, address: from.addresses[0]! },
      child: { container: child, address: to.addresses[0]! },
      ports: [{ port, protocol: "tcp" }],
    });
  }

  /** A service of a swarm is published: the ingress sandbox is at `gateway` on docker_gwbridge. */
  mesh(service: string, port: MeshPort, gateway: string): void {
    addHostMesh(this.#firewall, this.#generation, { service, ports: [port], gateway: parseIpv4(gateway, "gateway"), device: "docker_gwbridge" });
  }

  rules(text: string): void {
    this.#firewall.apply(parseIptables(text, { file: "user.rules" }));
  }

  state(): FirewallState {
    return this.#firewall.snapshot();
  }
}

const PUBLISH = /^(?:([\d.]+):)?(\d+):(\d+)\/(tcp|udp|sctp)$/;

/** Without a host address both families listen. */
function portsOf(text: string, { container, addresses }: FirewallEndpoint, routed: boolean): readonly FirewallPort[] {
  const [, host, hostPort, port, protocol] = PUBLISH.exec(text)!;
  const hosts: readonly IpAddress[] = (host === undefined ? ["0.0.0.0", "::"] : [host]).map((address) => parseIp(address, "host address"));
  return hosts.flatMap((hostAddress) => {
    const address = addresses.find(({ family }) => family === hostAddress.family) ?? addresses[0]!;
    const common = { container, address, port: Number(port), protocol: protocol as FirewallPort["protocol"] };
    return [{ ...common, hostAddress, hostPort: routed ? 0 : Number(hostPort) }];
  });
}
