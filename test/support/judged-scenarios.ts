/** Random scenarios for the kernel to judge: a router or bridge, rules, frames from both sides and answers to what came out. */
import { Drop } from "../../assembly/abi/drop";
import { CAPTURE_OUTBOUND } from "../../assembly/abi/event";
import { BRIDGE_NF_IPV4, DeviceKind } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import type { Engine } from "../../src/engine/engine";
import type { DatapathProgram } from "../../src/engine/program";
import { ethernet, icmp, ipv4, type Mac, repairChecksums, tcp, udp } from "./frame";
import { type JudgedScenario, type JudgedStep, restoreText } from "./judge";
import { Dice, type Places, randomChains } from "./judged-rules";
import { fourFrame, isDatagram6, sixRules, sixText } from "./judged-six";
import { ip, MS, ProgramDraft } from "./program";
import { addChain, type ChainSpec } from "./rules";
import { sixFrame, sixProgram } from "./six";

export interface PreparedScenario {
  readonly judged: JudgedScenario;
  /** What the engine sent out after each step: side and frame, as the kernel is asked for it. */
  readonly ours: readonly (readonly (readonly [side: number, frame: string])[])[];
}

const MAC_HIGH = 0x0200;
const ROUTER: readonly Mac[] = [0x00000101, 0x00000201].map((macLow) => ({ macHigh: MAC_HIGH, macLow }));
const BRIDGE: Mac = { macHigh: MAC_HIGH, macLow: 0x00000301 };

interface Host {
  readonly side: number;
  readonly ip: string;
  readonly mac: Mac;
}

interface World {
  readonly isBridge: boolean;
  readonly hosts: readonly Host[];
  readonly own: readonly string[];
  readonly program: DatapathProgram;
  /** The router's device on each side. */
  readonly devices: readonly [number, number];
  readonly restore: string;
}

const text = ({ macHigh, macLow }: Mac) =>
  [macHigh >>> 8, macHigh & 255, macLow >>> 24, (macLow >>> 16) & 255, (macLow >>> 8) & 255, macLow & 255]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(":");

function makeHosts(isBridge: boolean): Host[] {
  const host = (side: number, address: string): Host => ({ side, ip: address, mac: { macHigh: MAC_HIGH, macLow: ip(address) } });
  const far = isBridge ? ["10.1.0.4", "10.1.0.5"] : ["10.2.0.2", "10.2.0.3"];
  return [host(0, "10.1.0.2"), host(0, "10.1.0.3"), ...far.map((address) => host(1, address))];
}

function build(isBridge: boolean, chainsOf: (places: Places) => readonly ChainSpec[]): World {
  const draft = new ProgramDraft();
  const router = draft.namespace(draft.host(), { forwarding: 1, bridgeNf: BRIDGE_NF_IPV4 });
  const outside = draft.namespace(draft.host());
  const hosts = makeHosts(isBridge);
  const bridge = isBridge ? draft.device(router, DeviceKind.Bridge, BRIDGE, "br0") : undefined;
  const devices = ROUTER.map((mac, side) => {
    const device = draft.device(router, DeviceKind.Veth, { ...mac, master: bridge ?? NONE }, `r${side}`);
    draft.pair(device, draft.device(outside, DeviceKind.Veth, {}, `o${side}`));
    return device;
  }) as unknown as [number, number];
  const own = isBridge ? ["10.1.0.1"] : ["10.1.0.1", "10.2.0.1"];
  own.forEach((address, side) => draft.address(bridge ?? devices[side], ip(address), 24));
  for (const { side, ip: address, mac } of hosts) draft.neighbours.push({ device: bridge ?? devices[side], ip: ip(address), ...mac });
  const places: Places = {
    devices: bridge === undefined ? devices : [bridge],
    clients: hosts.flatMap(({ side, ip: address }) => (side === 0 ? [address] : [])),
    servers: hosts.flatMap(({ side, ip: address }) => (side === 1 ? [address] : [])),
    own,
    isBridge,
  };
  const chains = chainsOf(places);
  for (const chain of chains) addChain(draft, router, chain);
  const names = new Map<number, string>([[devices[0], "r0"], [devices[1], "r1"], ...(bridge === undefined ? [] : [[bridge, "br0"] as const])]);
  const restore = restoreText(chains, (device) => names.get(device) ?? "none0");
  return { isBridge, hosts, own, program: draft.program(), devices, restore };
}

