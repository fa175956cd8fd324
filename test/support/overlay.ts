/** Overlay networks in programs for tests: what libnetwork makes of one on each of its hosts, right or wrong. */
import fc from "fast-check";
import { DEVICE_UP, DEVICE_VXLAN_L2MISS, DEVICE_VXLAN_L3MISS, DEVICE_VXLAN_LEARNING, DEVICE_VXLAN_PROXY, DeviceKind } from "../../assembly/abi/program";
import type { DatapathProgram, DeviceRecord, LinkRecord } from "../../src/engine/program";
import { BROADCAST, ethernet, ipv4, udp } from "./frame";
import { CABLE, chance, type Endpoint, ip, MS, type ProgramDraft, US } from "./program";

/** The flags that libnetwork gives a VXLAN device. */
export const VXLAN_FLAGS = DEVICE_VXLAN_LEARNING | DEVICE_VXLAN_PROXY | DEVICE_VXLAN_L2MISS | DEVICE_VXLAN_L3MISS;
export const VXLAN_PORT = 4789;
/** What VXLAN takes of the underlay's MTU. */
const OVERHEAD = 50;

export interface MemberOptions {
  /** The namespace that carries the frames, and its address in the eyes of the other hosts. */
  readonly underlay: number;
  readonly tunnel: number;
  readonly vni: number;
  readonly addresses: readonly string[];
  readonly port?: number;
  readonly mtu?: number;
  readonly flags?: number;
  readonly gateway?: string;
}

/** A host's part of an overlay network. */
export interface Member {
  readonly namespace: number;
  readonly bridge: number;
  readonly vxlan: number;
  readonly tunnel: number;
  readonly containers: readonly Endpoint[];
}

/** A namespace with `br0`, a VXLAN device and containers. */
export function addMember(draft: ProgramDraft, options: MemberOptions): Member {
  const { underlay, tunnel, vni, addresses, port = VXLAN_PORT, mtu = 1500 - OVERHEAD, flags = VXLAN_FLAGS, gateway = "10.0.1.1" } = options;
  const namespace = draft.namespace(draft.namespaces[underlay].host);
  const bridge = draft.bridge(namespace, gateway, 24, mtu);
  const fields = { flags: DEVICE_UP | flags, mtu, master: bridge, underlay, port, vni };
  const vxlan = draft.device(namespace, DeviceKind.Vxlan, fields, "vxlan0");
  const containers = addresses.map((address) => draft.container(bridge, address, { prefix: 24 }));
  return { namespace, bridge, vxlan, tunnel, containers };
}

/** Lets everybody know where the containers of the others are. */
export function joinMembers(draft: ProgramDraft, members: readonly Member[]): void {
  for (const { vxlan } of members) {
    for (const other of members) if (other.vxlan !== vxlan) for (const container of other.containers) tell(draft, vxlan, container, other.tunnel);
  }
}

/** A permanent neighbour and an entry of the forwarding database, as libnetwork makes them for a peer. */
export function tell(draft: ProgramDraft, vxlan: number, { device, ip: address }: Pick<Endpoint, "device" | "ip">, remote: number): void {
  const { macHigh, macLow } = draft.devices[device];
  draft.neighbours.push({ device: vxlan, ip: address, macHigh, macLow });
  draft.vxlanRemotes.push({ device: vxlan, macHigh, macLow, remote });
}

/** What is wrong with what a host knows of another one's container; most often nothing. */
export enum Knowledge {
  Right = 0,
  Nothing,
  NoRemote,
  NoNeighbour,
  /** The remote is the host itself, nobody, another host, the container itself. */
  OwnRemote,
  NobodysRemote,
  OthersRemote,
  InnerRemote,
  WrongMac,
}

/** The part of an overlay on one host; the parts are on one host after the other. */
export interface MemberPlan {
  readonly containers: number;
  readonly flags: number;
  readonly up: boolean;
  /** Added to the network's: hosts that disagree. */
  readonly vniOff: number;
  readonly portOff: number;
  /** Per peer, in turn. */
  readonly knowledge: readonly Knowledge[];
  /** A remote for every MAC that is not known. */
  readonly hasDefault: boolean;
}

