/** Random networks, traffic and frames, as plans that fast-check can shrink and that become programs in `buildPlan`. */
import fc from "fast-check";
import { LINK_LIMIT_DEFAULT } from "../../assembly/abi/limits";
import { NODE_COUNT } from "../../assembly/abi/node";
import { DeviceKind, FlowKind, RouteType, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { InjectedFrame, ObserveOptions } from "../../src/engine/engine";
import type { DatapathProgram, LinkRecord, ProgramPatch } from "../../src/engine/program";
import { arp, BROADCAST, ethernet, icmp, ipv4, type Mac, tcp, udp } from "./frame";
import { chance, type Endpoint, ip, MS, ProgramDraft, SECOND, US } from "./program";

export interface BridgePlan {
  readonly containers: number;
  readonly mtu: number;
  readonly hairpin: boolean;
  /** What a container's veth pair does, if it is not perfect. */
  readonly link: LinkRecord | null;
}

export interface HostPlan {
  readonly cpus: number;
  readonly backlog: number;
  readonly forwarding: boolean;
  readonly bridges: readonly BridgePlan[];
}

export interface CablePlan {
  readonly from: number;
  readonly to: number;
  readonly mtu: number;
  readonly link: LinkRecord;
}

/** Where a flow or a frame goes: to an endpoint, or where nobody is. */
export type TargetPlan =
  | { readonly to: "endpoint"; readonly index: number }
  | { readonly to: "neighbour" | "nowhere" | "loopback" | "broadcast" | "everyone" | "group" | "refused" };

export interface FlowPlan {
  readonly from: number;
  readonly target: TargetPlan;
  readonly protocol: number;
  readonly kind: FlowKind;
  readonly bytes: number;
  readonly responseBytes: number;
  readonly count: number;
  readonly dontFragment: boolean;
  readonly intervalNs: number;
  readonly closedLoop: boolean;
  readonly onNs: number;
  readonly offNs: number;
  readonly startNs: number;
  readonly durationNs: number;
  readonly thinkNs: number;
  readonly timeoutNs: number;
  readonly server: "sink" | "responder" | "none";
  /** Flows of the same receiver and port share its socket. */
  readonly port: number;
}

export interface FramePlan {
  readonly timeNs: number;
  readonly device: number;
  readonly kind: "noise" | "arp" | "udp" | "icmp" | "tcp" | "other";
  readonly from: number;
  readonly to: number;
  readonly flow: number;
  readonly broadcast: boolean;
  /** Feeds every choice that a kind of frame has. */
  readonly salt: number;
  readonly bytes: Uint8Array;
  /** Bytes that are changed afterwards: position (modulo the length) and value. */
  readonly mutations: readonly (readonly [number, number])[];
  /** Bytes cut off or (negative) appended at the end. */
  readonly cut: number;
}

export interface PatchPlan {
  readonly timeNs: number;
  readonly kind: "device" | "link" | "flow" | "append" | "socket";
  readonly index: number;
  readonly up: boolean;
  readonly link: LinkRecord;
  readonly flow: FlowPlan;
}

export interface Plan {
  readonly seed: number;
  readonly hosts: readonly HostPlan[];
  readonly cables: readonly CablePlan[];
  readonly flows: readonly FlowPlan[];
  readonly frames: readonly FramePlan[];
  readonly patches: readonly PatchPlan[];
  readonly packets: number;
  readonly fdb: number;
  readonly neighbours: number;
  readonly connections: number;
  readonly freeCosts: boolean;
  readonly copyCost: number;
  readonly ttl: number;
  readonly loopbackMtu: number;
  readonly traced: number;
  readonly recordDrops: boolean;
  readonly snaplen: number;
  readonly untilNs: number;
}

const mtu = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(1500, 1450) },
  { weight: 3, arbitrary: fc.integer({ min: 68, max: 1500 }) },
  { weight: 1, arbitrary: fc.constantFrom(68, 552, 576, 1400, 9000) },
);

const probability = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 0.3, noNaN: true }).map(chance) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
);

const link: fc.Arbitrary<LinkRecord> = fc.record({
  rateBps: fc.oneof(fc.constantFrom(0, 1e9, 1e10), fc.integer({ min: 10_000, max: 100_000_000 })),
  delayNs: fc.oneof(fc.constantFrom(0, 50 * US, 10 * MS), fc.integer({ min: 0, max: 200 * MS })),
  jitterNs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 * MS })),
  loss: probability,
  duplicate: probability,
  reorder: probability,
  limit: fc.oneof(fc.constant(LINK_LIMIT_DEFAULT), fc.integer({ min: 0, max: 8 })),
});

