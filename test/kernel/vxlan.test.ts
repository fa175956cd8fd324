import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Drop } from "../../assembly/abi/drop";
import { CAPTURE_INBOUND } from "../../assembly/abi/event";
import { DEVICE_UP, DEVICE_VXLAN_LEARNING, DEVICE_VXLAN_PROXY, DeviceKind } from "../../assembly/abi/program";
import { createTsEngine } from "../../src/engine/ts/index";
import { arp, concat, ethernet, icmp, ipv4, type Mac, repairChecksums, udp } from "../support/frame";
import { ip, ProgramDraft, SECOND } from "../support/program";

/** DOCKWIRE_FUZZ=2000 asks the kernel more, DOCKWIRE_SEED=… begins elsewhere. */
const RUNS = Math.ceil(Number(process.env.DOCKWIRE_FUZZ ?? 100) / 10);
const SEED = Number(process.env.DOCKWIRE_SEED ?? 1);
const SCRIPT = fileURLToPath(new URL("../support/vxlan-judge.py", import.meta.url));

const STEPS = 16;
const VNI = 4097;
const ADDRESS = "192.168.0.1";
/** Other hosts; nobody is behind the third one. */
const HOSTS = ["192.168.0.2", "192.168.0.3", "192.168.0.9"];
const mac = (low: number): Mac => ({ macHigh: 0x0200, macLow: low });
const WIRE = mac(1);
const LOWER = mac(2);
const BRIDGE = mac(3);
const VXLAN = mac(4);
const PORT = mac(5);
const CONTAINER = mac(6);
const ZERO: Mac = { macHigh: 0, macLow: 0 };
const ALL: Mac = { macHigh: 0xffff, macLow: 0xffffffff };
const GROUP: Mac = { macHigh: 0x0100, macLow: 0x5e010203 };
/** Containers elsewhere: some are known, some are not. */
const PEERS = [10, 11, 12, 13].map(mac);
const peerAddress = (peer: number) => `10.0.1.${10 + peer}`;
const OWN = "10.0.1.6";
const text = ({ macHigh, macLow }: Mac) => ((macHigh * 2 ** 32 + macLow).toString(16).padStart(12, "0").match(/../g) ?? []).join(":");
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

interface Scenario {
  readonly learning: boolean;
  readonly proxy: boolean;
  readonly underlayMtu: number;
  /** Peers with an entry, and where it says that they are. */
  readonly remotes: readonly (number | null)[];
  readonly fallback: boolean;
  /** Peers whose MAC is known to the proxy. */
  readonly neighbours: readonly boolean[];
  readonly steps: readonly Step[];
}

type Step = { readonly from: "c0" | "wire"; readonly kind: number; readonly peer: number; readonly host: number; readonly size: number; readonly odd: number };

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  learning: fc.constantFrom(true, true, false),
  proxy: fc.constantFrom(true, true, false),
  underlayMtu: fc.constantFrom(1500, 1500, 1400, 700, 600),
  remotes: fc.array(fc.option(fc.nat(1), { freq: 3 }), { minLength: 4, maxLength: 4 }),
  fallback: fc.constantFrom(false, false, true),
  neighbours: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  steps: fc.array(
    fc.record({ from: fc.constantFrom("c0" as const, "wire" as const), kind: fc.nat(99), peer: fc.nat(3), host: fc.constantFrom(0, 0, 1, 2), size: fc.nat(1400), odd: fc.nat(99) }),
    { minLength: STEPS, maxLength: STEPS },
  ),
});

/** What a container says: to one that may be elsewhere, to all, ARP, and packets that are long and may not be cut. */
function spoken({ kind, peer, size, odd }: Step): Uint8Array {
  const to = PEERS[peer];
  const packet = (protocol: number, payload: Uint8Array, fragment = 0) => ipv4({ source: ip(OWN), destination: ip(peerAddress(peer)), protocol, fragment, id: odd }, payload);
  if (kind < 25) return ethernet(to, CONTAINER, 0x0800, packet(17, udp(1000 + odd, 2000, new Uint8Array(size))));
  if (kind < 45) return ethernet(to, CONTAINER, 0x0800, packet(17, udp(1000 + odd, 2000, new Uint8Array(500 + (size % 900))), 0x4000));
  if (kind < 52) return ethernet(to, CONTAINER, 0x0800, packet(1, icmp([0, 3, 4, 5, 8, 11, 12, 13][odd % 8], 0, 0, new Uint8Array(1300)), 0x4000));
  const own = { ...CONTAINER, ip: ip(OWN) };
  if (kind < 70) return arp(1, own, { ...ZERO, ip: ip(peerAddress(peer)) }, odd < 70 ? ALL : to);
  if (kind < 76) return arp(2, own, { ...to, ip: ip(peerAddress(peer)) });
  if (kind < 80) return arp(1, own, { ...ALL, ip: ip(odd < 50 ? "127.0.0.1" : "224.0.0.1") }, ALL);
  if (kind < 90) return ethernet([ALL, GROUP, mac(99)][odd % 3], CONTAINER, 0x88b5, new Uint8Array(46 + (size % 200)));
  return ethernet(to, CONTAINER, 0x88b5, new Uint8Array(46 + (size % 200)));
}

