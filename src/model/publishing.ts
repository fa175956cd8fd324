import { formatIp, isIpv4, parseIp } from "../net/ip";
import { addressOf } from "./block";
import type { Container, Gateways } from "./container";
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

/** What an endpoint carries of its container's ports; `routed`: those that are not translated. */
export interface Carriage {
  readonly 4: boolean;
  readonly 6: boolean;
  readonly routed: boolean;
}

export const NOTHING: Carriage = { 4: false, 6: false, routed: false };

/** What an endpoint is to carry where those are the gateways; IPv6 without a gateway of its own goes with IPv4, as a proxy may translate. */
export function carriageOf(endpoint: Endpoint, { gateway4, gateway6 }: Gateways, rules: GenerationRules): Carriage {
  if (rules.ports.perFamily) return { 4: gateway4 === endpoint, 6: (gateway6 ?? gateway4) === endpoint, routed: true };
  const carries = (gateway4 ?? gateway6) === endpoint;
  return { 4: carries, 6: carries, routed: false };
}

/**
 * Lets an endpoint carry what it is to carry from now on (libnetwork drivers/bridge: ProgramExternalConnectivity).
 *
 * @throws SimulationError in the daemon's words; nothing has changed then.
 */
export function program(container: Container, endpoint: Endpoint, next: Carriage, context: PublishContext): void {
  const { rules, ports } = context;
  const { carriage: before } = endpoint;
  const { bridge } = endpoint.members.parts;
  if (!bridge || (before[4] === next[4] && before[6] === next[6] && before.routed === next.routed)) return;
  const routed = { 4: bridge.options.gatewayMode4 === "routed", 6: bridge.options.gatewayMode6 === "routed" };
  const isNew = (family: 4 | 6) => (next[family] && !before[family]) || (routed[family] && next.routed && !before.routed);
  const taken = ports.take(rules.ports.order(container.published, container.isManaged), {
    defaultIp: bridge.options.hostBinding,
    address4: textOf(4, endpoint.v4?.value),
    address6: textOf(6, endpoint.v6?.value) ?? (context.userlandProxy && next[4] ? textOf(4, endpoint.v4?.value) : undefined),
    families: { 4: isNew(4), 6: isNew(6) },
    userlandProxy: context.userlandProxy,
    routed,
  });
  if ("reason" in taken) {
    const position = container.spec.publish[0]?.position ?? container.spec.position;
    refuse(500, `container ${container.name}`, rules.ports.wrap(container.name, endpoint.id, taken.reason), position);
  }
  const keeps = (family: 4 | 6) => next[family] || (routed[family] && next.routed);
  const [kept, gone] = [true, false].map((isKept) => endpoint.ports.filter(({ hostIp }) => keeps(isIpv4(hostIp) ? 4 : 6) === isKept)) as [PortBinding[], PortBinding[]];
  ports.release(gone);
  endpoint.carriage = next;
  endpoint.ports = [...kept, ...taken];
  // The rules of an internal network of 20.10 know nothing of ports.
  if (endpoint.internal) return;
  const rulesOf = (bindings: readonly PortBinding[]) => bindings.flatMap((binding) => firewallPort(container, binding));
  if (gone.length > 0) context.firewall.unpublish(endpoint.members.id, rulesOf(gone));
  if (taken.length > 0) context.firewall.publish(endpoint.members.id, rulesOf(taken));
}

/** What `NetworkSettings.Ports` shows from now on (moby daemon/network.go: getPortMapInfo). */
export function showPorts(container: Container, rules: GenerationRules): void {
  const sorted = [...container.endpoints].sort(rules.sandbox.compareGateways);
  container.shownPorts = sorted.flatMap(({ ports }) => ports.map(shown));
  const shows = rules.ports.showsInternal ? sorted : sorted.filter(({ carriage }) => carriage[4] || carriage[6]);
  container.showsExposed = shows.some(({ members }) => members.parts.bridge !== undefined);
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
