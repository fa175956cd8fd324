import { Forwarding, Scheduler } from "../../../assembly/abi/ipvs";
import type { RealServerRecord, VirtualServiceRecord } from "../../engine/program";
import { sandboxFirewall, type FirewallState } from "../../model/firewall";
import { balancerSteps, redirectSteps } from "../../model/firewall/mesh";
import { containerLabel, SERVICE_ID_LABEL } from "../../model/labels";
import { type BalancedServiceState, type ContainerState, type DockerState, type HostState, type ServiceSandboxState, type SwarmServiceState } from "../../model/state";
import { formatIpv4 } from "../../net/ip";
import type { Balancing, PlacedFirewall } from "../overlays";
import { RESOLVER_PORTS } from "../processes";
import { openSandboxes } from "./knowledge";
import { placeOfSandbox } from "./sandbox";

/** The virtual services of all load balancers, and where they lead. */
export function balancingOf(state: DockerState, places: ReadonlyMap<string, number>): Balancing {
  const balancing = { virtualServices: [] as VirtualServiceRecord[], realServers: [] as RealServerRecord[], serviceNames: [] as string[], serverNames: [] as string[] };
  const labels = labelsOf(state);
  for (const host of state.hosts) {
    for (const sandbox of openSandboxes(host)) {
      const namespace = places.get(placeOfSandbox(host.name, sandbox));
      if (namespace !== undefined) for (const service of sandbox.services) addService(balancing, namespace, service, isDirect(state, host, sandbox), labels);
    }
  }
  return balancing;
}

interface Collected {
  readonly virtualServices: VirtualServiceRecord[];
  readonly realServers: RealServerRecord[];
  readonly serviceNames: string[];
  readonly serverNames: string[];
}

function addService({ virtualServices, realServers, serviceNames, serverNames }: Collected, namespace: number, service: BalancedServiceState, direct: boolean, labels: ReadonlyMap<string, string>): void {
  const { mark, servers, network } = service;
  virtualServices.push({ namespace, fwmark: mark, scheduler: Scheduler.RoundRobin, first: realServers.length, count: servers.length });
  serviceNames.push(`${service.service} on ${network}`);
  for (const { ip, weight } of servers) {
    realServers.push({ address: ip, weight, forwarding: direct ? Forwarding.DirectRoute : Forwarding.Masquerade });
    const label = labels.get(`${network}/${ip}`);
    serverNames.push(label === undefined ? formatIpv4(ip) : `${formatIpv4(ip)} (${label})`);
  }
}

/** What tasks are called, by network and address. */
function labelsOf(state: DockerState): ReadonlyMap<string, string> {
  return new Map(state.containers.flatMap((container) => container.endpoints.map(({ network, ip }) => [`${network}/${ip}`, containerLabel(state, container)] as const)));
}

/** `--opt dsr` (libnetwork controller.go: overlayDSROptionString). */
function isDirect(state: DockerState, { name }: HostState, { networkId }: ServiceSandboxState): boolean {
  return directNetworks(state).has(`${name} ${networkId}`);
}

const direct = new WeakMap<DockerState, ReadonlySet<string>>();

function directNetworks(state: DockerState): ReadonlySet<string> {
  const known = direct.get(state);
  if (known) return known;
  const found = new Set(state.networks.filter(({ options }) => options.dsr !== undefined).map(({ host, id }) => `${host} ${id}`));
  direct.set(state, found);
  return found;
}

/** The rules of load balancers' sandboxes, and of tasks to which the routing mesh leads. */
export function balancerFirewalls(state: DockerState): readonly PlacedFirewall[] {
  return [...state.hosts.flatMap((host) => openSandboxes(host).map((sandbox) => ({ place: placeOfSandbox(host.name, sandbox), firewall: firewallOf(state, host, sandbox) }))), ...taskFirewalls(state)];
}

/** The rules in the sandbox of a load balancer. */
export function firewallOf(state: DockerState, host: HostState, sandbox: ServiceSandboxState): FirewallState {
  const [own] = sandbox.endpoints.filter(({ networkId }) => networkId === sandbox.networkId);
  return sandboxFirewall(RESOLVER_PORTS, own === undefined ? [] : balancerSteps(own, isDirect(state, host, sandbox), sandbox.services));
}

function taskFirewalls(state: DockerState): readonly PlacedFirewall[] {
  const services = new Map(state.hosts.flatMap(({ swarm }) => swarm?.services ?? []).map((service) => [service.id, service]));
  return state.containers.flatMap((container) => {
    const service = services.get(container.spec.labels?.[SERVICE_ID_LABEL] ?? "");
    const steps = service === undefined || !container.running ? [] : taskSteps(state, container, service);
    const resolver = container.embeddedDns ? RESOLVER_PORTS : undefined;
    return steps.length === 0 ? [] : [{ place: `${container.host}/${container.name}`, firewall: sandboxFirewall(resolver, steps) }];
  });
}

function taskSteps({ networks }: DockerState, { host, endpoints }: ContainerState, { name, ports }: SwarmServiceState) {
  const ingress = networks.find((network) => network.host === host && network.ingress);
  const endpoint = endpoints.find(({ networkId }) => networkId === ingress?.id);
  return endpoint === undefined ? [] : redirectSteps(name, endpoint.ip, ports.filter(({ mode }) => mode === "ingress"));
}
