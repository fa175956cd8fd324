/** Makes programs, frames and patches of the plans in `arbitrary.ts`. Indices wrap around, so that a shrunken plan stays valid. */
import { VXLAN_FRAME_ROOM } from "../../assembly/abi/limits";
import { Family } from "../../assembly/abi/netfilter";
import { NODE_COUNT } from "../../assembly/abi/node";
import { DEVICE_BAD_OFFLOAD, DEVICE_UP, DeviceKind, FlowKind, RouteType, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { InjectedFrame, ObserveOptions } from "../../src/engine/engine";
import { queryBytes } from "../../src/engine/check-processes";
import type { AddressWords, ConntrackFilter, DatapathProgram, ProgramPatch } from "../../src/engine/program";
import type { CablePlan, FlowPlan, PatchPlan, Plan, TargetPlan, UpperPlan } from "./arbitrary";
import { buildFrame } from "./forge";
import { type Endpoint, ip, ProgramDraft } from "./program";
import { sealProgram } from "./sealing";
import { aimAtServices, filterServices, placeServices, serversMax, servicesOf, serveServices } from "./balancers";
import { addProcess, addZones, askProcess, type ProcessPlan, queriedName, replaceProcess } from "./processes";
import { buildFirewalls } from "./firewall";
import { addOverlays } from "./overlay";
import { changeProgram, RELOAD_ROOM } from "./reload";

/** A change at a time. */
export interface TimedPatch {
  readonly timeNs: number;
  readonly patch: ProgramPatch;
}

export interface BuiltPlan {
  readonly program: DatapathProgram;
  readonly frames: readonly InjectedFrame[];
  /** In the order of time. */
  readonly patches: readonly TimedPatch[];
  readonly observe: ObserveOptions;
}

export function buildPlan(plan: Plan): BuiltPlan {
  const { draft, endpoints, roots } = buildHosts(plan);
  const services = placeServices(draft, plan.services, endpoints, roots);
  const zones = addZones(draft);
  for (const processPlan of plan.processes) addProcess(draft, endpoints, roots, zones, processPlan);
  const flows = plan.flows.map((flowPlan, i) => addFlow(draft, endpoints, plan.processes, aimAtServices(flowPlan, i, services, endpoints), 40_000 + 4 * i));
  serveServices(draft, services, endpoints);
  // What a new program may give a VXLAN device fits as well.
  const least = plan.overlays.length === 0 ? 218 : 1450 + VXLAN_FRAME_ROOM;
  const frameBytes = Math.max(least, ...draft.devices.filter(({ kind }) => kind !== DeviceKind.Loopback).map(({ mtu: bytes, kind }) => bytes + (kind === DeviceKind.Vxlan ? VXLAN_FRAME_ROOM : 18)));
  const room = RELOAD_ROOM * plan.patches.length;
  const later = {
    ...rulesOf(draft, () => filterServices(draft, services, buildFirewalls(draft, plan.laterFirewalls, endpoints, roots))),
    ...servicesOf(services, endpoints, true),
  };
  filterServices(draft, services, buildFirewalls(draft, plan.firewalls, endpoints, roots));
  const first = servicesOf(services, endpoints, false);
  draft.virtualServices.push(...first.virtualServices);
  draft.realServers.push(...first.realServers);
  const plain = draft.program({
    capacity: {
      virtualServices: services.length,
      realServers: serversMax(services),
      ipvsConnections: plan.ipvsConnections,
      packets: plan.packets,
      fdb: plan.fdb,
      neighbours: plan.neighbours + draft.neighbours.length,
      connections: plan.connections,
      sessions: plan.sessions,
      vxlanRemotes: Math.max(plan.vxlanRemotes, draft.vxlanRemotes.length),
      conntrack: plan.conntrack,
      frameBytes,
      flows: plan.flows.length + room,
      sockets: draft.sockets.length + room,
      namespaces: draft.namespaces.length + room,
      devices: draft.devices.length + 2 * room,
      addresses: draft.addresses.length + room,
      routes: draft.routes.length + 3 * room,
      links: draft.links.length + room,
      eventRecords: 1 << 16,
      captureBytes: 1 << 22,
    },
    copyCost: plan.copyCost,
    costs: plan.costs === "usual" ? undefined : Array.from({ length: NODE_COUNT }, () => (plan.costs === "free" ? 0 : 100_000)),
  });
  const program = { ...plain, xfrm: sealProgram(plan.seals, endpoints, draft), cipherCost: plan.copyCost };
  const captureDevices = program.devices.flatMap((_, index) => (index % 3 === plan.traced % 3 ? [index] : []));
  return {
    program,
    frames: plan.frames.map((framePlan) => buildFrame(framePlan, program, endpoints, frameBytes)),
    patches: buildPatches(plan, program, endpoints, roots, later),
    observe: {
      captureDevices,
      snaplen: plan.snaplen,
      recordDrops: plan.recordDrops,
      trace: plan.traced === 0 ? [] : flows.map((flowIndex) => ({ flow: flowIndex, packets: plan.traced })),
    },
  };
}

type Rules = Pick<DatapathProgram, "chains" | "rules">;
/** What a new program may have instead. */
type Later = Rules & Pick<DatapathProgram, "virtualServices" | "realServers">;

/** The chains and rules that a call adds; the draft has none of them afterwards. */
function rulesOf(draft: ProgramDraft, build: () => void): Rules {
  build();
  return { chains: draft.chains.splice(0), rules: draft.rules.splice(0) };
}

interface BuiltHosts {
  readonly draft: ProgramDraft;
  /** Every namespace that can send, with an address of its own. */
  readonly endpoints: Endpoint[];
  readonly roots: number[];
}

function buildHosts(plan: Plan): BuiltHosts {
  const draft = new ProgramDraft();
  const endpoints: Endpoint[] = [];
  const roots = plan.hosts.map(({ cpus, backlog, forwarding, bridges, costless }, h) => {
    const root = draft.namespace(draft.host(cpus, backlog, costless ? 1 : 0), {
      forwarding: forwarding ? 1 : 0,
      ttl: plan.ttl,
      loopbackMtu: plan.loopbackMtu,
    });
    bridges.forEach((bridgePlan, b) => {
      const bridge = draft.bridge(root, `10.${h}.${b}.1`, 24, bridgePlan.mtu);
      endpoints.push({ namespace: root, device: bridge, port: bridge, ip: ip(`10.${h}.${b}.1`) });
      for (let c = 0; c < bridgePlan.containers; c++) {
        const { hairpin } = bridgePlan;
        const options = { prefix: 24, link: bridgePlan.link ?? undefined, hairpin, secure: bridgePlan.secure, ttl: plan.ttl };
        endpoints.push(draft.container(bridge, `10.${h}.${b}.${c + 2}`, options));
      }
    });
    return root;
  });
  plan.cables.forEach((cablePlan, k) => addCable(plan, draft, roots, endpoints, cablePlan, k));
  addOverlays(draft, roots, endpoints, plan.underlay, plan.overlays);
  plan.hosts.forEach(({ uppers }, h) => addUppers(draft, roots[h], h, endpoints, uppers));
  const [root = 0] = roots;
  if (plan.storm) addLoop(draft, root);
  draft.route({ namespace: root, destination: ip("198.18.0.0"), prefix: 24, type: RouteType.Unreachable });
  draft.route({ namespace: root, destination: ip("198.18.1.0"), prefix: 24, type: RouteType.Prohibit });
  draft.route({ namespace: root, destination: ip("198.18.2.0"), prefix: 24, type: RouteType.Blackhole });
  if (endpoints.length === 0) endpoints.push({ namespace: root, device: 0, port: 0, ip: ip("127.0.0.1") });
  return { draft, endpoints, roots };
}

/** Devices on top of a host's devices: macvlan and ipvlan in namespaces of their own, VLANs and dummies in the host's. */
function addUppers(draft: ProgramDraft, root: number, h: number, endpoints: Endpoint[], uppers: readonly UpperPlan[]): void {
  uppers.forEach(({ kind, lower, mode, id, flags, up, isFar, longer }, u) => {
    const lowers = draft.devices.flatMap((device, index) => (device.namespace === root && device.kind !== DeviceKind.Loopback ? [index] : []));
    const state = up ? DEVICE_UP | flags : flags;
    const own = ip(`10.${h}.${100 + u}.1`);
    if (kind === "dummy" || lowers.length === 0) {
      const device = draft.device(root, DeviceKind.Dummy, { flags: state }, `dm${u}`);
      draft.address(device, own, 24);
      return;
    }
    const parent = lowers[lower % lowers.length];
    const { mtu, macHigh, macLow } = draft.devices[parent];
    if (kind === "vlan") {
      const device = draft.device(root, DeviceKind.Vlan, { flags: state, mtu, macHigh, macLow, peer: parent, vlan: id }, `vlan${id}`);
      draft.address(device, ip(`10.250.${id}.${h + 1}`), 24);
      endpoints.push({ namespace: root, device, port: parent, ip: ip(`10.250.${id}.${h + 1}`) });
      return;
    }
    const namespace = draft.namespace(draft.namespaces[root].host);
    const isMacvlan = kind === "macvlan";
    const fields = { flags: state, mtu, peer: parent, mode: isMacvlan ? mode : mode % 3, ...(isMacvlan ? {} : { macHigh, macLow, mtu: mtu + longer }) };
    const device = draft.device(namespace, isMacvlan ? DeviceKind.Macvlan : DeviceKind.Ipvlan, fields, "eth0");
    // A neighbour of the lower device, if that has an address.
    const near = isFar && !isMacvlan ? undefined : draft.addresses.find((address) => address.device === parent);
    const address = near === undefined ? own : ((near.ip & ~255) | (150 + u)) >>> 0;
    draft.address(device, address, 24);
    draft.route({ namespace, device, gateway: isMacvlan || mode % 3 === 0 ? (near?.ip ?? 0) : 0 });
    draft.route({ namespace: root, destination: address, prefix: 32, device: parent });
    endpoints.push({ namespace, device, port: parent, ip: address });
  });
}

/** Two bridges that are joined by two veth pairs. */
function addLoop(draft: ProgramDraft, root: number): void {
  const bridges = [draft.bridge(root, "10.9.0.1", 24), draft.bridge(root, "10.9.1.1", 24)];
  for (let i = 0; i < 2; i++) {
    const [a, b] = bridges.map((master) => draft.device(root, DeviceKind.Veth, { master }, `loop${i}`));
    draft.pair(a, b);
  }
}

/** A cable between two hosts (or from a host to nobody), and the routes of each to the other's bridges. */
function addCable(
  plan: Plan,
  draft: ProgramDraft,
  roots: readonly number[],
  endpoints: Endpoint[],
  { from, to, mtu: bytes, link: record }: CablePlan,
  k: number,
): void {
  const a = from % roots.length;
  const b = to % roots.length;
  if (a === b) {
    const device = draft.device(roots[a], DeviceKind.Physical, { mtu: bytes }, `eth${k}`);
    draft.address(device, ip(`192.168.${k}.1`), 24);
    return;
  }
  const [left, right] = draft.cable(roots[a], roots[b], [`192.168.${k}.1`, `192.168.${k}.2`], 24, record, bytes);
  endpoints.push(left, right);
  // NICs that break tunnels are rare.
  if ((plan.ttl + plan.traced + k) % 7 === 0) draft.devices[left.device] = { ...draft.devices[left.device], flags: DEVICE_UP | DEVICE_BAD_OFFLOAD };
  const reach = (end: Endpoint, other: number, gateway: number) => {
    draft.route({ namespace: end.namespace, destination: ip(`10.${other}.0.0`), prefix: 16, device: end.device, gateway, metric: k % 2 });
    // Every second cable is a default route as well: packets for nowhere can go in circles between two hosts.
    if (k % 2 === 0) draft.route({ namespace: end.namespace, device: end.device, gateway, metric: plan.ttl });
  };
  reach(left, b, right.ip);
  reach(right, a, left.ip);
}

function destinationOf(endpoints: readonly Endpoint[], from: Endpoint, { to, ...rest }: TargetPlan): { ip: number; namespace: number } {
  switch (to) {
    case "endpoint": {
      const index = "index" in rest ? rest.index : 0;
      return endpoints[index % endpoints.length];
    }
    case "mate": {
      const mates = endpoints.filter(({ ip: other }) => (other & ~255) === (from.ip & ~255));
      return mates[("index" in rest ? rest.index : 0) % mates.length];
    }
    case "neighbour":
      return { ip: ((from.ip & ~255) | 77) >>> 0, namespace: from.namespace };
    case "nowhere":
      return { ip: ip("203.0.113.9"), namespace: from.namespace };
    case "loopback":
      return { ip: ip("127.0.0.1"), namespace: from.namespace };
    case "broadcast":
      return { ip: (from.ip | 255) >>> 0, namespace: from.namespace };
    case "everyone":
      return { ip: 0xffffffff, namespace: from.namespace };
    case "group":
      return { ip: ip("224.0.0.251"), namespace: from.namespace };
    case "refused":
      return { ip: ip(`198.18.${from.ip % 3}.7`), namespace: from.namespace };
  }
}

/** What a flow is like, and where it goes. */
function aim(plan: FlowPlan, endpoints: readonly Endpoint[], processes: readonly ProcessPlan[]) {
  const from = endpoints[plan.from % endpoints.length];
  if (plan.process === null || processes.length === 0) {
    const { protocol, kind, port, target } = plan;
    return { from, to: destinationOf(endpoints, from, target), protocol, kind, port };
  }
  return { from, ...askProcess(endpoints, processes[plan.process % processes.length], plan.from) };
}

type Aim = ReturnType<typeof aim>;

function flowFields(plan: FlowPlan, { protocol, kind: wanted, port }: Aim, sourcePort: number) {
  const isPing = protocol === PROTOCOL_ICMP;
  const isTcp = protocol === PROTOCOL_TCP;
  const isWrong = wanted === FlowKind.Exchange && !isTcp;
  const kind = isWrong ? FlowKind.Request : wanted;
  const isRequest = kind >= FlowKind.Request && !isPing;
  const isQuery = kind === FlowKind.Query && !isPing;
  return {
    kind: isPing ? FlowKind.Ping : kind,
    protocol,
    destinationPort: isPing ? 0 : port,
    sourcePort,
    bytes: isQuery ? queryBytes(queriedName(plan.query.name), { protocol, udpSize: plan.query.udpSize }) : plan.bytes,
    udpSize: isQuery ? plan.query.udpSize : 0,
    name: isQuery ? plan.query.name : NONE,
    queryType: plan.query.type,
    sourcePorts: plan.sourcePorts,
    untilAnswer: plan.untilAnswer ? 1 : 0,
    responseBytes: isRequest ? plan.responseBytes : 0,
    count: plan.count,
    dontFragment: plan.dontFragment ? 1 : 0,
    intervalNs: isRequest && plan.closedLoop ? 0 : plan.intervalNs,
    onNs: plan.onNs,
    offNs: plan.offNs,
    startNs: plan.startNs,
    stopNs: plan.startNs + plan.durationNs,
    thinkNs: plan.thinkNs,
    timeoutNs: plan.timeoutNs,
    ttl: plan.ttl,
    firstSequence: plan.firstSequence,
  };
}

function addFlow(draft: ProgramDraft, endpoints: readonly Endpoint[], processes: readonly ProcessPlan[], plan: FlowPlan, sourcePort: number): number {
  const aimed = aim(plan, endpoints, processes);
  const role = plan.server === "sink" ? SocketRole.Sink : SocketRole.Responder;
  return draft.flow(aimed.from.namespace, aimed.to, { ...flowFields(plan, aimed, sourcePort), role, unserved: plan.server === "none" });
}

/** Follows the program through the changes, so that the next one builds on all before it. */
function buildPatches(
  plan: Plan,
  program: DatapathProgram,
  endpoints: readonly Endpoint[],
  roots: readonly number[],
  later: Later,
): TimedPatch[] {
  let current = program;
  const planned = [...plan.patches].sort((a, b) => a.timeNs - b.timeNs);
  return planned.flatMap((planOf, i): TimedPatch[] => {
    const patch = buildPatch(planOf, i, current, endpoints, roots, later);
    if (patch === undefined) return [];
    current = patch.program ?? { ...current, flows: written(current.flows, patch.flows), sockets: written(current.sockets, patch.sockets) };
    return [{ timeNs: planOf.timeNs, patch }];
  });
}

/** Entries that go, by what flows and addresses there are. */
function conntrackFilter(endpoints: readonly Endpoint[], roots: readonly number[], flows: DatapathProgram["flows"], choice: number): ConntrackFilter {
  const [asks, rest] = [choice % 16, Math.floor(choice / 16)];
  const flow = flows[rest % Math.max(1, flows.length)];
  const address = (salt: number): AddressWords => [endpoints[(rest + salt) % endpoints.length].ip, 0, 0, 0];
  return {
    namespace: rest % 5 === 4 ? endpoints[rest % endpoints.length].namespace : roots[rest % roots.length],
    family: Family.Ipv4,
    ...(asks & 1 && { protocol: flow?.protocol ?? PROTOCOL_UDP }),
    ...(asks & 2 && { originalPort: flow?.destinationPort ?? 0 }),
    ...(asks & 4 && { originalDestination: flow && rest % 2 === 0 ? ([flow.destination, 0, 0, 0] as const) : address(1) }),
    ...(asks & 8 && { replyEnd: address(0) }),
  };
}

function written<T>(records: readonly T[], entries: readonly { readonly index: number; readonly record: T }[] = []): T[] {
  const copy = [...records];
  for (const { index, record } of entries) copy[index] = record;
  return copy;
}

function buildPatch(
  { kind, index, up, link: record, flow: flowPlan, changes, process }: PatchPlan,
  i: number,
  { flows, sockets, devices, links, ...rest }: DatapathProgram,
  endpoints: readonly Endpoint[],
  roots: readonly number[],
  later: Later,
): ProgramPatch | undefined {
  const aimed = aim(flowPlan, endpoints, [process]);
  const { from, to } = aimed;
  const fields = { ...flowFields(flowPlan, aimed, 50_000 + 4 * i), namespace: from.namespace, destination: to.ip };
  const { namespace, protocol, sourcePort } = fields;
  switch (kind) {
    case "program": {
      const program = { ...changeProgram({ flows, sockets, devices, links, ...rest }, changes, record), ...(index % 2 === 0 && later) };
      return { program, ...(index % 3 === 0 && { conntrack: [conntrackFilter(endpoints, roots, flows, index >>> 1)] }) };
    }
    case "conntrack":
      return { conntrack: [index, ...changes].map((choice) => conntrackFilter(endpoints, roots, flows, choice)) };
    case "device":
      return { devices: [{ index: index % devices.length, up }] };
    case "process": {
      const replaced = replaceProcess({ flows, sockets, devices, links, ...rest }, endpoints, process);
      return replaced && { sockets: [replaced] };
    }
    case "link":
      return links.length === 0 ? undefined : { links: [{ index: index % links.length, record }] };
    case "flow":
      return { flows: [{ index: index % flows.length, record: fields }] };
    case "append": {
      const client = { namespace, protocol, ip: 0, port: sourcePort, role: SocketRole.Client, flow: flows.length };
      return { flows: [{ index: flows.length, record: fields }], sockets: [{ index: sockets.length, record: client }] };
    }
    case "socket": {
      const at = index % 2 === 0 ? to.namespace : roots[0];
      const socketProtocol = index % 3 === 0 ? PROTOCOL_TCP : PROTOCOL_UDP;
      const server = { namespace: at, protocol: socketProtocol, ip: 0, port: flowPlan.port, role: index % 2, flow: NONE };
      return { sockets: [{ index: sockets.length, record: server }] };
    }
  }
}
