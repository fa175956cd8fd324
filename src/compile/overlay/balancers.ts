import { Forwarding, Scheduler } from "../../../assembly/abi/ipvs";
import type { RealServerRecord, VirtualServiceRecord } from "../../engine/program";
import { sandboxFirewall, type FirewallState } from "../../model/firewall";
import { balancerSteps, redirectSteps } from "../../model/firewall/mesh";
import { containerLabel, SERVICE_ID_LABEL } from "../../model/labels";
import type { BalancedServiceState, ContainerState, DockerState, EndpointState, HostState, ServiceSandboxState, SwarmServiceState } from "../../model/state";
import { formatIpv4 } from "../../net/ip";
import type { Memo } from "../memo";
import type { Balancing, PlacedFirewall } from "../overlays";
import { RESOLVER_PORTS } from "../processes";
import { openSandboxes } from "./knowledge";
import { placeOfSandbox } from "./sandbox";

/** The virtual services of all load balancers, and where they lead. */
export function balancingOf(state: DockerState, places: ReadonlyMap<string, number>, memo: Memo): Balancing {
  const balancing = { virtualServices: [] as VirtualServiceRecord[], realServers: [] as RealServerRecord[], serviceNames: [] as string[], serverNames: [] as string[] };
  const { virtualServices, realServers, serviceNames, serverNames } = balancing;
  const labels = labelsOf(state);
  for (const host of state.hosts) {
    for (const sandbox of openSandboxes(host)) {
      const namespace = places.get(placeOfSandbox(host.name, sandbox));
      if (namespace === undefined) continue;
      const forwarding = isDirect(state, host, sandbox) ? Forwarding.DirectRoute : Forwarding.Masquerade;
      for (const { id, mark, service, network, servers } of sandbox.services) {
        const known = servers.map(({ ip }) => labels.get(network)?.get(ip));
        const own = memo.of<unknown, Servers>(`servers ${host.name}/${sandbox.key} ${id} ${mark}`, [servers, forwarding, ...known], () => serversOf(servers, forwarding, known));
        virtualServices.push({ namespace, fwmark: mark, scheduler: Scheduler.RoundRobin, first: realServers.length, count: servers.length });
        serviceNames.push(`${service} on ${network}`);
        for (const record of own.records) realServers.push(record);
        for (const name of own.names) serverNames.push(name);
      }
    }
  }
  return balancing;
}

/** The real servers of one service. */
interface Servers {
  readonly records: readonly RealServerRecord[];
  readonly names: readonly string[];
}

function serversOf(servers: BalancedServiceState["servers"], forwarding: Forwarding, labels: readonly (string | undefined)[]): Servers {
  return {
    records: servers.map(({ ip, weight }) => ({ address: ip, weight, forwarding })),
    names: servers.map(({ ip }, index) => (labels[index] === undefined ? formatIpv4(ip) : `${formatIpv4(ip)} (${labels[index]})`)),
  };
}

/** What tasks are called, by network and address. */
function labelsOf(state: DockerState): ReadonlyMap<string, ReadonlyMap<number, string>> {
  const labels = new Map<string, Map<number, string>>();
  for (const container of state.containers) {
    for (const { network, ip } of container.endpoints) {
      const known = labels.get(network) ?? new Map<number, string>();
      labels.set(network, known.set(ip, containerLabel(state, container)));
    }
  }
  return labels;
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

const ofSandboxes = new WeakMap<ServiceSandboxState, { readonly direct: boolean; readonly firewall: FirewallState }>();

/** The rules in the sandbox of a load balancer. */
export function firewallOf(state: DockerState, host: HostState, sandbox: ServiceSandboxState): FirewallState {
  const direct = isDirect(state, host, sandbox);
  const known = ofSandboxes.get(sandbox);
  if (known?.direct === direct) return known.firewall;
  const [own] = sandbox.endpoints.filter(({ networkId }) => networkId === sandbox.networkId);
  const firewall = sandboxFirewall(RESOLVER_PORTS, own === undefined ? [] : balancerSteps(own, direct, sandbox.services));
  ofSandboxes.set(sandbox, { direct, firewall });
  return firewall;
}

function taskFirewalls(state: DockerState): readonly PlacedFirewall[] {
  const services = new Map(state.hosts.flatMap(({ swarm }) => swarm?.services ?? []).map((service) => [service.id, service]));
  const ingress = new Map(state.networks.filter((network) => network.ingress).reverse().map(({ host, id }) => [host, id]));
  return state.containers.flatMap((container) => {
    const service = services.get(container.spec.labels?.[SERVICE_ID_LABEL] ?? "");
    const endpoint = container.endpoints.find(({ networkId }) => networkId === ingress.get(container.host));
    if (service === undefined || endpoint === undefined || !container.running) return [];
    const firewall = taskFirewall(container, endpoint, service);
    return firewall === undefined ? [] : [{ place: `${container.host}/${container.name}`, firewall }];
  });
}

const ofTasks = new WeakMap<ContainerState, { readonly endpoint: EndpointState; readonly service: SwarmServiceState; readonly firewall: FirewallState | undefined }>();

/** The rules of a task on the ingress network; undefined: none. */
function taskFirewall(container: ContainerState, endpoint: EndpointState, service: SwarmServiceState): FirewallState | undefined {
  const known = ofTasks.get(container);
  if (known?.endpoint === endpoint && known.service === service) return known.firewall;
  const steps = redirectSteps(service.name, endpoint.ip, service.ports.filter(({ mode }) => mode === "ingress"));
  const firewall = steps.length === 0 ? undefined : sandboxFirewall(container.embeddedDns ? RESOLVER_PORTS : undefined, steps);
  ofTasks.set(container, { endpoint, service, firewall });
  return firewall;
}
