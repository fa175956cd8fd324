import type { TopologySpec } from "../model/spec";
import { isBridge, type ContainerState, type DockerState, type EndpointState } from "../model/state";
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
    networks: state.networks.filter(isBridge).map((network) => ({
      name: network.name,
      driver: network.driver,
      internal: network.internal,
      subnet: formatCidr(ipv4Cidr(network.subnet.network, network.subnet.prefixLength)),
      gateway: formatIpv4(network.gateway),
      bridge: network.bridge.device,
      device: `${network.host}:${network.bridge.displayName}`,
      mtu: bridgeMtu(state, network),
    })),
    containers: state.containers.filter(({ running }) => running).map(describeContainer),
    flows,
  };
}

function describeContainer(container: ContainerState): ContainerDescription {
  return {
    name: container.name,
    host: container.host,
    networkMode: container.spec.networkMode ?? (container.spec.networks.length > 0 ? "networks" : "bridge"),
    networks: container.endpoints.map((endpoint) => describeEndpoint(container, endpoint)),
    ports: container.ports.map(({ hostIp, hostPort, containerPort, protocol }) => ({ hostIp, hostPort, containerPort, protocol })),
  };
}

function describeEndpoint({ name, host, gateway }: ContainerState, endpoint: EndpointState): EndpointDescription {
  return {
    network: endpoint.network,
    ipv4: formatIpv4(endpoint.ip),
    prefixLength: endpoint.prefixLength,
    mac: formatMac(endpoint.mac),
    gateway: endpoint.gateway === undefined ? "" : formatIpv4(endpoint.gateway),
    interfaceName: endpoint.interfaceName,
    device: `${name}:${endpoint.interfaceName}`,
    hostDevice: `${host}:${endpoint.vethName}`,
    isDefaultRoute: gateway?.network === endpoint.network,
    dnsNames: endpoint.dnsNames,
  };
}