const host: fc.Arbitrary<HostPlan> = fc.record({
  cpus: fc.integer({ min: 1, max: 4 }),
  backlog: fc.oneof({ weight: 3, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 }) }),
  forwarding: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  bridges: fc.array(
    fc.record({
      containers: fc.integer({ min: 0, max: 4 }),
      mtu,
      hairpin: fc.boolean(),
      link: fc.option(link, { freq: 3 }),
    }),
    { maxLength: 3 },
  ),
});

const target: fc.Arbitrary<TargetPlan> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ to: fc.constant("endpoint" as const), index: fc.nat(63) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      to: fc.constantFrom("neighbour" as const, "nowhere" as const, "loopback" as const, "broadcast" as const, "everyone" as const, "group" as const, "refused" as const),
    }),
  },
);

const duration = fc.oneof(fc.constantFrom(1 * US, 1 * MS, 10 * MS, 100 * MS, SECOND), fc.integer({ min: 1 * US, max: 2 * SECOND }));
const messageBytes = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 1600 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 8000 }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 1448, 1460, 1472, 1473, 20_000, 65_507) },
);

const flow: fc.Arbitrary<FlowPlan> = fc.record({
  from: fc.nat(63),
  target,
  protocol: fc.constantFrom(PROTOCOL_UDP, PROTOCOL_TCP, PROTOCOL_ICMP),
  kind: fc.constantFrom(FlowKind.Constant, FlowKind.Poisson, FlowKind.OnOff, FlowKind.Request),
  bytes: messageBytes,
  responseBytes: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 9, arbitrary: messageBytes }),
  count: fc.oneof(fc.constant(NONE), fc.integer({ min: 0, max: 50 })),
  dontFragment: fc.boolean(),
  intervalNs: fc.oneof({ weight: 1, arbitrary: fc.integer({ min: 20 * US, max: 1 * MS }) }, { weight: 4, arbitrary: fc.integer({ min: 1 * MS, max: 300 * MS }) }, { weight: 1, arbitrary: fc.integer({ min: SECOND, max: 40 * SECOND }) }),
  closedLoop: fc.boolean(),
  onNs: duration,
  offNs: duration,
  startNs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: SECOND })),
  durationNs: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 3 * SECOND }) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 400 * SECOND }) }),
  thinkNs: fc.integer({ min: 1 * MS, max: 100 * MS }),
  timeoutNs: fc.oneof(fc.constantFrom(1 * MS, 100 * MS, SECOND), fc.integer({ min: 1, max: 3 * SECOND })),
  server: fc.constantFrom("sink" as const, "responder" as const, "responder" as const, "none" as const),
  port: fc.constantFrom(80, 9000, 9001),
});

const frame: fc.Arbitrary<FramePlan> = fc.record({
  timeNs: fc.integer({ min: 0, max: 3 * SECOND }),
  device: fc.nat(255),
  kind: fc.constantFrom("noise" as const, "arp" as const, "udp" as const, "icmp" as const, "tcp" as const, "tcp" as const, "other" as const),
  from: fc.nat(63),
  to: fc.nat(63),
  flow: fc.nat(31),
  broadcast: fc.oneof({ weight: 1, arbitrary: fc.constant(true) }, { weight: 4, arbitrary: fc.constant(false) }),
  salt: fc.integer(),
  bytes: fc.uint8Array({ maxLength: 120 }),
  mutations: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 4 }) },
  ),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -40, max: 80 }) }),
});

const patch: fc.Arbitrary<PatchPlan> = fc.record({
  timeNs: fc.integer({ min: 0, max: 3 * SECOND }),
  kind: fc.constantFrom("device" as const, "link" as const, "flow" as const, "append" as const, "socket" as const),
  index: fc.nat(255),
  up: fc.boolean(),
  link,
  flow,
});

/** How many of each thing a plan may have; smaller plans run faster. */
export interface PlanLimits {
  readonly flows?: number;
  readonly frames?: number;
  readonly patches?: number;
}

