/** Random virtual services (IPVS): balancers among the namespaces of a random network, as Docker makes them and otherwise. */
import fc from "fast-check";
import { Forwarding, Scheduler } from "../../assembly/abi/ipvs";
import { Hook, Table, Target } from "../../assembly/abi/netfilter";
import { DEVICE_ARP_IGNORE, DeviceKind, RouteType, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import type { DatapathProgram, RealServerRecord, VirtualServiceRecord } from "../../src/engine/program";
import type { FlowPlan } from "./arbitrary";
import { NONE } from "../../assembly/abi/version";
import { type Endpoint, ipText, MS, type ProgramDraft } from "./program";
import { addChain, type RuleSpec } from "./rules";

interface ServerPlan {
  readonly endpoint: number;
  readonly weight: number;
  readonly forwarding: Forwarding;
}

/** Everything that chooses is a number, which wraps around. */
export interface ServicePlan {
  readonly balancer: number;
  readonly mark: number;
  readonly servers: readonly ServerPlan[];
  /** What a new program makes of it; none: it is gone. */
  readonly laterServers: readonly ServerPlan[] | null;
  /** Packets for a port are marked on their way in, whatever their destination, as those of a published port. */
  readonly publishes: boolean;
  readonly source: "kept" | "balancer" | "masqueraded";
  /** Whether only packets that were balanced get another source. */
  readonly asksIpvs: boolean;
}

const server: fc.Arbitrary<ServerPlan> = fc.record({
  // Those of the sound bridge more often than others.
  endpoint: fc.oneof(fc.nat(5), fc.nat(63)),
  weight: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(7) }),
  forwarding: fc.oneof({ weight: 6, arbitrary: fc.constant(Forwarding.Masquerade) }, { weight: 1, arbitrary: fc.constant(Forwarding.DirectRoute) }),
});

const servers = fc.oneof({ weight: 5, arbitrary: fc.array(server, { minLength: 2, maxLength: 5 }) }, { weight: 1, arbitrary: fc.array(server, { maxLength: 1 }) });

