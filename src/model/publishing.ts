import { formatIp, parseIp } from "../net/ip";
import { addressOf } from "./block";
import { type Container, gatewaysOf } from "./container";
import type { Endpoint } from "./endpoint";
import type { FirewallPort } from "./firewall/firewall";
import type { GenerationRules } from "./generation";
import type { HostPorts, PortBinding } from "./host-ports";
import { refuse } from "./refusal";
import type { ProxyState, PublishedPortState } from "./state";

/** What tells the packet filter of ports. */
export interface PortFirewall {
  publish(networkId: string, ports: readonly FirewallPort[]): void;
  unpublish(networkId: string, ports: readonly FirewallPort[]): void;
}

export interface PublishContext {
  readonly rules: GenerationRules;
  readonly ports: HostPorts;
  readonly userlandProxy: boolean;
  readonly firewall: PortFirewall;
}

/**
 * Programs the published ports of a container on the endpoint of its default route.
 *
 * @throws SimulationError in the daemon's words; no port is taken then.
 */
export function publishOn(container: Container, endpoint: Endpoint, context: PublishContext): void {
  const { rules, ports } = context;
  container.publishing = endpoint;
  const { bridge } = endpoint.members.parts;
  if (!bridge) return;
  const taken = ports.take(rules.ports.order(container.published, container.isManaged), {
    defaultIp: bridge.options.hostBinding,
    address4: textOf(4, endpoint.v4?.value),
    address6: textOf(6, endpoint.v6?.value),
    userlandProxy: context.userlandProxy,
    routed: { 4: bridge.options.gatewayMode4 === "routed", 6: bridge.options.gatewayMode6 === "routed" },
  });
  if ("reason" in taken) {
    container.publishing = undefined;
    const position = container.spec.publish[0]?.position ?? container.spec.position;
    refuse(500, `container ${container.name}`, rules.ports.wrap(container.name, endpoint.id, taken.reason), position);
  }
  container.bindings = taken;
  container.ports = taken.map(shown);
  // The rules of an internal network of 20.10 know nothing of ports.
  if (taken.length > 0 && !endpoint.internal) context.firewall.publish(endpoint.members.id, taken.flatMap((binding) => firewallPort(container, binding)));
}

/** Takes the ports back. */
export function unpublish(container: Container, context: PublishContext): void {
  const { publishing: endpoint, bindings } = container;
  container.publishing = undefined;
  container.bindings = [];
  container.ports = [];
  if (!endpoint || bindings.length === 0) return;
  context.ports.release(bindings);
  if (!endpoint.internal) context.firewall.unpublish(endpoint.members.id, bindings.flatMap((binding) => firewallPort(container, binding)));
}

/** What `NetworkSettings.Ports` shows from now on (moby daemon/network.go: getPortMapInfo). */
export function showPorts(container: Container, rules: GenerationRules): void {
  container.shownPorts = container.ports;
  const shows = rules.ports.showsInternal ? container.endpoints : container.publishing ? [container.publishing] : [];
  container.showsExposed = shows.some(({ members }) => members.parts.bridge !== undefined);
}

/** The endpoint that should carry the ports. */
export function carrierOf(container: Container, rules: GenerationRules): Endpoint | undefined {
  return gatewaysOf(container, rules).gateway4 ?? gatewaysOf(container, rules).gateway6;
}

/** Who listens at a container's ports: the processes of the userland proxy, or the daemon, which keeps them for itself. */
export function proxiesOf({ name, bindings }: Container): ProxyState[] {
  return bindings
    .filter(({ routed }) => !routed)
    .map(({ protocol, hostIp, hostPort, containerIp, containerPort, proxied }) => ({ container: name, protocol, hostIp, hostPort, containerIp, containerPort, isMute: !proxied }));
}

function shown({ hostIp, hostPort, containerPort, protocol }: PortBinding): PublishedPortState {
  return { hostIp, hostPort, containerPort, protocol, active: true };
}

/** A binding from an IPv6 address to an IPv4 one is the proxy's alone. */
function firewallPort({ name }: Container, { hostIp, hostPort, containerIp, containerPort, protocol }: PortBinding): FirewallPort[] {
  const address = parseIp(containerIp, "container");
  const hostAddress = parseIp(hostIp, "host");
  return address.family === hostAddress.family ? [{ container: name, address, port: containerPort, protocol, hostAddress, hostPort }] : [];
}

function textOf(family: 4 | 6, value: bigint | undefined): string | undefined {
  return value === undefined ? undefined : formatIp(addressOf(family, value));
}