/** Plays a scenario on an engine, choosing frames by chance and by what came out. */
export function prepare(engine: Engine, seed: number, isBridge: boolean, family: 4 | 6 = 4): PreparedScenario {
  const dice = new Dice(seed);
  const world = build(isBridge, (places) => randomChains(dice, places));
  const isSix = family === 6;
  engine.load(isSix ? sixProgram(world.program, { salt: 0, isReady: true }) : world.program, { seed: 1 });
  engine.observe({ captureDevices: world.devices, snaplen: 65_535, recordDrops: false, trace: [] });
  const steps: JudgedStep[] = [];
  const ours: (readonly [number, string])[][] = [];
  const seen: { readonly side: number; readonly bytes: Uint8Array }[] = [];
  for (let step = 0; step < 14; step++) {
    const answer = seen.length > 0 && !dice.once(3) ? answerTo(dice, world, seen[seen.length - 1 - dice.roll(Math.min(3, seen.length))]) : undefined;
    const { side, bytes: plain } = answer ?? freshFrame(dice, world, step);
    const bytes = isSix ? sixFrame({ timeNs: 0, device: 0, bytes: plain }, 0).bytes : plain;
    engine.inject([{ timeNs: step * MS, device: world.devices[side], bytes }]);
    engine.run((step + 1) * MS - 1, Infinity);
    const out = engine.drain().frames.filter(({ direction, reason }) => direction === CAPTURE_OUTBOUND && reason === Drop.None);
    // ARP is not what the kernel is asked about: who has a translated address, nobody knows.
    const datagrams = out.filter(({ bytes: frame }) => (isSix ? isDatagram6(frame) : frame[12] === 8 && frame[13] === 0));
    const sent = datagrams.map(({ device, bytes: frame }) => ({ side: world.devices.indexOf(device), bytes: frame }));
    seen.push(...sent.map(({ side: out6, bytes: frame }) => ({ side: out6, bytes: isSix ? fourFrame(frame) : frame })));
    ours.push(sent.map((frame) => [frame.side, hex(frame.bytes)] as const));
    steps.push({ side, frame: hex(bytes), expected: sent.length });
  }
  return { judged: describe(world, steps, family), ours };
}

function describe({ isBridge, hosts, own, restore }: World, steps: readonly JudgedStep[], family: 4 | 6): JudgedScenario {
  const isSix = family === 6;
  const written = (address: string) => (isSix ? sixText(address) : address);
  return {
    bridge: isBridge,
    family,
    bridgeMac: text(BRIDGE),
    macs: ROUTER.map(text),
    addresses: own.map((address, side) => [isBridge ? "br0" : `r${side}`, written(`${address}/24`)] as const),
    neighbours: hosts.map(({ side, ip: address, mac }) => [isBridge ? "br0" : `r${side}`, written(address), text(mac)] as const),
    rules: isSix ? sixRules(restore) : restore,
    steps,
  };
}

/** Whom a host writes a frame to that is for an address: the host that has it, or the router. */
function nextMac({ isBridge, hosts }: World, from: Host, destination: string): Mac {
  if (!isBridge) return ROUTER[from.side];
  return hosts.find(({ ip: address, side }) => address === destination && side !== from.side)?.mac ?? BRIDGE;
}

