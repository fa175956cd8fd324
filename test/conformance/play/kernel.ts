/** The interfaces of the hosts' kernels, in the order in which they came: the numbers that `ip link` shows. */
import { hasParent, isBridge, isOfSwarm, type BridgeNetworkState, type ContainerState, type DockerState, type EndpointState, type HostState } from "../../../src/model/state";
import { formatMac } from "../../../src/net/mac";

export interface HostDevice {
  readonly index: number;
  readonly name: string;
  readonly kind: "uplink" | "bridge" | "veth" | "vlan" | "dummy";
  readonly mac: string;
  /** The network of a bridge; the other end of a veth, as `container/interface`, and its bridge. */
  readonly network?: BridgeNetworkState;
  readonly target?: string;
  readonly master?: string;
  readonly mtu: number;
  /** Whether it ever had a carrier: then it gave itself a link-local address. */
  hadCarrier: boolean;
  /** Whether a daemon found it when it started: 20.10 adds the route of an IPv6 subnet each time, which the kernel takes only while the device is up (libnetwork setup_ipv6.go). */
  wasFound?: boolean;
}

/** Of an overlay on a host: the tunnel, and the cable to the load balancer. */
const OVERLAY_DEVICES = 3;

interface Known {
  readonly key: string;
  readonly host: string;
  device: HostDevice | undefined;
  /** The number of the interface inside a container. */
  readonly inside: number | undefined;
}

/** Follows the states of a scenario, one after the other. */
export class Kernel {
  #known: Known[] = [];
  readonly #next = new Map<string, number>();

