/** Random changes of a program that runs: what `ProgramPatch.program` may bring, as far as both engines must agree on it. */
import { DEVICE_HAIRPIN, DEVICE_UP, DeviceKind, FlowKind, RouteType, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import { type DatapathProgram, type DeviceRecord, type LinkRecord, NO_XFRM } from "../../src/engine/program";
import { freeVni } from "./overlay";
import { changeXfrm } from "./sealing";

/** Room that each reload may need in every table. */
export const RELOAD_ROOM = 8;

interface Draft extends Tables {
  /** Slots that nothing has had since the program before. */
  readonly free: number[];
  readonly neighboursMax: number;
  readonly vxlanRemotesMax: number;
}
type Tables = { -readonly [Table in "namespaces" | "devices" | "addresses" | "routes" | "neighbours" | "vxlanRemotes" | "links" | "sockets" | "flows"]: NonNullable<DatapathProgram[Table]>[number][] };
/** An index below `count`, from the plan. */
type Pick = (count: number) => number;
type Change = (draft: Draft, pick: Pick, link: LinkRecord) => void;

/** The program after the changes that the numbers choose; each number is a change and what it is about. */
export function changeProgram(program: DatapathProgram, choices: readonly number[], link: LinkRecord): DatapathProgram {
  const { namespaces, devices, addresses, routes, neighbours, vxlanRemotes = [], links, sockets, flows } = program;
  const draft: Draft = {
    namespaces: [...namespaces],
    devices: [...devices],
    addresses: [...addresses],
    routes: [...routes],
    neighbours: [...neighbours],
    vxlanRemotes: [...vxlanRemotes],
    links: [...links],
    sockets: [...sockets],
    flows: [...flows],
    free: devices.flatMap((device, index) => (isAlive(device) ? [] : [index])),
    neighboursMax: program.capacity.neighbours,
    vxlanRemotesMax: program.capacity.vxlanRemotes ?? 0,
  };
  let { xfrm = NO_XFRM } = program;
  for (const choice of choices) {
    let rest = Math.floor(choice / CHANGES.length);
    const pick: Pick = (count) => {
      const picked = rest % Math.max(1, count);
      rest = Math.floor(rest / Math.max(1, count)) + 7;
      return picked;
    };
    xfrm = changeXfrm(xfrm, pick);
    CHANGES[choice % CHANGES.length](draft, pick, link);
  }
  return { ...program, ...draft, xfrm, names: { ...program.names, devices: draft.devices.map((_, index) => `device${index}`) } };
}

function change<T>(records: T[], index: number, fields: Partial<T>): void {
  if (index < records.length) records[index] = { ...records[index], ...fields };
}

const isAlive = ({ kind }: DeviceRecord) => kind !== DeviceKind.Gone;

/** A device with one of the properties, or -1. */
function find(draft: Draft, pick: Pick, has: (device: DeviceRecord) => boolean): number {
  const found = draft.devices.flatMap((device, index) => (has(device) ? [index] : []));
  return found.length === 0 ? -1 : found[pick(found.length)];
}

function remove(draft: Draft, pick: Pick): void {
  const gone = find(draft, pick, isAlive);
  if (gone < 0) return;
  draft.devices = draft.devices.map((device, index) => {
    if (index === gone) return { ...device, kind: DeviceKind.Gone, flags: 0, peer: NONE, master: NONE, link: NONE };
    const peer = device.peer === gone ? NONE : device.peer;
    return { ...device, peer, master: device.master === gone ? NONE : device.master };
  });
  draft.addresses = draft.addresses.filter(({ device }) => device !== gone);
  draft.routes = draft.routes.filter(({ device }) => device !== gone);
  draft.neighbours = draft.neighbours.filter(({ device }) => device !== gone);
  draft.vxlanRemotes = draft.vxlanRemotes.filter(({ device }) => device !== gone);
}

/** A container comes to a bridge, in a device slot that is free if there is one. */
function add(draft: Draft, pick: Pick, link: LinkRecord): void {
  const bridge = find(draft, pick, ({ kind }) => kind === DeviceKind.Bridge);
  if (bridge < 0) return;
  const { namespace: outside, mtu } = draft.devices[bridge];
  const [subnet] = draft.addresses.filter(({ device }) => device === bridge);
  const { host } = draft.namespaces[outside];
  const namespace = draft.namespaces.push({ ...draft.namespaces[outside], host, forwarding: 0, ttl: 64 }) - 1;
  const ip = ((subnet === undefined ? 0x0a630000 : subnet.ip & ~255) | (20 + pick(200))) >>> 0;
  const own = (pick(2) === 0 ? draft.free.pop() : undefined) ?? draft.devices.length;
  const fields = { flags: DEVICE_UP, mtu, peer: NONE, master: NONE, link: draft.links.push(link) - 1, kind: DeviceKind.Veth };
  draft.devices[own] = { ...fields, namespace, macHigh: 0x0242, macLow: ip };
  const port = draft.devices.push({ ...fields, namespace: outside, macHigh: 0x0a42, macLow: ip, master: bridge, peer: own, link: NONE }) - 1;
  change(draft.devices, own, { peer: port });
  const route = { namespace, type: RouteType.Unicast, device: own, gateway: 0, source: ip, metric: 0 };
  draft.addresses.push({ device: own, ip, prefix: 24 });
  draft.routes.push({ ...route, destination: (ip & ~255) >>> 0, prefix: 24 }, { ...route, destination: ip, prefix: 32, type: RouteType.Local });
  draft.routes.push({ ...route, destination: 0, prefix: 0, gateway: subnet?.ip ?? 0, source: 0 });
  draft.sockets.push({ namespace, protocol: PROTOCOL_UDP, ip: 0, port: 9000, role: SocketRole.Responder, flow: NONE });
}

/** A flow whose record is as new as its sender. */
function send(draft: Draft, pick: Pick): void {
  const [model] = draft.flows;
  const to = draft.addresses[pick(draft.addresses.length)];
  if (model === undefined || to === undefined) return;
  const owner = draft.devices[to.device];
  if (pick(2) === 0 && owner !== undefined) {
    const announcement = { kind: FlowKind.Announce, protocol: 0, destinationPort: 0, bytes: 28, responseBytes: 0, count: 3, intervalNs: 1e8 };
    const stopNs = Number.MAX_SAFE_INTEGER - 1;
    draft.flows.push({ ...model, ...announcement, namespace: owner.namespace, destination: to.ip, sourcePort: 0, startNs: 0, stopNs });
    return;
  }
  const namespace = pick(draft.namespaces.length);
  const fields = { kind: FlowKind.Ping, protocol: PROTOCOL_ICMP, destinationPort: 0, bytes: 56, responseBytes: 0, count: 5, intervalNs: 2e7 };
  draft.flows.push({ ...model, ...fields, namespace, destination: to.ip, sourcePort: 30_000 + draft.flows.length });
}

/** A VXLAN device gets to know where somebody is, or where all are whom it does not know. */
function learnRemote(draft: Draft, pick: Pick): void {
  const device = find(draft, pick, ({ kind }) => kind === DeviceKind.Vxlan);
  if (device < 0 || draft.vxlanRemotes.length >= draft.vxlanRemotesMax) return;
  const { macHigh, macLow } = pick(4) === 0 ? { macHigh: 0, macLow: 0 } : draft.devices[pick(draft.devices.length)];
  const isKnown = draft.vxlanRemotes.some((remote) => remote.device === device && remote.macHigh === macHigh && remote.macLow === macLow);
  if (!isKnown) draft.vxlanRemotes.push({ device, macHigh, macLow, remote: 0xac1f_0001 + pick(4) });
}

const CHANGES: readonly Change[] = [
  remove,
  remove,
  add,
  add,
  send,
  (draft, pick) => change(draft.devices, find(draft, pick, isAlive), { flags: pick(3) === 0 ? 0 : DEVICE_UP | (pick(2) * DEVICE_HAIRPIN) }),
  (draft, pick) => change(draft.devices, find(draft, pick, isAlive), { macLow: 0x0a000000 + pick(64) }),
  (draft, pick) => {
    const port = find(draft, pick, ({ master }) => master !== NONE);
    const bridge = find(draft, pick, ({ kind, namespace }) => kind === DeviceKind.Bridge && namespace === draft.devices[port]?.namespace);
    if (port >= 0) change(draft.devices, port, { master: pick(4) === 0 ? NONE : bridge < 0 ? NONE : bridge });
  },
  (draft, pick) => {
    const bridge = find(draft, pick, ({ kind }) => kind === DeviceKind.Bridge);
    draft.devices = draft.devices.map((device) => (device.master === bridge ? { ...device, master: NONE } : device));
  },
  (draft, pick) => {
    draft.addresses.splice(pick(draft.addresses.length), 1);
  },
  (draft, pick) => {
    const [a, b] = [pick(draft.addresses.length), pick(draft.addresses.length)];
    if (a === b) return;
    const [one, other] = [draft.addresses[a], draft.addresses[b]];
    change(draft.addresses, a, { ip: other.ip });
    change(draft.addresses, b, { ip: one.ip });
  },
  (draft, pick) => {
    draft.routes.splice(pick(draft.routes.length), 1 + pick(3));
  },
  (draft, pick) => change(draft.routes, pick(draft.routes.length), { metric: pick(3) }),
  (draft, pick, link) => change(draft.links, pick(draft.links.length), link),
  (draft, pick) => change(draft.namespaces, pick(draft.namespaces.length), { forwarding: pick(2), ttl: 1 + pick(64) }),
  (draft, pick) => {
    const device = find(draft, pick, isAlive);
    const to = draft.addresses[pick(draft.addresses.length)];
    const hasRoom = draft.neighbours.length < draft.neighboursMax;
    if (device >= 0 && to !== undefined && hasRoom) draft.neighbours.push({ device, ip: to.ip, macHigh: 0x0242, macLow: to.ip });
  },
  (draft, pick) => {
    draft.neighbours.splice(pick(draft.neighbours.length), 1);
  },
  (draft, pick) => {
    draft.vxlanRemotes.splice(pick(draft.vxlanRemotes.length), 1 + pick(2));
  },
  (draft, pick) => change(draft.vxlanRemotes, pick(draft.vxlanRemotes.length), { remote: 0xac1f_0001 + pick(4) }),
  learnRemote,
  (draft, pick) => {
    const vxlan = find(draft, pick, ({ kind }) => kind === DeviceKind.Vxlan);
    if (vxlan < 0) return;
    const { underlay = 0, port = 0 } = draft.devices[vxlan];
    change(draft.devices, vxlan, { vni: freeVni(draft.devices, underlay, port, 4097 + pick(2)), mtu: 1450 - pick(3) * 50 });
  },
  (draft, pick) => change(draft.flows, pick(draft.flows.length), { intervalNs: 1e6 * (1 + pick(20)), count: 1 + pick(9) }),
  (draft, pick) => change(draft.sockets, pick(draft.sockets.length), { protocol: 0 }),
];
