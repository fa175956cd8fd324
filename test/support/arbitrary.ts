/** Random networks, traffic and frames, as plans that fast-check can shrink. `buildPlan` makes programs of them. */
import fc from "fast-check";
import { LINK_LIMIT_DEFAULT } from "../../assembly/abi/limits";
import { DEVICE_IPVLAN_PRIVATE, DEVICE_IPVLAN_VEPA, FlowKind } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { LinkRecord } from "../../src/engine/program";
import { service, type ServicePlan } from "./balancers";
import { arbitraryFirewalls, type FirewallPlan, smallFirewalls } from "./firewall";
import { arbitraryOverlays, arbitraryUnderlay, type OverlayPlan, type UnderlayPlan } from "./overlay";
import { process, type ProcessPlan, query, type QueryPlan } from "./processes";
import { arbitrarySeals, type SealPlan } from "./sealing";
import { CABLE, chance, MS, SECOND, US } from "./program";
import { RELOAD_ROOM } from "./reload";

export interface BridgePlan {
  readonly containers: number;
  readonly mtu: number;
  readonly hairpin: boolean;
  /** Ports take frames from the MAC at the other end only. */
  readonly secure: boolean;
  /** What a container's veth pair does, if it is not perfect. */
  readonly link: LinkRecord | null;
}

export interface HostPlan {
  readonly cpus: number;
  readonly backlog: number;
  readonly forwarding: boolean;
  readonly bridges: readonly BridgePlan[];
  readonly costless: boolean;
  readonly uppers: readonly UpperPlan[];
}

/** A device on top of another one of its host, or a dummy. */
export interface UpperPlan {
  readonly kind: "macvlan" | "ipvlan" | "vlan" | "dummy";
  /** Which of the host's devices it is on top of. */
  readonly lower: number;
  /** Modes and ids are few, so that they meet. */
  readonly mode: number;
  readonly id: number;
  readonly flags: number;
  readonly up: boolean;
  /** Of ipvlan: its address is in a network of its own, which other hosts have a route to. */
  readonly isFar: boolean;
  /** Of ipvlan: by how much its MTU is more than that of the device below. */
  readonly longer: number;
}

export interface CablePlan {
  readonly from: number;
  readonly to: number;
  readonly mtu: number;
  readonly link: LinkRecord;
}

/** Where a flow or a frame goes: to an endpoint, to one of the sender's own network, or where nobody is. */
export type TargetPlan =
  | { readonly to: "endpoint" | "mate"; readonly index: number }
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
  /** Of a query, and of an exchange. */
  readonly query: QueryPlan;
  readonly sourcePorts: number;
  readonly untilAnswer: boolean;
  readonly ttl: number;
  readonly firstSequence: number;
  /** It goes to one of the processes instead, and asks what that understands. */
  readonly process: number | null;
}

export interface FramePlan {
  readonly timeNs: number;
  readonly device: number;
  readonly kind: "noise" | "arp" | "udp" | "icmp" | "tcp" | "dns" | "other";
  /** It comes in a tunnel of one of the overlays. */
  readonly tunnel: number | null;
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
  /** An 802.1Q tag, unless it is 0. */
  readonly tag: number;
}

export interface PatchPlan {
  readonly timeNs: number;
  readonly kind: "device" | "link" | "flow" | "append" | "socket" | "process" | "conntrack" | "program";
  readonly index: number;
  readonly up: boolean;
  readonly link: LinkRecord;
  readonly flow: FlowPlan;
  /** What is different in a new program: see `changeProgram`. */
  readonly changes: readonly number[];
  readonly process: ProcessPlan;
}

export interface Plan {
  readonly seed: number;
  readonly firewalls: readonly FirewallPlan[];
  /** What a new program may bring instead. */
  readonly laterFirewalls: readonly FirewallPlan[];
  /** Virtual services of IPVS. */
  readonly services: readonly ServicePlan[];
  readonly conntrack: number;
  readonly ipvsConnections: number;
  readonly hosts: readonly HostPlan[];
  readonly cables: readonly CablePlan[];
  readonly overlays: readonly OverlayPlan[];
  readonly underlay: UnderlayPlan;
  readonly seals: readonly SealPlan[];
  /** Permanent entries of VXLAN devices, or fewer: then they learn little. */
  readonly vxlanRemotes: number;
  readonly flows: readonly FlowPlan[];
  readonly processes: readonly ProcessPlan[];
  readonly frames: readonly FramePlan[];
  readonly patches: readonly PatchPlan[];
  readonly packets: number;
  readonly fdb: number;
  readonly neighbours: number;
  readonly connections: number;
  readonly sessions: number;
  /** Nanoseconds of a node visit: `usual` differs from node to node. */
  readonly costs: "free" | "usual" | "slow";
  /** Two bridges of the first host are cabled together twice, so that what is flooded goes in circles. */
  readonly storm: boolean;
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
  jitterNs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 * MS }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
  ),
  loss: probability,
  duplicate: probability,
  reorder: probability,
  limit: fc.oneof(fc.constant(LINK_LIMIT_DEFAULT), fc.integer({ min: 0, max: 8 })),
});

