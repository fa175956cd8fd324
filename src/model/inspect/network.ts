import { formatIpv4, formatIpv6 } from "../../net/ip";
import { formatMac } from "../../net/mac";
import type { ContainerState, DockerState, EndpointState, IpamConfigState, NetworkState } from "../state";
import { Answer, NO_MAP, textMap, type AnswerField, type AnswerMap, type AnswerValue } from "./answer";

/** Differs from Docker: there is no clock; whatever is told about times is this one. */
export const CREATED = "2000-01-01T00:00:00Z";

/** What `docker network inspect` shows of a network. */
export function inspectNetwork(state: DockerState, network: NetworkState): Answer {
  const isCurrent = state.generation === "29";
  const head: AnswerField[] = [
    { json: "Name", value: network.name },
    { json: "Id", go: "ID", value: network.id },
    { json: "Created", value: CREATED },
    { json: "Scope", value: network.scope },
    { json: "Driver", value: network.driver },
    ...(isCurrent ? [{ json: "EnableIPv4", value: network.enableIpv4 }] : []),
    { json: "EnableIPv6", value: network.enableIpv6 },
    { json: "IPAM", value: ipamOf(network) },
    { json: "Internal", value: network.internal },
    { json: "Attachable", value: network.attachable },
    { json: "Ingress", value: network.ingress },
    { json: "ConfigFrom", value: Answer.of({ Network: network.configFrom }) },
    { json: "ConfigOnly", value: network.configOnly },
  ];
  const containers: AnswerField = { json: "Containers", value: membersOf(state, network) };
  const described: AnswerField[] = [
    { json: "Options", value: textMap(network.options) },
    { json: "Labels", value: textMap(network.labels) },
  ];
  return new Answer(isCurrent ? [...head, ...described, containers] : [...head, containers, ...described]);
}

function ipamOf({ ipam }: NetworkState): Answer {
  return Answer.of({ Driver: ipam.driver, Options: ipam.options === null ? NO_MAP : textMap(ipam.options), Config: ipam.config.map(blockOf) });
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

/** The endpoints of running containers, by the container's ID. */
function membersOf(state: DockerState, network: NetworkState): AnswerMap {
  const members = state.containers.filter(({ host, running }) => host === network.host && running);
  const entries = members.flatMap((container) => {
    const endpoint = endpointOn(container, network);
    return endpoint ? [[container.id, memberOf(container, endpoint)] as const] : [];
  });
  return new Map(entries);
}

function endpointOn({ attachments }: ContainerState, { id }: NetworkState): EndpointState | undefined {
  return attachments.find(({ networkId }) => networkId === id)?.endpoint;
}

function memberOf({ name }: ContainerState, endpoint: EndpointState): Answer {
  return Answer.of({
    Name: name,
    EndpointID: endpoint.id,
    MacAddress: macText(endpoint),
    IPv4Address: endpoint.ip === 0 ? "" : `${formatIpv4(endpoint.ip)}/${endpoint.prefixLength}`,
    IPv6Address: endpoint.ipv6 === undefined ? "" : `${formatIpv6(endpoint.ipv6)}/${endpoint.prefixLength6}`,
  });
}

/** The MAC of an endpoint; on `host` and `none` there is none. */
export function macText({ mac }: EndpointState): string {
  return mac === 0 ? "" : formatMac(mac);
}