/** The first frame of something. Source ports belong to one host each, so that the kernel never has to look for another. */
function freshFrame(dice: Dice, world: World, step: number): { side: number; bytes: Uint8Array } {
  const { hosts, own } = world;
  const number = dice.roll(hosts.length);
  const from = hosts[number];
  const across = hosts.filter(({ side }) => side !== from.side).map(({ ip: address }) => address);
  const destination = dice.pick([...across, ...across, ...own]);
  const fields = { source: ip(from.ip), destination: ip(destination), ttl: dice.once(12) ? 1 : 64, id: step + 1 };
  const sourcePort = 1024 + number * 1000 + step;
  const destinationPort = dice.pick([80, 8080, 8081, 7]);
  const payload = new Uint8Array(dice.pick([8, 9, 40])).fill(step);
  const protocol = dice.pick([PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP]);
  const transport = () => {
    if (protocol === PROTOCOL_UDP) return udp(sourcePort, destinationPort, payload);
    if (protocol === PROTOCOL_ICMP) return icmp(8, 0, (sourcePort << 16) | 1, payload);
    const flags = dice.pick([2, 2, 2, 16, 18, 4, 17, 0]);
    return tcp({ ...fields, sourcePort, destinationPort, sequence: 1000, acknowledgement: flags === 2 ? 0 : 1, flags });
  };
  const bytes = ethernet(nextMac(world, from, destination), from.mac, 0x0800, ipv4({ ...fields, protocol }, transport()));
  if (protocol !== PROTOCOL_UDP || !dice.once(3)) repairChecksums(bytes);
  if (dice.once(20)) bytes[bytes.length - 1] ^= 1;
  return { side: from.side, bytes };
}

/** What the receiver of a frame says to it: the next step of its protocol, or an ICMP error about it. */
function answerTo(dice: Dice, world: World, { side, bytes }: { readonly side: number; readonly bytes: Uint8Array }): { side: number; bytes: Uint8Array } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [source, destination] = [view.getUint32(26), view.getUint32(30)];
  const from = world.hosts.find((host) => ip(host.ip) === destination && host.side === side);
  if (from === undefined || view.getUint16(12) !== 0x0800) return undefined;
  const quoted = bytes.slice(14);
  const protocol = quoted[9];
  const fields = { source: destination, destination: source, ttl: 64, id: 500 + dice.roll(1000) };
  const asked = [source >>> 24, (source >>> 16) & 255, (source >>> 8) & 255, source & 255].join(".");
  const wrap = (kind: number, transport: Uint8Array) => {
    const frame = ethernet(nextMac(world, from, asked), from.mac, 0x0800, ipv4({ ...fields, protocol: kind }, transport));
    repairChecksums(frame);
    return { side, bytes: frame };
  };
  const isError = protocol === PROTOCOL_ICMP && quoted[20] !== 8 && quoted[20] !== 0;
  if (!isError && dice.once(5)) return wrap(PROTOCOL_ICMP, icmp(dice.pick([3, 11]), dice.roll(2), 0, quoted.slice(0, dice.pick([28, 60]))));
  const ports = [view.getUint16(36), view.getUint16(34)] as const;
  if (protocol === PROTOCOL_UDP) return wrap(protocol, udp(...ports, new Uint8Array([1, 2, 3])));
  if (protocol === PROTOCOL_ICMP) return quoted[20] === 8 ? wrap(protocol, icmp(0, 0, view.getUint32(38), quoted.slice(28))) : undefined;
  const flags = quoted[33];
  const data = quoted.length - 20 - (quoted[32] >>> 4) * 4;
  const acknowledgement = view.getUint32(38) + data + ((flags & 3) !== 0 ? 1 : 0);
  const next = { 2: 18, 18: dice.pick([16, 17]), 16: dice.pick([16, 17, 20]), 17: 17 }[flags & 23];
  if (next === undefined) return undefined;
  return wrap(protocol, tcp({ ...fields, sourcePort: ports[0], destinationPort: ports[1], sequence: view.getUint32(42), acknowledgement, flags: next }));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