export const service: fc.Arbitrary<ServicePlan> = fc.record({
  balancer: fc.nat(63),
  mark: fc.integer({ min: 1, max: 3 }),
  servers,
  laterServers: fc.option(servers, { freq: 5 }),
  publishes: fc.boolean(),
  source: fc.constantFrom("kept" as const, "balancer" as const, "balancer" as const, "masqueraded" as const),
  asksIpvs: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

/** A service with the place where it is. */
export interface PlacedService extends ServicePlan {
  readonly at: Endpoint;
  readonly virtual: number;
}

/** Containers of the bridge that is always there. */
const SOUND = 6;

/** Gives balancers their virtual addresses. Endpoints get those as well, so that flows and forged frames meet them. */
export function placeServices(draft: ProgramDraft, plans: readonly ServicePlan[], endpoints: Endpoint[], roots: number[]): PlacedService[] {
  if (plans.length === 0) return [];
  // Random networks are a hard place: one bridge is sound, so that connections live long enough to meet what comes later.
  // Every second time it is also on a host of its own, whose CPU is never too busy.
  const isApart = plans.length % 2 !== 0 && draft.hosts.length === roots.length;
  if (isApart) roots.push(draft.namespace(draft.host(), { forwarding: 1 }));
  const place = roots[isApart ? roots.length - 1 : 0];
  const bridge = draft.bridge(place, "10.200.0.1", 24);
  const sound = Array.from({ length: SOUND }, (_, i) => draft.container(bridge, `10.200.0.${2 + i}`, { prefix: 24 }));
  endpoints.unshift(...sound);
  // Containers have a MAC and a network of their own, as sandboxes do; hosts are there as well.
  const candidates = [...sound, ...endpoints.filter(({ device, port }) => device !== port), ...endpoints];
  const known = new Set<string>();
  return plans.flatMap((plan, index): PlacedService[] => {
    const at = candidates[plan.balancer % 2 === 0 ? (plan.balancer >>> 1) % SOUND : plan.balancer % candidates.length];
    const key = `${at.namespace} ${plan.mark}`;
    if (known.has(key) || draft.devices[at.device]?.namespace !== at.namespace) return [];
    known.add(key);
    const virtual = ((at.ip & ~255) | (240 + index)) >>> 0;
    draft.namespaces[at.namespace] = { ...draft.namespaces[at.namespace], forwarding: 1 };
    // On lo as those who answer directly have it, and then ARP may be told to keep silent about it.
    const isInside = plan.mark === 3;
    const lo = draft.devices.findIndex(({ namespace, kind }) => namespace === at.namespace && kind === DeviceKind.Loopback);
    draft.addresses.push({ device: isInside ? lo : at.device, ip: virtual, prefix: 32 });
    if (plan.asksIpvs === isInside) draft.devices[at.device] = { ...draft.devices[at.device], flags: draft.devices[at.device].flags | DEVICE_ARP_IGNORE };
    draft.route({ namespace: at.namespace, destination: virtual, prefix: 32, type: RouteType.Local, device: at.device, source: at.ip });
    const endpoint = { ...at, ip: virtual };
    endpoints.push(endpoint, endpoint, endpoint);
    return [{ ...plan, at, virtual }];
  });
}

/** A flow that has a chance to get somewhere, and more than once. */
function soften({ bytes, startNs, durationNs, intervalNs, server: role }: FlowPlan): Partial<FlowPlan> {
  const [shortest, longest] = [200 * MS, 20 * MS];
  return {
    bytes: 1 + (bytes % 1400),
    dontFragment: false,
    startNs: startNs % shortest,
    durationNs: Math.max(durationNs, shortest),
    intervalNs: Math.min(intervalNs, longest),
    count: NONE,
    ttl: 0,
    untilAnswer: false,
    server: role === "none" ? "responder" : role,
  };
}

/** Two flows of three ask a virtual address if there is one. */
export function aimAtServices(flow: FlowPlan, index: number, services: readonly PlacedService[], endpoints: readonly Endpoint[]): FlowPlan {
  if (services.length === 0 || index % 3 === 2) return flow;
  const { virtual, at } = services[(flow.from + index) % services.length];
  // What a balancer sends itself is not balanced; clients are its neighbours more often than not.
  const isNear = (endpoint: Endpoint) => ((endpoint.ip ^ at.ip) & ~255) === 0;
  const others = endpoints.flatMap((endpoint, i) => (endpoint.namespace !== at.namespace && (index % 3 === 1 || isNear(endpoint)) ? [i] : []));
  const from = others.length === 0 ? flow.from : others[flow.from % others.length];
  return { ...flow, ...(index % 3 === 0 && soften(flow)), from, process: null, target: { to: "endpoint", index: endpoints.findIndex(({ ip }) => ip === virtual) } };
}

/** Processes of the real servers, where flows ask a virtual address. */
export function serveServices(draft: ProgramDraft, services: readonly PlacedService[], endpoints: readonly Endpoint[]): void {
  for (const { protocol, destination, destinationPort } of draft.flows) {
    for (const { virtual, servers: list } of services) {
      if (virtual !== destination || destinationPort === 0) continue;
      const isPlain = (role: SocketRole) => role === SocketRole.Sink || role === SocketRole.Responder;
      const asked = draft.sockets.find(({ port, protocol: own, role }) => port === destinationPort && own === protocol && isPlain(role));
      for (const { endpoint } of list) {
        const { namespace } = endpoints[endpoint % endpoints.length];
        const isServed = draft.sockets.some((socket) => socket.namespace === namespace && socket.protocol === protocol && socket.port === destinationPort);
        if (asked !== undefined && !isServed) draft.socket({ ...asked, namespace, ip: 0 });
      }
    }
  }
}

const PUBLISHED = 9000;

/** The chains of balancers that have no firewall of their own; those must do with the marks that they make. */
export function filterServices(draft: ProgramDraft, services: readonly PlacedService[], filtered: ReadonlySet<number>): void {
  for (const namespace of new Set(services.map(({ at }) => at.namespace))) {
    if (filtered.has(namespace)) continue;
    const own = services.filter(({ at }) => at.namespace === namespace);
    const marked = (setMark: number): RuleSpec => ({ target: Target.Mark, setMark: [setMark, 0xffffffff] });
    const published = own.filter(({ publishes }) => publishes);
    addChain(draft, namespace, {
      table: Table.Mangle,
      hook: Hook.Prerouting,
      rules: published.flatMap(({ mark }) => [PROTOCOL_TCP, PROTOCOL_UDP].map((protocol) => ({ protocol, destinationPort: PUBLISHED + mark - 1, ...marked(mark) }))),
    });
    addChain(draft, namespace, {
      table: Table.Mangle,
      hook: Hook.Input,
      rules: own.map(({ virtual, mark }) => ({ destination: ipText(virtual), ...marked(mark) })),
    });
    const translated = own.flatMap(({ source, at, asksIpvs, virtual }): RuleSpec[] => {
      if (source === "kept") return [];
      const target = source === "balancer" ? { target: Target.Snat, to: ipText(at.ip) } : { target: Target.Masquerade };
      return [{ ...(asksIpvs ? { ipvs: true } : { destination: `${ipText(virtual)}/24` }), ...target }];
    });
    if (translated.length > 0) addChain(draft, namespace, { table: Table.Nat, hook: Hook.Postrouting, rules: translated });
  }
}

/** The records of services: as they are at first, or as a new program has them. */
export function servicesOf(
  services: readonly PlacedService[],
  endpoints: readonly Endpoint[],
  isLater: boolean,
): Required<Pick<DatapathProgram, "virtualServices" | "realServers">> {
  const virtualServices: VirtualServiceRecord[] = [];
  const realServers: RealServerRecord[] = [];
  for (const { at, mark, servers: first, laterServers } of services) {
    const list = isLater ? laterServers : first;
    if (list === null) continue;
    const own = new Map<number, RealServerRecord>();
    for (const { endpoint, weight, forwarding } of list) {
      const address = endpoints[endpoint % endpoints.length].ip;
      if (!own.has(address)) own.set(address, { address, weight, forwarding });
    }
    virtualServices.push({ namespace: at.namespace, fwmark: mark, scheduler: Scheduler.RoundRobin, first: realServers.length, count: own.size });
    realServers.push(...own.values());
  }
  return { virtualServices, realServers };
}

/** Most real servers of any one program. */
export const serversMax = (services: readonly PlacedService[]) =>
  services.reduce((sum, { servers: first, laterServers }) => sum + Math.max(first.length, laterServers?.length ?? 0), 0);