/** What comes over the wire: mostly sound frames of another host's containers. */
function heard({ kind, peer, host, size, odd }: Step): Uint8Array[] {
  const sender = kind < 70 ? PEERS[peer] : [ZERO, GROUP, VXLAN, mac(98), BRIDGE][odd % 5];
  const to = [CONTAINER, CONTAINER, CONTAINER, ALL, mac(97), BRIDGE][odd % 6];
  const type = kind % 10 < 7 ? 0x0800 : kind % 10 < 9 ? 0x88b5 : 0x86dd;
  const data = ipv4({ source: ip(peerAddress(peer)), destination: ip(OWN), protocol: 17, id: odd }, udp(1, 2, new Uint8Array(size % 400)));
  const inner = ethernet(to, sender, type, type === 0x0800 ? data : new Uint8Array(60));
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  view.setUint32(0, kind >= 40 && kind < 44 ? 0 : kind >= 44 && kind < 48 ? 0x08000100 : 0x08000000);
  view.setUint32(4, (kind >= 48 && kind < 52 ? 4098 : VNI) * 256 + (kind >= 52 && kind < 55 ? 1 : 0));
  const whole = concat(header, inner);
  const payload = kind >= 55 && kind < 65 ? whole.subarray(0, size % 60) : whole;
  const datagram = udp(40_000 + odd, 4789, payload);
  if (kind >= 65 && kind < 68) return pieces(datagram, host, odd);
  const frame = ethernet(LOWER, WIRE, 0x0800, ipv4({ source: ip(HOSTS[host]), destination: ip(ADDRESS), protocol: 17, id: odd }, datagram));
  if (kind % 4 !== 0) repairChecksums(frame);
  if (kind >= 68 && kind < 71) frame[41] ^= 1;
  return [frame];
}

function pieces(datagram: Uint8Array, host: number, id: number): Uint8Array[] {
  const at = 48;
  return [0, at].map((offset) => {
    const last = offset > 0;
    const fields = { source: ip(HOSTS[host]), destination: ip(ADDRESS), protocol: 17, id, fragment: offset / 8 + (last ? 0 : 0x2000) };
    return ethernet(LOWER, WIRE, 0x0800, ipv4(fields, last ? datagram.subarray(at) : datagram.subarray(0, at)));
  });
}

const framesOf = (step: Step): Uint8Array[] => (step.from === "c0" ? [spoken(step)] : heard(step));

/** Source port, identification and checksums around a frame are everybody's own choice. */
function settle(device: string, frame: Uint8Array): string {
  if (device === "wire") {
    frame.fill(0, 18, 20);
    frame.fill(0, 24, 26);
    if (((frame[20] & 0x1f) | frame[21]) === 0) {
      frame.fill(0, 34, 36);
      frame.fill(0, 40, 42);
    }
  }
  return `${device} ${hex(frame)}`;
}

function remotesOf({ remotes, fallback }: Scenario): [Mac, string][] {
  const known = remotes.flatMap((host, peer): [Mac, string][] => (host === null ? [] : [[PEERS[peer], HOSTS[host]]]));
  return fallback ? [...known, [ZERO, HOSTS[1]]] : known;
}

const neighboursOf = ({ neighbours }: Scenario) => neighbours.flatMap((isKnown, peer): [string, Mac][] => (isKnown ? [[peerAddress(peer), PEERS[peer]]] : []));

