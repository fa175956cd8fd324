import type { TopologySpec } from "../model/spec";
import type { ContainerState, DockerState, EndpointState } from "../model/state";
import { formatCidr, ipv4Cidr } from "../net/cidr";
import { formatIpv4 } from "../net/ip";
import { formatMac } from "../net/mac";
import type { ContainerDescription, EndpointDescription, FlowDescription, TopologyDescription } from "./compiled";
import { bridgeMtu } from "./topology";

/** The state in the words and notations of people. */
export function describeTopology(spec: TopologySpec, state: DockerState, flows: readonly FlowDescription[]): TopologyDescription {
  return {
    name: spec.name,
    generation: spec.generation,
    hosts: state.hosts.map(({ name, cpus }) => ({ name, cpus })),
    networks: state.networks.map((network) => ({
      name: network.name,
      driver: network.driver,
      internal: network.internal,
      subnet: formatCidr(ipv4Cidr(network.subnet.network, network.subnet.prefixLength)),
      gateway: formatIpv4(network.gateway),
      bridge: network.bridge.device,
      device: `${network.host}:${network.bridge.displayName}`,
      mtu: bridgeMtu(state, network),
    })),
    containers: state.containers.map((container) => describeContainer(state, container)),
    flows,
  };
}

function describeContainer(state: DockerState, container: ContainerState): ContainerDescription {
  return {
    name: container.name,
    host: container.host,
    networkMode: container.spec.networkMode ?? (container.spec.networks.length > 0 ? "networks" : "bridge"),
    networks: container.endpoints.map((endpoint) => describeEndpoint(state, container, endpoint)),
    ports: container.ports,
  };
}

function describeEndpoint(state: DockerState, { name, host, gateway }: ContainerState, endpoint: EndpointState): EndpointDescription {
  const network = state.networks.find((candidate) => candidate.host === host && candidate.name === endpoint.network)!;
  return {
    network: endpoint.network,
    ipv4: formatIpv4(endpoint.ip),
    prefixLength: endpoint.prefixLength,
    mac: formatMac(endpoint.mac),
    gateway: network.defaultGateway === undefined ? "" : formatIpv4(network.defaultGateway),
    interfaceName: endpoint.interfaceName,
    device: `${name}:${endpoint.interfaceName}`,
    hostDevice: `${host}:${endpoint.vethName}`,
    isDefaultRoute: gateway?.network === endpoint.network,
    dnsNames: endpoint.dnsNames,
  };
}
