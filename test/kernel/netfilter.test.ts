import { describe, expect, it } from "vitest";
import { createTsEngine } from "../../src/engine/ts/index";
import { describeFrame, repairChecksums } from "../support/frame";
import { judge, whyNoJudge } from "../support/judge";
import { prepare, type PreparedScenario } from "../support/judged-scenarios";

/** DOCKWIRE_FUZZ=2000 asks the kernel more, DOCKWIRE_SEED=… begins elsewhere. */
const RUNS = Math.ceil(Number(process.env.DOCKWIRE_FUZZ ?? 100) / 4);
const SEED = Number(process.env.DOCKWIRE_SEED ?? 1);
const reason = whyNoJudge();
if (reason !== undefined) console.warn(`the Linux kernel is not asked about netfilter: ${reason}`);

/** The ICMP checksum, and of a quoted segment the identification and both checksums. */
const QUOTED = [
  [36, 38],
  [46, 48],
  [52, 54],
  [78, 80],
] as const;

const QUOTED6 = [
  [56, 58],
  [63, 66],
  [118, 120],
] as const;

type Sent = readonly (readonly [side: number, frame: string])[];

/**
 * A frame as both must have it. What a stack makes itself has an identification and a type of service of its own, which no rule
 * sees; TCP checksums that the kernel leaves to a device are not there yet.
 */
function comparable(sent: Sent): string[] {
  return sent.map(([side, text]) => {
    const bytes = new Uint8Array(Buffer.from(text, "hex"));
    const description = describeFrame(bytes);
    if (bytes[12] === 0x86) return `side ${side}: ${description} ${Buffer.from(comparable6(bytes)).toString("hex")}`;
    bytes[15] = 0;
    bytes.fill(0, 18, 20);
    bytes.fill(0, 24, 26);
    if (bytes[23] === 6) bytes.fill(0, 50, 52);
    // An error may quote a reset of the stack's own.
    const quotesSegment = bytes[23] === 1 && bytes[34] === 3 && bytes[51] === 6;
    for (const [from, to] of quotesSegment ? QUOTED : []) bytes.fill(0, from, to);
    return `side ${side}: ${description} ${Buffer.from(bytes).toString("hex")}`;
  });
}

/** The same of IPv6: no identification, but a flow label. */
function comparable6(bytes: Uint8Array): Uint8Array {
  bytes.fill(0, 15, 18);
  if (bytes[20] === 6) bytes.fill(0, 70, 72);
  const quotesSegment = bytes[20] === 58 && bytes[54] < 128 && bytes[68] === 6;
  for (const [from, to] of quotesSegment ? QUOTED6 : []) bytes.fill(0, from, to);
  return bytes;
}

function firstDifference(seed: number, { judged, ours }: PreparedScenario, kernel: readonly Sent[]): string | undefined {
  for (let step = 0; step < ours.length; step++) {
    const [left, right] = [comparable(ours[step]).sort(), comparable(kernel[step]).sort()];
    if (left.join() === right.join()) continue;
    const sent = judged.steps.slice(0, step + 1).map(({ side, frame }) => `  from side ${side}: ${describeFrame(new Uint8Array(Buffer.from(frame, "hex")))}`);
    return [`seed ${seed}, step ${step}`, judged.rules, ...sent, "we sent:", ...left, "the kernel:", ...right].join("\n");
  }
  return undefined;
}

describe.skipIf(reason !== undefined)("the Linux kernel as judge", { timeout: 600_000 }, () => {
  function check(isBridge: boolean, family: 4 | 6): void {
    const engine = createTsEngine();
    const seeds = Array.from({ length: RUNS }, (_, index) => SEED + index);
    const prepared = seeds.map((seed) => prepare(engine, seed, isBridge, family));
    const kernel = judge(prepared.map(({ judged }) => judged));
    const differences = prepared.flatMap((scenario, index) => firstDifference(seeds[index], scenario, kernel[index]) ?? []);
    expect(differences.slice(0, 1).join("\n"), `${differences.length} of ${RUNS} differ`).toBe("");
  }

  it("forwards, translates, refuses and drops the same frames through a router", () => check(false, 4));

  it("does the same through a bridge whose frames iptables sees", () => check(true, 4));

  it("does the same with IPv6 through a router", () => check(false, 6));

  it("does the same with IPv6 through a bridge whose frames ip6tables sees", () => check(true, 6));
});

describe("frames with translated addresses", () => {
  it("have the checksums that their bytes ask for, unless they came without", () => {
    const engine = createTsEngine();
    for (let seed = 1; seed <= 40; seed++) {
      const { ours, judged } = prepare(engine, seed, seed % 2 === 0);
      const damaged = judged.steps.some(({ frame }) => !isSound(frame));
      if (damaged) continue;
      for (const [, frame] of ours.flat()) expect(isSound(frame), `seed ${seed}: ${frame}`).toBe(true);
    }
  });
});

function isSound(text: string): boolean {
  const bytes = new Uint8Array(Buffer.from(text, "hex"));
  const repaired = bytes.slice();
  repairChecksums(repaired);
  const hasNone = bytes[23] === 17 && bytes[40] === 0 && bytes[41] === 0;
  return hasNone || Buffer.from(repaired).equals(Buffer.from(bytes));
}