/** A whole simulation: hosts, bridges, containers, cables, flows, frames that somebody forges, and changes while it runs. */
export function arbitraryPlan({ flows = 6, frames = 12, patches = 3 }: PlanLimits = {}): fc.Arbitrary<Plan> {
  const rarelySmall = (usual: number, least: number, most: number) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.integer({ min: least, max: most }) });
  return fc.record({
    seed: fc.integer(),
    hosts: fc.array(host, { minLength: 1, maxLength: 3 }),
    cables: fc.array(fc.record({ from: fc.nat(7), to: fc.nat(7), mtu, link }), { maxLength: 3 }),
    flows: fc.array(flow, { minLength: 1, maxLength: flows }),
    frames: fc.array(frame, { maxLength: frames }),
    patches: fc.array(patch, { maxLength: patches }),
    packets: rarelySmall(512, 1, 40),
    fdb: rarelySmall(64, 1, 4),
    neighbours: rarelySmall(64, 1, 6),
    connections: rarelySmall(16, 1, 3),
    freeCosts: fc.boolean(),
    copyCost: fc.constantFrom(0, 51, 4096),
    ttl: fc.constantFrom(64, 64, 2, 1),
    loopbackMtu: fc.constantFrom(65_536, 16_436, 1500),
    traced: fc.nat(3),
    recordDrops: fc.boolean(),
    snaplen: fc.constantFrom(65_535, 64, 0),
    untilNs: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 10 * MS, max: 4 * SECOND }) },
      // Long enough for neighbours to grow stale, fragments to time out and connections to give up.
      { weight: 1, arbitrary: fc.integer({ min: 30 * SECOND, max: 400 * SECOND }) },
    ),
  });
}

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

/** Makes a program of a plan. Indices wrap around, so that a shrunken plan stays valid. */
export function buildPlan(plan: Plan): BuiltPlan {
  const { draft, endpoints, roots } = buildHosts(plan);
  const flows = plan.flows.map((flowPlan, i) => addFlow(draft, endpoints, flowPlan, 40_000 + i));
  const frameBytes = 14 + Math.max(200, ...draft.devices.filter(({ kind }) => kind !== DeviceKind.Loopback).map(({ mtu: bytes }) => bytes));
  const program = draft.program({
    capacity: {
      packets: plan.packets,
      fdb: plan.fdb,
      neighbours: plan.neighbours,
      connections: plan.connections,
      frameBytes,
      flows: plan.flows.length + plan.patches.length,
      sockets: draft.sockets.length + plan.patches.length,
      eventRecords: 1 << 16,
      captureBytes: 1 << 22,
    },
    copyCost: plan.copyCost,
    costs: plan.freeCosts ? Array.from({ length: NODE_COUNT }, () => 0) : undefined,
  });
  const captureDevices = program.devices.flatMap((_, index) => (index % 3 === plan.traced % 3 ? [index] : []));
  return {
    program,
    frames: plan.frames.map((framePlan) => buildFrame(framePlan, program, endpoints, frameBytes)),
    patches: buildPatches(plan, program, endpoints, roots),
    observe: {
      captureDevices,
      snaplen: plan.snaplen,
      recordDrops: plan.recordDrops,
      trace: plan.traced === 0 ? [] : flows.map((flowIndex) => ({ flow: flowIndex, packets: plan.traced })),
    },
  };
}

interface BuiltHosts {
  readonly draft: ProgramDraft;
  /** Every namespace that can send, with an address of its own. */
  readonly endpoints: readonly Endpoint[];
  readonly roots: readonly number[];
}

function buildHosts(plan: Plan): BuiltHosts {
  const draft = new ProgramDraft();
  const endpoints: Endpoint[] = [];
  const roots = plan.hosts.map(({ cpus, backlog, forwarding, bridges }, h) => {
    const root = draft.namespace(draft.host(cpus, backlog), { forwarding: forwarding ? 1 : 0, ttl: plan.ttl, loopbackMtu: plan.loopbackMtu });
    bridges.forEach((bridgePlan, b) => {
      const bridge = draft.bridge(root, `10.${h}.${b}.1`, 24, bridgePlan.mtu);
      endpoints.push({ namespace: root, device: bridge, port: bridge, ip: ip(`10.${h}.${b}.1`) });
      for (let c = 0; c < bridgePlan.containers; c++) {
        const { hairpin } = bridgePlan;
        const options = { prefix: 24, link: bridgePlan.link ?? undefined, hairpin, ttl: plan.ttl };
        endpoints.push(draft.container(bridge, `10.${h}.${b}.${c + 2}`, options));
      }
    });
    return root;
  });
  plan.cables.forEach((cablePlan, k) => addCable(plan, draft, roots, endpoints, cablePlan, k));
  const [root = 0] = roots;
  draft.route({ namespace: root, destination: ip("198.18.0.0"), prefix: 24, type: RouteType.Unreachable });
  draft.route({ namespace: root, destination: ip("198.18.1.0"), prefix: 24, type: RouteType.Prohibit });
  draft.route({ namespace: root, destination: ip("198.18.2.0"), prefix: 24, type: RouteType.Blackhole });
  if (endpoints.length === 0) endpoints.push({ namespace: root, device: 0, port: 0, ip: ip("127.0.0.1") });
  return { draft, endpoints, roots };
}