export interface OverlayPlan {
  readonly vni: number;
  readonly mtu: number;
  readonly members: readonly MemberPlan[];
}

export interface UnderlayPlan {
  readonly mtu: number;
  readonly link: LinkRecord;
}

const mostly = <T>(usual: T, rare: fc.Arbitrary<T>, weight = 5) => fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: rare });

const member: fc.Arbitrary<MemberPlan> = fc.record({
  containers: fc.integer({ min: 1, max: 3 }),
  flags: mostly(VXLAN_FLAGS, fc.nat(15).map((bits) => bits * DEVICE_VXLAN_LEARNING), 3),
  up: mostly(true, fc.constant(false), 9),
  vniOff: mostly(0, fc.constant(1), 9),
  portOff: mostly(0, fc.constant(1), 15),
  knowledge: fc.array(mostly<Knowledge>(Knowledge.Right, fc.nat(8), 4), { minLength: 1, maxLength: 8 }),
  hasDefault: mostly(false, fc.constant(true), 4),
});

export const arbitraryOverlays: fc.Arbitrary<readonly OverlayPlan[]> = fc.array(
  fc.record({
    vni: fc.constantFrom(4097, 4098, 0xffffff),
    mtu: mostly(1450, fc.constantFrom(1400, 1500, 576, 9000)),
    members: fc.array(member, { minLength: 2, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 3 },
);

const LOSSY: LinkRecord = { ...CABLE, loss: chance(0.2), duplicate: chance(0.1), delayNs: MS, jitterNs: 400 * US };

export const arbitraryUnderlay: fc.Arbitrary<UnderlayPlan> = fc.record({
  mtu: mostly(1500, fc.constantFrom(1450, 1000, 576, 120, 68, 9000), 3),
  link: mostly(CABLE, fc.constant(LOSSY), 3),
});

/** A switch with all hosts on it, and the overlays above. What containers the overlays have are appended to `endpoints`. */
export function addOverlays(draft: ProgramDraft, roots: readonly number[], endpoints: Endpoint[], { mtu, link }: UnderlayPlan, plans: readonly OverlayPlan[]): void {
  if (plans.length === 0) return;
  const fabric = draft.namespace(draft.host(1, 1000, 1));
  const bridge = draft.device(fabric, DeviceKind.Bridge, { mtu }, "switch");
  const tunnels = roots.map((namespace, host) => {
    const nic = draft.device(namespace, DeviceKind.Physical, { mtu }, "eth9");
    const port = draft.device(fabric, DeviceKind.Physical, { mtu, master: bridge }, `port${host}`);
    draft.pair(nic, port, link);
    const address = ip(`172.31.0.${host + 1}`);
    draft.address(nic, address, 24);
    endpoints.push({ namespace, device: nic, port, ip: address });
    return address;
  });
  plans.forEach((plan, index) => addOverlay(draft, roots, tunnels, endpoints, plan, index));
}

/** The number, or the next one that no other device of the host has. */
export function freeVni(devices: readonly DeviceRecord[], underlay: number, port: number, vni: number): number {
  const isTaken = devices.some((device) => device.kind === DeviceKind.Vxlan && device.underlay === underlay && device.port === port && device.vni === vni);
  return isTaken ? freeVni(devices, underlay, port, (vni + 1) & 0xffffff) : vni;
}

function addOverlay(draft: ProgramDraft, roots: readonly number[], tunnels: readonly number[], endpoints: Endpoint[], { vni, mtu, members }: OverlayPlan, index: number): void {
  const subnet = `10.77.${index}`;
  const made = members.map(({ containers, flags, up, vniOff, portOff }, m) => {
    const where = (index + m) % roots.length;
    const addresses = Array.from({ length: containers }, (_, c) => `${subnet}.${10 * m + c + 2}`);
    const [underlay, port] = [roots[where], VXLAN_PORT + portOff];
    const own = freeVni(draft.devices, underlay, port, (vni + vniOff) & 0xffffff);
    const member = addMember(draft, { underlay, tunnel: tunnels[where], vni: own, port, mtu, flags, gateway: `${subnet}.1`, addresses });
    if (!up) draft.devices[member.vxlan] = { ...draft.devices[member.vxlan], flags };
    return member;
  });
  made.forEach(({ vxlan, tunnel }, m) => {
    const { knowledge, hasDefault } = members[m];
    const peers = made.flatMap((other) => (other.vxlan === vxlan ? [] : other.containers.map((container) => ({ container, remote: other.tunnel }))));
    peers.forEach(({ container, remote }, p) => know(draft, vxlan, container, { own: tunnel, remote, other: tunnels[p % tunnels.length] }, knowledge[p % knowledge.length]));
    if (hasDefault) draft.vxlanRemotes.push({ device: vxlan, macHigh: 0, macLow: 0, remote: tunnels[m % tunnels.length] });
  });
  for (const { containers, bridge, namespace } of made) {
    endpoints.push(...containers, ...containers, ...containers);
    endpoints.push({ namespace, device: bridge, port: bridge, ip: ip(`${subnet}.1`) });
  }
}

interface Places {
  readonly own: number;
  readonly remote: number;
  readonly other: number;
}

function know(draft: ProgramDraft, vxlan: number, container: Endpoint, { own, remote, other }: Places, knowledge: Knowledge): void {
  const { macHigh, macLow } = draft.devices[container.device];
  const places: Partial<Record<Knowledge, number>> = {
    [Knowledge.OwnRemote]: own,
    [Knowledge.NobodysRemote]: ip("172.31.0.99"),
    [Knowledge.OthersRemote]: other,
    [Knowledge.InnerRemote]: container.ip,
  };
  const isSilent = knowledge === Knowledge.Nothing;
  const mac = { macHigh, macLow: (macLow + (knowledge === Knowledge.WrongMac ? 1 : 0)) >>> 0 };
  if (!isSilent && knowledge !== Knowledge.NoNeighbour) draft.neighbours.push({ device: vxlan, ip: container.ip, ...mac });
  if (!isSilent && knowledge !== Knowledge.NoRemote) draft.vxlanRemotes.push({ device: vxlan, macHigh, macLow, remote: places[knowledge] ?? remote });
}

/** A frame in a datagram for one of the VXLAN devices, more or less; and the device of its host where it arrives. */
export function wrapFrame(inner: Uint8Array, { devices, addresses }: DatapathProgram, tunnel: number, salt: number): { readonly device: number; readonly bytes: Uint8Array } | undefined {
  const pick = (shift: number, modulus: number) => (salt >>> shift) % modulus;
  const vxlans = devices.filter(({ kind }) => kind === DeviceKind.Vxlan);
  if (vxlans.length === 0) return undefined;
  const { underlay = 0, port = 0, vni = 0 } = vxlans[tunnel % vxlans.length];
  const places = addresses.filter(({ device }) => devices[device].kind === DeviceKind.Physical);
  const own = [...places].reverse().find(({ device }) => devices[device].namespace === underlay);
  if (own === undefined) return undefined;
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  view.setUint32(0, pick(1, 8) === 0 ? salt : 0x0800_0000);
  view.setUint32(4, (((vni + (pick(4, 8) === 0 ? 1 : 0)) << 8) | (pick(7, 8) === 0 ? pick(3, 256) : 0)) >>> 0);
  const payload = Uint8Array.from([...header, ...inner]);
  const others = places.filter(({ device }) => devices[device].namespace !== underlay);
  const source = pick(10, 6) === 0 ? ip("172.31.0.99") : (others[pick(13, others.length)] ?? own).ip;
  const options = pick(16, 8) === 0 ? new Uint8Array(4 * (1 + pick(19, 10))) : undefined;
  const fragment = pick(22, 12) === 0 ? 0x2000 : 0;
  const datagram = ipv4({ source, destination: own.ip, protocol: 17, options, fragment }, udp(pick(5, 65_536), port, payload));
  return { device: own.device, bytes: ethernet(pick(8, 7) === 0 ? BROADCAST : devices[own.device], { macHigh: 0x0242, macLow: 7 }, 0x0800, datagram) };
}
