import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Drop } from "../../assembly/abi/drop";
import { NODE_COUNT } from "../../assembly/abi/node";
import type { CapturedFrame, Engine, InjectedFrame } from "../../src/engine/engine";
import { createTsEngine } from "../../src/engine/ts/index";
import { PACKED } from "../../src/engine/wasm/bytes.gen";
import { compileWasm } from "../../src/engine/wasm/compile";
import { createWasmEngine } from "../../src/engine/wasm/index";
import { arbitraryPlan, type Plan, type PlanLimits } from "../support/arbitrary";
import { compareEngines } from "../support/diverge";
import { repairChecksums } from "../support/frame";
import { type BuiltPlan, buildPlan } from "../support/plan";
import { CABLE, SECOND, twoHosts } from "../support/program";
import { runPlan } from "../support/run";
import { simulate } from "../support/simulate";
import { sixPlan } from "../support/six";

/** DOCKWIRE_FUZZ=2000 looks longer, DOCKWIRE_SEED=… begins where a failure said. A gate looks at the same plans each time; whoever sits before it looks at new ones. */
const RUNS = Number(process.env.DOCKWIRE_FUZZ ?? 100);
const SEED = process.env.DOCKWIRE_SEED ?? (process.env.CI === "true" ? "20261127" : undefined);
const OPTIONS = { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) };
const MINUTES = 60_000;

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWasm(PACKED);
}, 2 * MINUTES);
const makeWasmEngine = (): Engine => createWasmEngine(module);

/** Fails with the first difference, where it came from, and the network. */
function expectEqual(plan: Plan, built: BuiltPlan, budget: number, eventsMax = 4000): void {
  const difference = compareEngines([createTsEngine, makeWasmEngine], plan, built, { slices: 4, budget, eventsMax });
  if (difference !== undefined) expect.fail(difference);
}