/** A cable between two hosts (or from a host to nobody), and the routes of each to the other's bridges. */
function addCable(plan: Plan, draft: ProgramDraft, roots: readonly number[], endpoints: Endpoint[], { from, to, mtu: bytes, link: record }: CablePlan, k: number): void {
  const a = from % roots.length;
  const b = to % roots.length;
  if (a === b) {
    const device = draft.device(roots[a], DeviceKind.Physical, { mtu: bytes }, `eth${k}`);
    draft.address(device, ip(`192.168.${k}.1`), 24);
    return;
  }
  const [left, right] = draft.cable(roots[a], roots[b], [`192.168.${k}.1`, `192.168.${k}.2`], 24, record, bytes);
  endpoints.push(left, right);
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

function flowFields(plan: FlowPlan, sourcePort: number) {
  const isPing = plan.protocol === PROTOCOL_ICMP;
  const isRequest = plan.kind === FlowKind.Request && !isPing;
  return {
    kind: isPing ? FlowKind.Ping : plan.kind,
    protocol: plan.protocol,
    destinationPort: isPing ? 0 : plan.port,
    sourcePort,
    bytes: plan.bytes,
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
  };
}

function addFlow(draft: ProgramDraft, endpoints: readonly Endpoint[], plan: FlowPlan, sourcePort: number): number {
  const from = endpoints[plan.from % endpoints.length];
  const role = plan.server === "sink" ? SocketRole.Sink : SocketRole.Responder;
  return draft.flow(from.namespace, destinationOf(endpoints, from, plan.target), { ...flowFields(plan, sourcePort), role, unserved: plan.server === "none" });
}

function buildPatches(plan: Plan, program: DatapathProgram, endpoints: readonly Endpoint[], roots: readonly number[]): TimedPatch[] {
  let flows = program.flows.length;
  let sockets = program.sockets.length;
  const planned = [...plan.patches].sort((a, b) => a.timeNs - b.timeNs);
  return planned.flatMap(({ timeNs, kind, index, up, link: record, flow: flowPlan }, i): TimedPatch[] => {
    const from = endpoints[flowPlan.from % endpoints.length];
    const to = destinationOf(endpoints, from, flowPlan.target);
    const fields = { ...flowFields(flowPlan, 50_000 + i), namespace: from.namespace, destination: to.ip };
    switch (kind) {
      case "device":
        return [{ timeNs, patch: { devices: [{ index: index % program.devices.length, up }] } }];
      case "link":
        return program.links.length === 0 ? [] : [{ timeNs, patch: { links: [{ index: index % program.links.length, record }] } }];
      case "flow":
        return [{ timeNs, patch: { flows: [{ index: index % program.flows.length, record: fields }] } }];
      case "append": {
        const client = { namespace: from.namespace, protocol: fields.protocol, ip: 0, port: fields.sourcePort, role: SocketRole.Client, flow: flows };
        return [{ timeNs, patch: { flows: [{ index: flows++, record: fields }], sockets: [{ index: sockets++, record: client }] } }];
      }
      case "socket": {
        const namespace = index % 2 === 0 ? to.namespace : roots[0];
        const server = { namespace, protocol: index % 3 === 0 ? PROTOCOL_TCP : PROTOCOL_UDP, ip: 0, port: flowPlan.port, role: index % 2, flow: NONE };
        return [{ timeNs, patch: { sockets: [{ index: sockets++, record: server }] } }];
      }
    }
  });
}

/** A frame that somebody forges on the wire of a device: sound or not, from and to addresses that exist. */
function buildFrame(plan: FramePlan, program: DatapathProgram, endpoints: readonly Endpoint[], frameBytes: number): InjectedFrame {
  const device = plan.device % program.devices.length;
  const from = endpoints[plan.from % endpoints.length];
  const to = endpoints[plan.to % endpoints.length];
  const flowRecord = program.flows[plan.flow % program.flows.length];
  const macOf = ({ device: index }: Endpoint): Mac => program.devices[index];
  const towards = plan.broadcast ? BROADCAST : plan.salt % 3 === 0 ? macOf(to) : program.devices[device];
  const source = macOf(from);
  const whole = forge(plan, { from, to, source, towards, target: macOf(to), flow: flowRecord });
  const length = Math.min(frameBytes, Math.max(0, whole.length - plan.cut));
  const bytes = new Uint8Array(length);
  bytes.set(whole.subarray(0, length));
  for (const [at, value] of plan.mutations) if (length > 0) bytes[at % length] = value;
  return { timeNs: plan.timeNs, device, bytes };
}

interface Forgery {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly source: Mac;
  readonly towards: Mac;
  readonly target: Mac;
  readonly flow: DatapathProgram["flows"][number];
}

function forge(plan: FramePlan, { from, to, source, towards, target, flow: flowRecord }: Forgery): Uint8Array {
  const { kind, salt, bytes } = plan;
  const pick = (shift: number, modulus: number) => (salt >>> shift) % modulus;
  const datagram = (protocol: number, payload: Uint8Array) =>
    ipv4(
      {
        source: from.ip,
        destination: to.ip,
        protocol,
        ttl: pick(3, 3) === 0 ? 1 : 64,
        id: pick(5, 4),
        fragment: pick(7, 3) === 0 ? [0x2000, 0x2001, 0x0002, 0x4000, 0x0004, 0x3fff, 0x1fff, 0x2002][pick(9, 8)] : 0,
        options: pick(12, 5) === 0 ? new Uint8Array(4 * (1 + pick(14, 10))) : undefined,
      },
      payload,
    );
  switch (kind) {
    case "noise":
      return pick(0, 2) === 0 ? bytes : ethernet(towards, source, 0x0800, bytes);
    case "arp": {
      const sender = { ...source, ip: pick(0, 5) === 0 ? 0 : from.ip };
      return arp(1 + pick(2, 2), sender, { ...target, ip: pick(4, 4) === 0 ? from.ip : to.ip }, towards);
    }
    case "udp": {
      const port = pick(0, 2) === 0 ? flowRecord.destinationPort : flowRecord.sourcePort;
      return ethernet(towards, source, 0x0800, datagram(17, udp(flowRecord.sourcePort, port, bytes)));
    }
    case "icmp":
      return ethernet(towards, source, 0x0800, datagram(1, forgeIcmp(pick, flowRecord, to, bytes)));
    case "tcp": {
      const [sourcePort, destinationPort] = pick(0, 2) === 0 ? [flowRecord.sourcePort, flowRecord.destinationPort] : [flowRecord.destinationPort, flowRecord.sourcePort];
      const flags = [2, 16, 18, 4, 20, 17, 1, 24, 3, 0][pick(1, 10)];
      const options = pick(13, 3) === 0 ? bytes.slice(0, 4 * Math.floor(bytes.length / 12)) : undefined;
      const segment = tcp({ source: from.ip, destination: to.ip, sourcePort, destinationPort, sequence: salt >>> 0, acknowledgement: pick(4, 1000), flags, window: pick(6, 3) * 1000, options }, pick(8, 2) === 0 ? bytes : undefined);
      return ethernet(towards, source, 0x0800, datagram(6, segment));
    }
    case "other":
      return ethernet(towards, source, pick(0, 3) === 0 ? 0x86dd : 0x0800, datagram(pick(2, 256), bytes));
  }
}

/** Echoes, and errors that quote what a flow sent. */
function forgeIcmp(pick: (shift: number, modulus: number) => number, flowRecord: Forgery["flow"], to: Endpoint, bytes: Uint8Array): Uint8Array {
  if (pick(0, 3) === 0) return icmp(pick(1, 2) === 0 ? 8 : 0, 0, (flowRecord.sourcePort << 16) | pick(2, 8), bytes);
  const transport = flowRecord.protocol === PROTOCOL_ICMP ? icmp(8, 0, flowRecord.sourcePort << 16, bytes) : udp(flowRecord.sourcePort, flowRecord.destinationPort, bytes);
  const quoted = ipv4({ source: to.ip, destination: flowRecord.destination, protocol: flowRecord.protocol }, transport);
  return icmp([3, 11, 3, 5][pick(16, 4)], [0, 1, 2, 3, 4, 13, 4][pick(18, 7)], [0, 68, 600, 1000, 0xffff][pick(21, 5)], quoted);
}

