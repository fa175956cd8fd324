import { formatIpv4, formatIpv6 } from "../../net/ip";
import { formatMac } from "../../net/mac";
import type { ContainerState, DockerState, EndpointState, IpamConfigState, NetworkState } from "../state";
import { isOfSwarm } from "../state";
import type { NetworkServiceState } from "../swarm/state";
import { statusOf } from "./network-status";
import { Answer, NO_MAP, NO_SLICE, textMap, type AnswerField, type AnswerMap, type AnswerValue } from "./answer";

/** Differs from Docker: there is no clock; whatever is told about times is this one. */
export const CREATED = "2000-01-01T00:00:00Z";

/** What `docker network inspect` shows of a network. `services`: those that are asked for with `--verbose`. */
export function inspectNetwork(state: DockerState, network: NetworkState, services: readonly NetworkServiceState[] = []): Answer {
  const isCurrent = state.generation === "29";
  const head: AnswerField[] = [
    { json: "Name", value: network.name },
    { json: "Id", go: "ID", value: network.id },
    { json: "Created", value: CREATED },
    { json: "Scope", value: network.scope },
    { json: "Driver", value: driverOf(network) },
    ...(isCurrent ? [{ json: "EnableIPv4", value: network.enableIpv4 }] : []),
    { json: "EnableIPv6", value: network.enableIpv6 },
    { json: "IPAM", value: ipamOf(network, isCurrent) },
    { json: "Internal", value: network.internal },
    { json: "Attachable", value: network.attachable },
    { json: "Ingress", value: network.ingress },
    { json: "ConfigFrom", value: Answer.of({ Network: network.configFrom }) },
    { json: "ConfigOnly", value: network.configOnly },
  ];
  // What only the managers know shows nothing of what a host has made of it.
  const isElsewhere = isOfSwarm(network) && !network.isLocal;
  const containers: AnswerField = { json: "Containers", value: isElsewhere && !isCurrent ? NO_MAP : membersOf(state, network) };
  const mapOf = (map: Readonly<Record<string, string>>) => (isElsewhere && Object.keys(map).length === 0 ? NO_MAP : textMap(map));
  const described: AnswerField[] = [
    { json: "Options", value: mapOf(network.options) },
    { json: "Labels", value: mapOf(network.labels) },
    { json: "Peers", value: isOfSwarm(network) ? network.peers.map(({ name, address }) => Answer.of({ Name: name, IP: address })) : NO_SLICE, omitEmpty: true },
    { json: "Services", value: services.length === 0 ? NO_MAP : servicesOf(services), omitEmpty: true },
  ];
  return new Answer(isCurrent ? [...head, ...described, containers, { json: "Status", value: statusOf(state, network) }] : [...head, containers, ...described]);
}

/** The driver as the engine names it. */
export function driverOf(network: NetworkState): string {
  return isOfSwarm(network) ? network.shownDriver : network.driver;
}

function ipamOf(network: NetworkState, isCurrent: boolean): Answer {
  const { ipam } = network;
  const hasNone = isOfSwarm(network) && !network.isAllotted;
  return Answer.of({ Driver: ipam.driver, Options: ipam.options === null ? NO_MAP : textMap(ipam.options), Config: hasNone || (isCurrent && !isOfSwarm(network) && (network.configOnly || ipam.config.length === 0)) ? NO_SLICE : ipam.config.map(blockOf) });
}

function blockOf({ subnet, ipRange, gateway, auxAddresses }: IpamConfigState): Answer {
  const optional = (json: string, value: AnswerValue, go?: string): AnswerField => ({ json, value, omitEmpty: true, ...(go !== undefined && { go }) });
  return new Answer([
    optional("Subnet", subnet),
    optional("IPRange", ipRange ?? ""),
    optional("Gateway", gateway ?? ""),
    optional("AuxiliaryAddresses", auxAddresses ? textMap(auxAddresses) : NO_MAP, "AuxAddress"),
  ]);
}

/** Differs from Docker: only tasks of services are shown, no containers that somebody attached. */
function servicesOf(services: readonly NetworkServiceState[]): AnswerMap {
  return new Map(services.map(({ name, mark, virtualIp, ports, tasks }) => {
    const shown = tasks.map(({ name: task, endpointId, ip, host }) => Answer.of({ Name: task, EndpointID: endpointId, EndpointIP: formatIpv4(ip), Info: textMap({ "Host IP": host }) }));
    const pairs = ports.map(({ target, published }) => `Target: ${target}, Publish: ${published}`);
    return [name, Answer.of({ VIP: virtualIp === undefined ? "<nil>" : formatIpv4(virtualIp), Ports: pairs, LocalLBIndex: mark, Tasks: shown })] as const;
  }));
}

/** The endpoints of running containers, by the container's ID. */
function membersOf(state: DockerState, network: NetworkState): AnswerMap {
  const members = state.containers.filter(({ host, running }) => host === network.host && running);
  const entries = members.flatMap((container) => {
    const endpoint = endpointOn(container, network);
    return endpoint ? [[container.id, memberOf(container, endpoint)] as const] : [];
  });
  const own = (state.hosts.find(({ name }) => name === network.host)?.swarm?.sandboxes ?? []).flatMap(({ key, endpoints }) =>
    endpoints.filter(({ networkId }) => networkId === network.id).map((endpoint) => [key, memberOf({ name: key }, endpoint)] as const),
  );
  return new Map([...entries, ...own]);
}

type Member = Pick<EndpointState, "id" | "mac" | "ip" | "prefixLength" | "prefixLength6"> & Partial<Pick<EndpointState, "ipv6" | "shownName">>;

function endpointOn({ attachments, endpoints }: ContainerState, { id }: NetworkState): Member | undefined {
  const wayOut = endpoints.find(({ networkId, shownName }) => networkId === id && shownName !== undefined);
  if (wayOut) return wayOut;
  const attachment = attachments.find(({ networkId }) => networkId === id);
  // On `host` and `none` there is nothing but the endpoint's ID.
  return attachment?.endpoint ?? (attachment && attachment.endpointId !== "" ? { id: attachment.endpointId, mac: 0, ip: 0, prefixLength: 0, prefixLength6: 0 } : undefined);
}

function memberOf({ name }: Pick<ContainerState, "name">, endpoint: Member): Answer {
  return Answer.of({
    Name: endpoint.shownName ?? name,
    EndpointID: endpoint.id,
    MacAddress: macText(endpoint),
    IPv4Address: endpoint.ip === 0 ? "" : `${formatIpv4(endpoint.ip)}/${endpoint.prefixLength}`,
    IPv6Address: endpoint.ipv6 === undefined ? "" : `${formatIpv6(endpoint.ipv6)}/${endpoint.prefixLength6}`,
  });
}

/** The MAC of an endpoint; on `host` and `none` there is none. */
export function macText({ mac }: Pick<EndpointState, "mac">): string {
  return mac === 0 ? "" : formatMac(mac);
}