/** Mostly one on which traffic gets far. */
const smooth: fc.Arbitrary<LinkRecord> = fc.oneof({ weight: 3, arbitrary: fc.constant(CABLE) }, { weight: 1, arbitrary: link });

const upper: fc.Arbitrary<UpperPlan> = fc.record({
  kind: fc.constantFrom("macvlan" as const, "macvlan" as const, "macvlan" as const, "ipvlan" as const, "ipvlan" as const, "vlan" as const, "dummy" as const),
  lower: fc.nat(15),
  mode: fc.nat(3),
  id: fc.integer({ min: 1, max: 2 }),
  flags: fc.constantFrom(0, 0, 0, DEVICE_IPVLAN_PRIVATE, DEVICE_IPVLAN_VEPA),
  up: fc.oneof({ weight: 7, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  isFar: fc.boolean(),
  longer: fc.constantFrom(0, 0, 0, 40, 400),
});

/** Mostly ipvlan in mode l3 or l3s. */
const routedUpper: fc.Arbitrary<UpperPlan> = fc
  .tuple(upper, fc.constantFrom(1, 2, 2))
  .map(([one, mode]) => (one.kind === "macvlan" || one.kind === "ipvlan" ? { ...one, kind: "ipvlan" as const, mode, isFar: one.isFar || one.id === 1 } : one));

const host: fc.Arbitrary<HostPlan> = fc.record({
  costless: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  uppers: fc.array(upper, { maxLength: 6 }),
  cpus: fc.integer({ min: 1, max: 4 }),
  backlog: fc.oneof({ weight: 3, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 }) }),
  forwarding: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  bridges: fc.array(
    fc.record({
      containers: fc.integer({ min: 0, max: 4 }),
      mtu,
      hairpin: fc.boolean(),
      secure: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      link: fc.option(link, { freq: 3 }),
    }),
    { maxLength: 3 },
  ),
});

/** Hosts whose containers are on networks of ipvlan. */
const routedHost: fc.Arbitrary<HostPlan> = fc
  .tuple(host, fc.array(routedUpper, { minLength: 1, maxLength: 5 }))
  .map(([one, uppers]) => ({ ...one, bridges: one.bridges.slice(0, 1), uppers }));

const mate: fc.Arbitrary<TargetPlan> = fc.record({ to: fc.constant("mate" as const), index: fc.nat(63) });

/** Below overlays: most that it could have would only be in the way. */
const plainHost: fc.Arbitrary<HostPlan> = host.map((one) => ({ ...one, bridges: one.bridges.slice(0, 1), uppers: one.uppers.slice(0, 1) }));

const target: fc.Arbitrary<TargetPlan> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ to: fc.constant("endpoint" as const), index: fc.nat(63) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      to: fc.constantFrom(
        "neighbour" as const,
        "nowhere" as const,
        "loopback" as const,
        "broadcast" as const,
        "everyone" as const,
        "group" as const,
        "refused" as const,
      ),
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
  kind: fc.constantFrom(FlowKind.Constant, FlowKind.Poisson, FlowKind.OnOff, FlowKind.Request, FlowKind.Exchange, FlowKind.Query),
  bytes: messageBytes,
  responseBytes: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 9, arbitrary: messageBytes }),
  count: fc.oneof(fc.constant(NONE), fc.integer({ min: 0, max: 50 })),
  dontFragment: fc.boolean(),
  intervalNs: fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 20 * US, max: 1 * MS }) },
    { weight: 4, arbitrary: fc.integer({ min: 1 * MS, max: 300 * MS }) },
    { weight: 1, arbitrary: fc.integer({ min: SECOND, max: 40 * SECOND }) },
  ),
  closedLoop: fc.boolean(),
  onNs: duration,
  offNs: duration,
  startNs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: SECOND })),
  durationNs: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 3 * SECOND }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 400 * SECOND }) },
  ),
  thinkNs: fc.integer({ min: 1 * MS, max: 100 * MS }),
  timeoutNs: fc.oneof(fc.constantFrom(1 * MS, 100 * MS, SECOND), fc.integer({ min: 1, max: 3 * SECOND })),
  server: fc.constantFrom("sink" as const, "responder" as const, "responder" as const, "none" as const),
  port: fc.constantFrom(80, 80, 9000, 9001, 53),
  query,
  sourcePorts: fc.integer({ min: 1, max: 4 }),
  process: fc.option(fc.nat(15), { freq: 2 }),
  ttl: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 2, 3, 255) }),
  firstSequence: fc.constantFrom(0, 0, 1, 65_530),
  untilAnswer: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