describe("both engines agree on every counter, record and captured byte", { timeout: 10 * MINUTES }, () => {
  function check(limits: PlanLimits): void {
    const budgets = fc.constantFrom(1, 7, 1_000_000);
    const property = fc.property(arbitraryPlan(limits), budgets, (plan, budget) => expectEqual(plan, buildPlan(plan), budget));
    fc.assert(property, OPTIONS);
  }

  it("of random networks and traffic", () => check({ flows: 8, frames: 0, patches: 0 }));

  it("while the networks change", () => check({ flows: 6, frames: 0, patches: 8 }));

  it("of proxies and servers", () => check({ flows: 8, processes: 10, frames: 10, patches: 4 }));

  it("under forged and broken frames", () => check({ flows: 3, frames: 80, patches: 0 }));

  it("of everything at once", () => check({ flows: 10, frames: 40, patches: 6 }));

  it("behind firewalls that track and translate", () => check({ flows: 6, frames: 0, patches: 0, firewalls: true }));

  it("behind firewalls that are replaced", () => check({ flows: 6, frames: 0, patches: 6, firewalls: true }));

  it("behind firewalls that meet forged frames", () => check({ flows: 4, frames: 60, patches: 3, firewalls: true }));

  it.each([
    ["of random networks and traffic", { flows: 8, frames: 0, patches: 0 }],
    ["under forged and broken frames", { flows: 3, frames: 80, patches: 0 }],
    ["of proxies and servers", { flows: 8, processes: 10, frames: 10, patches: 4 }],
    ["behind firewalls, while everything changes", { flows: 6, frames: 60, patches: 6, firewalls: true }],
  ] satisfies [string, PlanLimits][])("over IPv6, %s", (_, limits) => {
    const property = fc.property(arbitraryPlan(limits), fc.nat(), (plan, salt) => {
      expectEqual(plan, sixPlan(buildPlan(plan), { salt }), 1_000_000);
    });
    fc.assert(property, { ...OPTIONS, numRuns: Math.ceil(RUNS / 2) });
  });

  it.each([
    ["and random traffic", { flows: 8, frames: 0, patches: 0, services: 4 }],
    ["that are replaced while connections live", { flows: 8, frames: 0, patches: 8, services: 4 }],
    ["behind firewalls that meet forged frames", { flows: 6, frames: 60, patches: 4, firewalls: true, services: 4 }],
    ["beside tunnels, while everything changes", { flows: 8, frames: 20, patches: 4, firewalls: true, services: 3, overlays: true, seals: true }],
  ] satisfies [string, PlanLimits][])("of virtual services %s", (_, limits) => check(limits));

  it.each([
    ["of overlays between hosts", { flows: 8, frames: 0, patches: 0, overlays: true }],
    ["of overlays that meet forged frames", { flows: 4, frames: 80, patches: 0, overlays: true }],
    ["of overlays that change", { flows: 6, frames: 20, patches: 8, overlays: true }],
    ["of overlays behind firewalls", { flows: 6, frames: 30, patches: 4, firewalls: true, overlays: true }],
    ["of encrypted overlays", { flows: 6, frames: 30, patches: 0, overlays: true, seals: true }],
    ["of encrypted overlays whose keys change", { flows: 6, frames: 20, patches: 8, overlays: true, seals: true }],
    ["of encrypted overlays behind firewalls", { flows: 6, frames: 30, patches: 4, firewalls: true, overlays: true, seals: true }],
    ["of hosts that encrypt what they send each other", { flows: 6, frames: 30, patches: 4, firewalls: true, seals: true }],
  ] satisfies [string, PlanLimits][])("%s", (_, limits) => check(limits));

  const routed: [string, PlanLimits][] = [
    ["and random traffic", { flows: 8, frames: 0, patches: 0, routed: true }],
    ["and forged frames", { flows: 4, frames: 60, patches: 0, routed: true }],
    ["behind their hosts' firewalls", { flows: 8, frames: 0, patches: 0, routed: true, firewalls: true }],
    ["behind firewalls, while everything changes", { flows: 6, frames: 30, patches: 6, routed: true, firewalls: true }],
  ];

  it("of ipvlan in modes l3 and l3s beside everything else", () => check({ flows: 6, frames: 30, patches: 6, routed: true, firewalls: true, services: 2, seals: true }));

  it.each(routed)("of ipvlan in modes l3 and l3s %s", (_, limits) => check(limits));

  it.each(routed)("of ipvlan in modes l3 and l3s over IPv6, %s", (_, limits) => {
    const property = fc.property(arbitraryPlan(limits), fc.nat(), (plan, salt) => {
      expectEqual(plan, sixPlan(buildPlan(plan), { salt, isReady: salt % 2 === 0 }), 1_000_000);
    });
    fc.assert(property, OPTIONS);
  });

  it("of IPv6 in overlays", () => {
    const limits = { flows: 6, frames: 20, patches: 2, overlays: true };
    const property = fc.property(arbitraryPlan(limits), fc.nat(), (plan, salt) => {
      expectEqual(plan, sixPlan(buildPlan(plan), { salt }), 1_000_000);
    });
    fc.assert(property, { ...OPTIONS, numRuns: Math.ceil(RUNS / 2) });
  });

  it("whether verdicts are remembered or found anew for every traced packet", () => {
    const plans = arbitraryPlan({ flows: 6, frames: 20, patches: 3, firewalls: true });
    const property = fc.property(plans, (plan) => {
      const built = buildPlan({ ...plan, recordDrops: false });
      const outcome = (packets: number) => {
        const trace = packets === 0 ? [] : built.program.flows.map((_, flow) => ({ flow, packets }));
        const cuts = { slices: 4, budget: 1_000_000, eventsMax: 4000 };
        const snapshots = [...runPlan(makeWasmEngine(), { ...built, observe: { ...built.observe, trace } }, plan.seed, plan.untilNs, cuts)];
        return snapshots.map(({ digest, counters }) => ({ digest, counters }));
      };
      expect(outcome(0)).toEqual(outcome(1_000_000));
    });
    fc.assert(property, OPTIONS);
  });

  it("in a storm of broadcasts", () => {
    const plans = arbitraryPlan({ flows: 2, frames: 4, patches: 0, storm: true });
    const property = fc.property(plans, (plan) => expectEqual(plan, buildPlan(plan), 1_000_000, 40));
    fc.assert(property, { ...OPTIONS, numRuns: Math.ceil(RUNS / 10) });
  });

  it.each([
    ["of one host or more", {}],
    ["behind firewalls", { firewalls: true }],
    ["of virtual services", { services: 3 }],
    ["of overlays", { overlays: true }],
    ["of encrypted overlays", { overlays: true, seals: true }],
  ] satisfies [string, PlanLimits][])("when frames that were really sent come again, changed (%s)", (_, limits) => {
    const changes = fc.array(arbitraryChange, { minLength: 1, maxLength: 80 });
    const property = fc.property(arbitraryPlan({ frames: 0, patches: 0, ...limits }), changes, (plan, list) => {
      const built = buildPlan(plan);
      const { program } = built;
      const untilNs = Math.min(plan.untilNs, 300_000_000);
      const heard = simulate(program, { untilNs, seed: plan.seed, capture: program.devices.map((_, index) => index) });
      const whole = heard.frames.filter(({ reason }) => reason === Drop.None);
      if (whole.length > 0) expectEqual(plan, { ...built, frames: list.map((change) => forgeFrom(whole, change)) }, 1_000_000);
    });
    fc.assert(property, OPTIONS);
  });
});