/** What our packet path shows at the wire and at the container, step by step. */
function play(scenario: Scenario): string[][] {
  const draft = new ProgramDraft();
  const host = draft.host();
  const [above, below] = [draft.namespace(host), draft.namespace(host)];
  const wire = draft.device(above, DeviceKind.Veth, { ...WIRE, mtu: 9000 });
  const lower = draft.device(below, DeviceKind.Veth, { ...LOWER, mtu: scenario.underlayMtu });
  draft.pair(wire, lower);
  draft.address(lower, ip(ADDRESS), 24);
  for (const address of HOSTS) draft.neighbours.push({ device: lower, ip: ip(address), ...WIRE });
  const bridge = draft.device(above, DeviceKind.Bridge, { ...BRIDGE, mtu: 1450 });
  const flags = DEVICE_UP | (scenario.learning ? DEVICE_VXLAN_LEARNING : 0) | (scenario.proxy ? DEVICE_VXLAN_PROXY : 0);
  const vxlan = draft.device(above, DeviceKind.Vxlan, { ...VXLAN, flags, mtu: 1450, master: bridge, underlay: below, port: 4789, vni: VNI });
  const port = draft.device(above, DeviceKind.Veth, { ...PORT, mtu: 1450, master: bridge });
  const container = draft.device(above, DeviceKind.Veth, { ...CONTAINER, mtu: 1450 });
  draft.pair(container, port);
  for (const [peer, remote] of remotesOf(scenario)) draft.vxlanRemotes.push({ device: vxlan, ...peer, remote: ip(remote) });
  for (const [address, peer] of neighboursOf(scenario)) draft.neighbours.push({ device: vxlan, ip: ip(address), ...peer });
  const names = new Map([[wire, "wire"], [container, "c0"]]);
  const engine = createTsEngine();
  engine.load(draft.program({ capacity: { frameBytes: 9014, vxlanRemotes: 64 } }), { seed: 1 });
  engine.observe({ captureDevices: [...names.keys()], snaplen: 16_384, recordDrops: false, trace: [] });
  return scenario.steps.map((step, number) => {
    const timeNs = number * SECOND;
    engine.inject(framesOf(step).map((bytes, index) => ({ timeNs: timeNs + index, device: step.from === "c0" ? port : lower, bytes })));
    engine.run(timeNs + SECOND - 1, Infinity);
    const seen = engine.drain().frames.filter(({ reason, direction }) => reason === Drop.None && direction === CAPTURE_INBOUND);
    return seen.map(({ device, bytes }) => settle(names.get(device)!, Uint8Array.from(bytes))).sort();
  });
}

function whyNot(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "not root on Linux: no network namespaces";
  const script = "ip link add vx0 type vxlan id 5 dstport 4789 proxy && ip link add br0 type bridge && ip link set vx0 master br0 && bridge fdb show";
  const made = spawnSync("unshare", ["-n", "sh", "-c", script], { encoding: "utf8" });
  if (made.status !== 0) return `no vxlan here: ${(made.stderr ?? "").trim() || "unshare is not installed"}`;
  return ["python3", "nsenter"].find((tool) => spawnSync(tool, ["--version"]).status !== 0);
}

const reason = whyNot();
if (reason !== undefined) console.warn(`the Linux kernel is not asked about vxlan: ${reason}`);

describe.skipIf(reason !== undefined)("the Linux kernel as judge of VXLAN", { timeout: 600_000 }, () => {
  it("sends the same into the tunnel, and takes the same out of it", () => {
    const sample = fc.sample(scenarios, { numRuns: RUNS, seed: SEED });
    const shared = { wire: text(WIRE), lower: text(LOWER), bridge: text(BRIDGE), vxlan: text(VXLAN), port: text(PORT), container: text(CONTAINER), address: ADDRESS, hosts: HOSTS, vni: VNI, mtu: 1450 };
    const input = sample.map((scenario) => ({
      ...shared,
      learning: scenario.learning,
      proxy: scenario.proxy,
      underlayMtu: scenario.underlayMtu,
      remotes: remotesOf(scenario).map(([peer, remote]) => [text(peer), remote]),
      neighbours: neighboursOf(scenario).map(([address, peer]) => [address, text(peer)]),
      steps: scenario.steps.map((step) => ({ from: step.from, frames: framesOf(step).map(hex) })),
    }));
    const answers = JSON.parse(execFileSync("python3", [SCRIPT], { input: JSON.stringify(input), encoding: "utf8", maxBuffer: 1 << 28 })) as [string, string][][][];
    let frames = 0;
    const differences = sample.flatMap((scenario, number) => {
      expect(typeof answers[number], String(answers[number])).toBe("object");
      const ours = play(scenario);
      return scenario.steps.flatMap((step, index) => {
        const kernel = answers[number][index].map(([device, frame]) => settle(device, new Uint8Array(Buffer.from(frame, "hex")))).sort();
        frames += kernel.length;
        if (ours[index].join("\n") === kernel.join("\n")) return [];
        const { steps: _, ...rest } = scenario;
        return [[`seed ${SEED}, scenario ${number}, step ${index}: ${JSON.stringify(step)} ${JSON.stringify(rest)}`, "we saw:", ...ours[index], "the kernel:", ...kernel].join("\n")];
      });
    });
    expect(differences.slice(0, 1).join("\n"), `${differences.length} steps differ`).toBe("");
    expect(frames).toBeGreaterThan(RUNS);
  });
});