/** Most stay in the sender's overlay. */
const insideFlow: fc.Arbitrary<FlowPlan> = fc
  .tuple(flow, fc.option(mate, { freq: 4 }), fc.constantFrom(FlowKind.Constant, FlowKind.Request))
  .map(([one, to, kind]) => (to === null ? one : { ...one, target: to, process: null, kind: one.kind === FlowKind.Query ? kind : one.kind }));

const frame: fc.Arbitrary<FramePlan> = fc.record({
  timeNs: fc.integer({ min: 0, max: 3 * SECOND }),
  device: fc.nat(255),
  kind: fc.constantFrom(
    "noise" as const,
    "arp" as const,
    "udp" as const,
    "icmp" as const,
    "tcp" as const,
    "tcp" as const,
    "dns" as const,
    "other" as const,
  ),
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
  tag: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 0xffff }) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 }) }),
  tunnel: fc.option(fc.nat(63), { freq: 3 }),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -40, max: 80 }) }),
});

const patch: fc.Arbitrary<PatchPlan> = fc.record({
  timeNs: fc.integer({ min: 0, max: 3 * SECOND }),
  kind: fc.constantFrom(
    "device" as const,
    "link" as const,
    "flow" as const,
    "append" as const,
    "socket" as const,
    "process" as const,
    "conntrack" as const,
    "program" as const,
    "program" as const,
    "program" as const,
  ),
  index: fc.nat(255),
  up: fc.boolean(),
  link,
  flow,
  changes: fc.array(fc.nat(), { maxLength: RELOAD_ROOM }),
  process,
});

/** How many of each thing a plan may have; smaller plans run faster. */
export interface PlanLimits {
  readonly processes?: number;
  readonly flows?: number;
  readonly frames?: number;
  readonly patches?: number;
  /** Every plan has a loop of bridges. */
  readonly storm?: boolean;
  /** Small: with rules that the small build of the Wasm engine knows. */
  readonly firewalls?: boolean | "small";
  readonly overlays?: boolean;
  readonly seals?: boolean;
  readonly services?: number;
  /** Containers of ipvlan in mode l3 and l3s. */
  readonly routed?: boolean;
}

/** A whole simulation: hosts, bridges, containers, cables, flows, frames that somebody forges, and changes while it runs. */
export function arbitraryPlan({ processes = 4, flows = 6, frames = 12, patches = 3, storm = false, firewalls = false, overlays = false, seals = false, services = 0, routed = false }: PlanLimits = {}): fc.Arbitrary<Plan> {
  const rarelySmall = (usual: number, least: number, most: number) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.integer({ min: least, max: most }) });
  const walls = firewalls === false ? fc.constant([]) : firewalls === "small" ? smallFirewalls : arbitraryFirewalls;
  return fc.record({
    seed: fc.integer(),
    hosts: routed ? fc.array(routedHost, { minLength: 2, maxLength: 2 }) : overlays ? fc.array(plainHost, { minLength: 2, maxLength: 3 }) : fc.array(host, { minLength: 1, maxLength: 3 }),
    seals: seals ? arbitrarySeals : fc.constant([]),
    overlays: overlays ? arbitraryOverlays : fc.constant([]),
    underlay: arbitraryUnderlay,
    vxlanRemotes: rarelySmall(64, 0, 4),
    cables: routed
      ? fc.array(fc.record({ from: fc.constant(0), to: fc.nat(1), mtu, link: smooth }), { minLength: 1, maxLength: 2 })
      : fc.array(fc.record({ from: fc.nat(7), to: fc.nat(7), mtu, link }), { maxLength: 3 }),
    flows: fc.array(overlays ? insideFlow : flow, { minLength: services > 0 ? Math.min(flows, 5) : 1, maxLength: flows }),
    processes: fc.array(process, { maxLength: processes }),
    frames: fc.array(frame, { maxLength: frames }),
    patches: fc.array(patch, { maxLength: patches }),
    firewalls: walls,
    laterFirewalls: patches > 0 ? walls : fc.constant([]),
    services: fc.array(service, { minLength: Math.min(services, 1), maxLength: services }),
    conntrack: rarelySmall(64, 0, 6),
    ipvsConnections: rarelySmall(64, 0, 4),
    packets: rarelySmall(512, 1, 40),
    fdb: rarelySmall(64, 1, 4),
    neighbours: rarelySmall(64, 1, 6),
    connections: rarelySmall(24, 1, 5),
    sessions: rarelySmall(16, 0, 2),
    costs: fc.constantFrom("free" as const, "usual" as const, "usual" as const, "slow" as const),
    storm: fc.constant(storm),
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