  /** Takes what is new and gives up what is gone. Between two calls lies one command. */
  follow(state: DockerState): void {
    const wanted = state.hosts.flatMap((host) => [...this.#overlays(state, host), ...this.#bridgesAndUplinks(state, host), ...this.#sandboxes(state, host), ...this.#endpoints(state, host)]);
    const keys = new Set(wanted.map(({ key }) => key));
    this.#known = this.#known.filter(({ key }) => keys.has(key));
    for (const { key, host, make } of wanted) {
      const known = this.#known.find((entry) => entry.key === key);
      if (known === undefined) this.#known.push({ key, host, ...make() });
      // What can change about a device that stays.
      else if (known.device !== undefined) known.device = { ...known.device, ...make(known.device.index).device, index: known.device.index, mac: known.device.mac, hadCarrier: known.device.hadCarrier, wasFound: known.device.wasFound === true };
    }
    for (const { device, host } of this.#known) if (device?.kind === "bridge" && this.hasCarrier(host, device)) device.hadCarrier = true;
  }

  /** The daemon of a host has started again: 20.10 adds the IPv6 routes of bridges that are there. With pools of its own it makes docker0 anew. */
  restarted(host: string, generation: DockerState["generation"], hasPools: boolean): void {
    if (hasPools) this.#known = this.#known.filter(({ key }) => key !== `${host} docker0`);
    if (generation !== "20.10") return;
    for (const device of this.devicesOf(host)) if (device.kind === "bridge") device.wasFound = true;
  }

  devicesOf(host: string): HostDevice[] {
    return this.#known.flatMap((entry) => (entry.host === host && entry.device ? [entry.device] : [])).sort((a, b) => a.index - b.index);
  }

  /** A bridge is up while a port is. */
  hasCarrier(host: string, { kind, name }: HostDevice): boolean {
    return kind !== "bridge" || this.devicesOf(host).some(({ master }) => master === name);
  }

  /** The number of a container's interface. */
  interfaceIndex(container: ContainerState, endpoint: EndpointState): number {
    return this.#known.find(({ key }) => key === endpointKey(container, endpoint))?.inside ?? 0;
  }

  #take(host: string, count: number): number {
    // 1 is the loopback device.
    const first = this.#next.get(host) ?? 2;
    this.#next.set(host, first + count);
    return first;
  }

  #bridgesAndUplinks(state: DockerState, { name: host, world }: HostState) {
    const uplinks = world.uplinks.map(({ name, mac, mtu }) => ({
      key: `${host} ${name}`,
      host,
      make: (index?: number): Omit<Known, "key" | "host"> => ({ inside: undefined, device: { index: index ?? this.#take(host, 1), name, kind: "uplink", mac, mtu, hadCarrier: true } }),
    }));
    const bridges = state.networks.filter((network) => network.host === host).flatMap((network) => {
      if (isBridge(network) && !network.configOnly) {
        const { device, mac } = network.bridge;
        const make = (index?: number): Omit<Known, "key" | "host"> => ({
          inside: undefined,
          device: { index: index ?? this.#take(host, 1), name: device, kind: "bridge", mac: formatMac(mac), network, mtu: bridgeMtu(state, network), hadCarrier: false },
        });
        return [{ key: `${host} ${device}`, host, make }];
      }
      if (!hasParent(network) || !network.parent.created) return [];
      const { device, kind } = network.parent;
      const mac = kind === "vlan" ? (world.uplinks.find(({ name }) => name === network.parent.vlan?.link)?.mac ?? "") : "";
      const make = (index?: number): Omit<Known, "key" | "host"> => ({
        inside: undefined,
        device: { index: index ?? this.#take(host, 1), name: device, kind: kind === "vlan" ? "vlan" : "dummy", mac, mtu: 1500, hadCarrier: true },
      });
      return [{ key: `${host} ${device}`, host, make }];
    });
    return [...uplinks, ...bridges];
  }

  /** Namespaces of overlays: what is made for them gets its numbers on the host, and is moved there. The first is that of ingress. */
  #overlays(state: DockerState, { name: host, swarm }: HostState) {
    return (swarm?.sandboxes ?? []).flatMap(({ key, endpoints }) =>
      endpoints.flatMap(({ networkId, id }) => {
        const network = state.networks.find((candidate) => candidate.id === networkId);
        if (network === undefined || !isOfSwarm(network)) return [];
        const count = network.name === "ingress" ? OVERLAY_DEVICES + 1 : OVERLAY_DEVICES;
        return [{ key: `${host} ${key} ${id}`, host, make: (index?: number): Omit<Known, "key" | "host"> => ({ inside: index ?? this.#take(host, count), device: undefined }) }];
      }),
    );
  }

  /** The daemon's own way out to docker_gwbridge. */
  #sandboxes(state: DockerState, { name: host, swarm }: HostState) {
    return (swarm?.sandboxes ?? []).flatMap(({ key, endpoints }) =>
      endpoints.flatMap((endpoint) => {
        const network = state.networks.find(({ id }) => id === endpoint.networkId);
        if (endpoint.vethName === "" || network === undefined || !isBridge(network)) return [];
        const make = (index?: number): Omit<Known, "key" | "host"> => {
          const first = index ?? this.#take(host, 2);
          return {
            inside: first,
            device: { index: first + 1, name: endpoint.vethName, kind: "veth", mac: hostEndMac(endpoint.vethName), master: network.bridge.device, mtu: endpoint.mtu, hadCarrier: true },
          };
        };
        return [{ key: `${host} ${key} ${endpoint.vethName}`, host, make }];
      }),
    );
  }

  #endpoints(state: DockerState, { name: host }: HostState) {
    const running = state.containers.filter((container) => container.host === host && container.running).sort((a, b) => a.startOrder - b.startOrder);
    return running.flatMap((container) =>
      // Until Docker 29 the default bridge is joined first (moby daemon/container_operations.go: allocateNetwork).
      [...container.endpoints].sort((a, b) => (state.generation === "29" ? 0 : Number(b.network === "bridge") - Number(a.network === "bridge"))).map((endpoint) => {
        const network = state.networks.find(({ id }) => id === endpoint.networkId);
        const make = (index?: number): Omit<Known, "key" | "host"> => {
          // The kernel makes the peer, which goes into the container, before the end that is asked for (Linux drivers/net/veth.c: veth_newlink).
          if (endpoint.vethName === "" || network === undefined || !isBridge(network)) return { inside: index ?? this.#take(host, network !== undefined && isOfSwarm(network) ? 2 : 1), device: undefined };
          // Docker 29 makes that end where it belongs.
          const ends = state.generation === "29" ? 1 : 2;
          const first = index ?? this.#take(host, ends);
          const target = `${container.name}/${endpoint.interfaceName}`;
          const device: HostDevice = {
            index: first + ends - 1, name: endpoint.vethName, kind: "veth", mac: hostEndMac(endpoint.vethName), target, master: network.bridge.device, mtu: endpoint.mtu, hadCarrier: true,
          };
          return { inside: first, device };
        };
        return { key: endpointKey(container, endpoint), host, make };
      }),
    );
  }
}

function endpointKey({ host, id, startOrder }: ContainerState, { interfaceName, networkId }: EndpointState): string {
  return `${host} ${id} ${startOrder} ${interfaceName} ${networkId}`;
}

/** The MTU of a bridge is the smallest of its ports; without ports 1500 (Linux net/bridge/br_if.c: br_mtu_auto_adjust). */
function bridgeMtu(state: DockerState, { id, mtu: given }: BridgeNetworkState): number {
  // Docker 29 sets it, and what is set is not adjusted.
  if (given > 0 && state.generation === "29") return given;
  const ports = state.containers.flatMap(({ endpoints }) => endpoints.filter(({ networkId }) => networkId === id));
  return ports.length === 0 ? 1500 : Math.min(...ports.map(({ mtu }) => mtu));
}

/** The kernel draws it; no packet carries it. Told apart by the name, which is drawn as well. */
function hostEndMac(device: string): string {
  const digits = [...device.replace(/^veth/, "")].map((digit) => digit.charCodeAt(0).toString(16).padStart(2, "0").slice(-2));
  return ["06", ...digits.slice(0, 5)].join(":");
}
