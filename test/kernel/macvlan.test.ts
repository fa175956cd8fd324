import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CAPTURE_OUTBOUND } from "../../assembly/abi/event";
import { DEVICE_UP, DeviceKind, MacvlanMode } from "../../assembly/abi/program";
import { Drop } from "../../assembly/abi/drop";
import { createTsEngine } from "../../src/engine/ts/index";
import { ProgramDraft } from "../support/program";

/** DOCKWIRE_FUZZ=2000 asks the kernel more, DOCKWIRE_SEED=… begins elsewhere. */
const RUNS = Math.ceil(Number(process.env.DOCKWIRE_FUZZ ?? 100) / 10);
const SEED = Number(process.env.DOCKWIRE_SEED ?? 1);
const SCRIPT = fileURLToPath(new URL("../support/macvlan-judge.py", import.meta.url));

type Mode = "private" | "vepa" | "bridge" | "passthru";

interface Scenario {
  readonly children: readonly { readonly mode: Mode; readonly up: boolean }[];
  /** From the wire or a child that is up; MACs by number: 0 the lower device's, 1 … the children's, then a stranger's, all, a group. */
  readonly steps: readonly { readonly from: number; readonly source: number; readonly destination: number }[];
}

/** What a device saw: its name, whether it sent or received, and the frame. */
type Seen = readonly [device: string, direction: "in" | "out", frame: string];

const LOWER = "020000000001";
const STRANGER = "020000009999";
const LONER = "020000008888";
const macOf = (scenario: Scenario, number: number): string => {
  const own = [LOWER, ...scenario.children.map((_, index) => childMac(scenario, index))];
  return [...own, STRANGER, "ffffffffffff", "01005e010203"][number % (own.length + 3)];
};
/** A passthru device has the MAC of the lower one. */
const childMac = ({ children }: Scenario, index: number) => (children[index].mode === "passthru" ? LOWER : `0200000001${(16 + index).toString(16)}`);

/** An EtherType for experiments (IEEE 802): no stack answers it. */
function frameOf(scenario: Scenario, step: number): string {
  const { from, source, destination } = scenario.steps[step];
  const sender = macOf(scenario, source);
  const isGroup = (Number.parseInt(sender.slice(0, 2), 16) & 1) !== 0;
  const wanted = macOf(scenario, destination);
  const own = /^m(\d+)$/.exec(senderOf(scenario, from));
  // The bridge that makes a child send keeps frames for the child's own MAC, and for the one they are from.
  const target = own !== null && wanted === childMac(scenario, Number(own[1])) ? STRANGER : wanted;
  const isLoop = own !== null && target === sender;
  return `${target}${isGroup || isLoop ? LONER : sender}88b5${step.toString(16).padStart(4, "0")}${"5a".repeat(48)}`;
}

const senderOf = ({ children }: Scenario, from: number): string => {
  const names = children.flatMap(({ up }, index) => (up ? [`m${index}`] : []));
  return ["wire", ...names][from % (names.length + 1)];
};

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  children: fc.oneof(
    { weight: 5, arbitrary: fc.array(fc.record({ mode: fc.constantFrom<Mode[]>("private", "vepa", "bridge", "bridge"), up: fc.constantFrom(true, true, true, false) }), { minLength: 1, maxLength: 5 }) },
    { weight: 1, arbitrary: fc.constant([{ mode: "passthru" as const, up: true }]) },
  ),
  steps: fc.array(fc.record({ from: fc.nat(9), source: fc.nat(30), destination: fc.nat(30) }), { minLength: 12, maxLength: 12 }),
});

const MODES: Readonly<Record<Mode, MacvlanMode>> = {
  private: MacvlanMode.Private,
  vepa: MacvlanMode.Vepa,
  bridge: MacvlanMode.Bridge,
  passthru: MacvlanMode.Passthru,
};

