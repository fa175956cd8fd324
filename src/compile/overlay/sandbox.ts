import type { HostState, ServiceSandboxState } from "../../model/state";
import { addBridgeCable } from "../cable";
import { bridgeKey, type Laying, nameDevice } from "../laying";
import { addOverlayCable } from "./network";

/** What the namespace of a load balancer is called: by people, and in places. */
export function sandboxName(host: string, { key }: ServiceSandboxState): string {
  return `${host}/${key}`;
}

/** The namespace of a load balancer (`lb-NAME`, `ingress-sbox`): a cable into its network; that of ingress has one into docker_gwbridge as well. */
export function addServiceSandbox(laying: Laying, host: HostState, sandbox: ServiceSandboxState): void {
  const { builder, places, bridges, owners, forwards } = laying;
  const label = sandboxName(host.name, sandbox);
  const key = `sandbox ${host.name}/${sandbox.networkId}`;
  const namespace = builder.namespace(label, builder.namespaces[places.get(host.name)!]!.host, { forwarding: Number(forwards), key });
  places.set(placeOfSandbox(host.name, sandbox), namespace);
  nameDevice(laying, builder.loopback(namespace, label, `${key}:lo`), "lo");
  for (const endpoint of sandbox.endpoints) {
    const place = { host: host.name, namespace, label, key: `${key}:${endpoint.interfaceName}` };
    const bridge = bridges.get(bridgeKey({ host: host.name, name: endpoint.network }));
    const device = bridge === undefined ? addOverlayCable(laying, endpoint, place) : addBridgeCable(laying, endpoint, place, { bridge, field: label });
    builder.address(device, endpoint.ip, endpoint.prefixLength);
    owners.set(endpoint.ip, namespace);
    if (bridge === undefined) for (const { virtualIp } of sandbox.services) builder.address(device, virtualIp, 32);
    else if (sandbox.services.length > 0) builder.routeLoopback(bridge);
    if (bridge !== undefined && sandbox.gateway !== undefined) builder.defaultRoute(device, sandbox.gateway);
  }
}

/** Apart from containers, which may be called as they like. */
export function placeOfSandbox(host: string, { key }: ServiceSandboxState): string {
  return `${host}/sandbox:${key}`;
}
