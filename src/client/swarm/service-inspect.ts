import { formatIpv4 } from "../../net/ip";
import { Answer, textMap, type AnswerField, type AnswerValue } from "../../model/inspect/answer";
import { CREATED } from "../../model/inspect/network";
import type { ClusterService } from "../../model/swarm/objects";
import type { ServicePort } from "../../model/swarm/service-spec";

/** What `docker service inspect` shows, as far as it is about the network. */
export function inspectService({ id, spec, ports, virtualIps }: ClusterService): Answer {
  const optional = (json: string, value: AnswerValue): AnswerField => ({ json, value, omitEmpty: true });
  const endpointSpec = new Answer([{ json: "Mode", value: spec.endpointMode }, optional("Ports", spec.ports.map(portOf))]);
  const addresses = [...virtualIps].map(([network, value]) => {
    const length = network.subnets?.[0]?.subnet.prefixLength ?? 32;
    return Answer.of({ NetworkID: network.id, Addr: `${formatIpv4(Number(value))}/${length}` });
  });
  const networks = spec.networks.map(({ network, aliases }) => new Answer([{ json: "Target", value: network }, optional("Aliases", aliases)]));
  const mode: Answer = spec.replicas === undefined ? Answer.of({ Global: Answer.of({}) }) : Answer.of({ Replicated: Answer.of({ Replicas: spec.replicas }) });
  return new Answer([
    { json: "ID", value: id },
    { json: "CreatedAt", value: CREATED },
    { json: "UpdatedAt", value: CREATED },
    {
      json: "Spec",
      value: new Answer([
        { json: "Name", value: spec.name },
        { json: "Labels", value: textMap(spec.labels) },
        { json: "TaskTemplate", value: new Answer([optional("Networks", networks)]) },
        { json: "Mode", value: mode },
        { json: "EndpointSpec", value: endpointSpec },
      ]),
    },
    { json: "Endpoint", value: new Answer([{ json: "Spec", value: endpointSpec }, optional("Ports", ports.map(portOf)), optional("VirtualIPs", addresses)]) },
  ]);
}

function portOf({ protocol, target, published, mode }: ServicePort): Answer {
  return new Answer([
    { json: "Protocol", value: protocol },
    { json: "TargetPort", value: target },
    { json: "PublishedPort", value: published, omitEmpty: true },
    { json: "PublishMode", value: mode },
  ]);
}
