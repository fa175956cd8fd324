import { containerLabel } from "../model/labels";
import type { TopologySpec } from "../model/spec";
import {
  type BridgeNetworkState,
  type ContainerState,
  type DockerState,
  type EndpointState,
  hasParent,
  isBridge,
  isOfSwarm,
  type ParentNetworkState,
  servicesOf,
  type SwarmNetworkState,
  type SwarmServiceState,
} from "../model/state";
import { formatCidr, ipv4Cidr } from "../net/cidr";
import { formatIpv4 } from "../net/ip";
import { formatMac } from "../net/mac";
import type { ContainerDescription, EndpointDescription, FlowDescription, NetworkDescription, ServiceDescription, TopologyDescription } from "./compiled";
import { bridgeMtu } from "./topology";

/** The state in the words and notations of people. */
export function describeTopology(spec: TopologySpec, state: DockerState, flows: readonly FlowDescription[]): TopologyDescription {
  return {
    name: spec.name,
    generation: spec.generation,
    hosts: state.hosts.map(({ name, cpus }) => ({ name, cpus })),
    networks: state.networks.flatMap((network) => {
      if (isBridge(network)) return [describeBridge(state, network)];
      if (isOfSwarm(network)) return network.isLocal ? [describeOverlay(network)] : [];
      return hasParent(network) ? [describeParent(network)] : [];
    }),
    services: servicesOf(state).map((service) => describeService(state, service)),
    containers: state.containers.filter(({ running }) => running).map((container) => describeContainer(state, container)),
    flows,
  };
}

function describeBridge(state: DockerState, network: BridgeNetworkState): NetworkDescription {
  return {
    name: network.name,
    host: network.host,
    driver: network.driver,
    internal: network.internal,
    subnet: formatCidr(ipv4Cidr(network.subnet.network, network.subnet.prefixLength)),
    gateway: formatIpv4(network.gateway),
    bridge: network.bridge.device,
    encrypted: false,
    vnis: [],
    device: `${network.host}:${network.bridge.displayName}`,
    mtu: bridgeMtu(state, network),
  };
}

/** As one of its hosts has it: the bridge is that of its first subnet. */
function describeOverlay({ name, driver, host, internal, subnets, mtu, encrypted }: SwarmNetworkState): NetworkDescription {
  const [subnet] = subnets;
  return {
    name,
    host,
    driver,
    internal,
    subnet: subnet === undefined ? "" : formatCidr(ipv4Cidr(subnet.network, subnet.prefixLength)),
    gateway: subnet === undefined ? "" : formatIpv4(subnet.gateway),
    bridge: "br0",
    encrypted,
    vnis: subnets.map(({ vni }) => vni),
    device: `${host}/overlay/${name}:br0`,
    mtu,
  };
}

/** The device is the one below the containers'. */
function describeParent({ name, driver, host, internal, subnets, ipam, parent, mtu }: ParentNetworkState): NetworkDescription {
  const [subnet] = subnets;
  return {
    name,
    host,
    driver,
    internal,
    subnet: subnet === undefined ? "" : formatCidr(ipv4Cidr(subnet.network, subnet.prefixLength)),
    gateway: ipam.config[0]?.gateway ?? "",
    bridge: parent.device,
    encrypted: false,
    vnis: [],
    device: `${host}:${parent.device}`,
    mtu,
  };
}

function describeService({ networks }: DockerState, { name, tasks, endpointMode, virtualIps, ports }: SwarmServiceState): ServiceDescription {
  return {
    name,
    tasks,
    endpointMode,
    virtualIps: virtualIps.map(({ networkId, ip }) => ({ network: networks.find(({ id }) => id === networkId)?.name ?? networkId, ipv4: formatIpv4(ip) })),
    ports: ports.map(({ published, target, protocol, mode }) => ({ published, target, protocol, mode })),
  };
}

function describeContainer(state: DockerState, container: ContainerState): ContainerDescription {
  return {
    name: container.name,
    label: containerLabel(state, container),
    host: container.host,
    networkMode: container.spec.networkMode ?? (container.spec.networks.length > 0 ? "networks" : "bridge"),
    networks: container.endpoints.map((endpoint) => describeEndpoint(state, container, endpoint)),
    ports: container.ports.map(({ hostIp, hostPort, containerPort, protocol }) => ({ hostIp, hostPort, containerPort, protocol })),
  };
}

function describeEndpoint(state: DockerState, container: ContainerState, endpoint: EndpointState): EndpointDescription {
  const { host, gateway } = container;
  const network = state.networks.find((candidate) => candidate.host === host && candidate.name === endpoint.network);
  const below = network && hasParent(network) ? network.parent.device : endpoint.vethName;
  const hostDevice = endpoint.cable === undefined ? `${host}:${below}` : `${host}/overlay/${endpoint.network}:veth${endpoint.cable}`;
  return {
    network: endpoint.network,
    ipv4: formatIpv4(endpoint.ip),
    prefixLength: endpoint.prefixLength,
    mac: formatMac(endpoint.mac),
    gateway: endpoint.gateway === undefined ? "" : formatIpv4(endpoint.gateway),
    interfaceName: endpoint.interfaceName,
    device: `${containerLabel(state, container)}:${endpoint.interfaceName}`,
    hostDevice,
    isDefaultRoute: gateway?.network === endpoint.network,
    dnsNames: endpoint.dnsNames,
  };
}