/** One frame through the packet path. A child sends because a bridge that it is the other port of floods the frame to it. */
function send(scenario: Scenario, step: number): Seen[] {
  const draft = new ProgramDraft();
  const root = draft.namespace(draft.host());
  const mac = (text: string) => ({ macHigh: Number.parseInt(text.slice(0, 4), 16), macLow: Number.parseInt(text.slice(4), 16) });
  const wire = draft.device(root, DeviceKind.Veth, {}, "wire");
  const lower = draft.device(root, DeviceKind.Veth, mac(LOWER), "lower");
  draft.pair(wire, lower);
  const names = new Map([[wire, "wire"], [lower, "lower"]]);
  scenario.children.forEach(({ mode, up }, index) => {
    const fields = { ...mac(childMac(scenario, index)), flags: up ? DEVICE_UP : 0, peer: lower, mode: MODES[mode] };
    names.set(draft.device(root, DeviceKind.Macvlan, fields), `m${index}`);
  });
  const from = senderOf(scenario, scenario.steps[step].from);
  const sender = [...names].find(([, name]) => name === from)![0];
  let entry = lower;
  if (sender !== wire) {
    const bridge = draft.device(root, DeviceKind.Bridge, mac("02000000ff01"));
    entry = draft.device(root, DeviceKind.Veth, { ...mac("02000000ff02"), master: bridge });
    draft.devices[sender] = { ...draft.devices[sender], master: bridge };
  }
  const engine = createTsEngine();
  engine.load(draft.program(), { seed: 1 });
  engine.observe({ captureDevices: [...names.keys()], snaplen: 2048, recordDrops: false, trace: [] });
  engine.inject([{ timeNs: 0, device: entry, bytes: new Uint8Array(Buffer.from(frameOf(scenario, step), "hex")) }]);
  engine.run(1e9, Infinity);
  return engine.drain().frames.filter(({ reason }) => reason === Drop.None).map(({ device, direction, bytes }): Seen => {
    return [names.get(device)!, direction === CAPTURE_OUTBOUND ? "out" : "in", Buffer.from(bytes).toString("hex")];
  });
}

function whyNot(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "not root on Linux: no network namespaces";
  const script = "ip link add wire type veth peer name lower && ip link add m0 link lower type macvlan mode bridge";
  const made = spawnSync("unshare", ["-n", "sh", "-c", script], { encoding: "utf8" });
  if (made.status !== 0) return `no macvlan here: ${(made.stderr ?? "").trim() || "unshare is not installed"}`;
  return spawnSync("python3", ["--version"]).status === 0 ? undefined : "python3 is not installed";
}

const reason = whyNot();
if (reason !== undefined) console.warn(`the Linux kernel is not asked about macvlan: ${reason}`);

describe.skipIf(reason !== undefined)("the Linux kernel as judge of macvlan", { timeout: 600_000 }, () => {
  it("shows the same frames at the wire, the lower device and all on top of it", () => {
    const sample = fc.sample(scenarios, { numRuns: RUNS, seed: SEED });
    const colons = (mac: string) => mac.match(/../g)!.join(":");
    const input = sample.map((scenario) => ({
      lower: colons(LOWER),
      children: scenario.children.map(({ mode, up }, index) => ({ mode, up, mac: colons(childMac(scenario, index)) })),
      steps: scenario.steps.map(({ from }, step) => ({ from: senderOf(scenario, from), frame: frameOf(scenario, step) })),
    }));
    const answers = JSON.parse(execFileSync("python3", [SCRIPT], { input: JSON.stringify(input), encoding: "utf8", maxBuffer: 1 << 28 })) as Seen[][][];
    const text = (seen: readonly Seen[]) => seen.map((one) => one.join(" ")).sort().join("\n");
    const differences = sample.flatMap((scenario, number) =>
      scenario.steps.flatMap(({ from }, step) => {
        const sender = senderOf(scenario, from);
        // What the sender itself puts on its device is how we make it send, not an answer.
        const isAnswer = ([device, direction]: Seen) => !(device === sender && direction === "out");
        const [ours, kernel] = [send(scenario, step), answers[number][step]].map((seen) => text(seen.filter(isAnswer)));
        const head = `seed ${SEED}, scenario ${number}, step ${step}: ${sender} sends ${frameOf(scenario, step).slice(0, 28)} among ${JSON.stringify(input[number].children)}`;
        return ours === kernel ? [] : [[head, "we saw:", ours, "the kernel:", kernel].join("\n")];
      }),
    );
    expect(differences.slice(0, 1).join("\n"), `${differences.length} steps differ`).toBe("");
  });
});