it("both engines place a frame exactly where a product of more than 53 bits says", () => {
  const jitterNs = 4_294_438_017;
  const { draft, left, right } = twoHosts({ ...CABLE, rateBps: 0, delayNs: 0, jitterNs });
  draft.flow(left.namespace, right, { count: 1 });
  const program = draft.program({ copyCost: 0, costs: Array.from({ length: NODE_COUNT }, () => 0) });
  // The first draw of seed 13 is 1,549,909 of 2^21 steps: times (2 × jitter + 1), rounded to 53 bits, it would be one nanosecond later.
  const arrival = Number((1_549_909n * (2n * BigInt(jitterNs) + 1n)) >> 21n) - jitterNs;
  for (const engine of [createTsEngine(), makeWasmEngine()]) {
    const { frames } = simulate(program, { untilNs: 3 * SECOND, seed: 13, engine, capture: [right.device] });
    expect(frames[0]?.timeNs).toBe(arrival);
  }
});

/** How a frame that was heard is sent again. */
interface Change {
  readonly pick: number;
  readonly delayNs: number;
  /** Positions from the start of the frame, and what is written there. */
  readonly writes: readonly (readonly [number, number])[];
  readonly length: number;
  readonly isRepaired: boolean;
}

const arbitraryChange: fc.Arbitrary<Change> = fc.record({
  pick: fc.nat(),
  delayNs: fc.nat(50_000_000),
  // Ethernet, IPv4 and the transport header; the fields of TCP more often than chance would have it.
  writes: fc.array(fc.tuple(fc.oneof(fc.nat(80), fc.constantFrom(47, 47, 20, 21, 41, 45, 48)), fc.nat(255)), { maxLength: 3 }),
  length: fc.oneof({ weight: 5, arbitrary: fc.constant(65_535) }, { weight: 1, arbitrary: fc.nat(100) }),
  isRepaired: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

function forgeFrom(heard: readonly CapturedFrame[], { pick, delayNs, writes, length, isRepaired }: Change): InjectedFrame {
  const original = heard[pick % heard.length];
  const bytes = original.bytes.slice(0, length);
  for (const [at, value] of writes) if (at < bytes.length) bytes[at] = value;
  if (isRepaired) repairChecksums(bytes);
  return { timeNs: original.timeNs + delayNs, device: original.device, bytes };
}
