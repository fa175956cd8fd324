import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Stop } from "../../../assembly/abi/event";
import { PROTOCOL_TCP } from "../../../assembly/abi/protocol";
import { arbitraryPlan } from "../../../test/support/arbitrary";
import { buildPlan } from "../../../test/support/plan";
import { CABLE, chance, containersOnBridge, ip, MS, SECOND, twoHosts } from "../../../test/support/program";
import { runPlan } from "../../../test/support/run";
import { simulate } from "../../../test/support/simulate";
import { createTsEngine } from "./index";

describe("the TypeScript engine", () => {
  it("gives the same digest, counters and records however a run is cut", () => {
    fc.assert(
      fc.property(arbitraryPlan(), fc.integer({ min: 1, max: 50 }), (plan, budget) => {
        const built = buildPlan(plan);
        const last = (cuts: { slices: number; budget: number }) => {
          const snapshots = [...runPlan(createTsEngine(), built, plan.seed, plan.untilNs, { ...cuts, eventsMax: 1500 })];
          const events = snapshots.flatMap((snapshot) => snapshot.events);
          const frames = snapshots.flatMap((snapshot) => snapshot.frames);
          const { digest, counters } = snapshots[snapshots.length - 1];
          return { digest, totals: counters.totals, flows: counters.flows, devices: counters.devices, events, frames };
        };
        const [cut, whole] = [last({ slices: 1, budget }), last({ slices: 1, budget: 1_000_000 })];
        expect(cut.digest).toBe(whole.digest);
        expect(isDeepStrictEqual(cut, whole)).toBe(true);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it("never throws and loses no slot, whatever arrives", () => {
    fc.assert(
      fc.property(arbitraryPlan({ frames: 60 }), (plan) => {
        const built = buildPlan(plan);
        for (const { counters } of runPlan(createTsEngine(), built, plan.seed, plan.untilNs, {
          slices: 2,
          budget: 1_000_000,
          eventsMax: 3000,
        })) {
          expect(counters.totals.packetsAlive).toBeLessThanOrEqual(plan.packets);
          expect(counters.totals.packetsPeak).toBeLessThanOrEqual(plan.packets);
          const dropped = counters.deviceDrops.reduce((sum, { count }) => sum + count, 0);
          expect(dropped).toBe(counters.totals.dropped);
          const live = counters.flows.reduce((sum, { inFlight }, i) => sum + (built.program.flows[i]?.protocol === PROTOCOL_TCP ? 0 : inFlight), 0);
          if (plan.patches.length === 0) expect(live).toBeLessThanOrEqual(counters.totals.packetsAlive);
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it("grows no table, array or queue in the steady state", () => {
    const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(0.01), jitterNs: 10_000 });
    draft.flow(left.namespace, right, { intervalNs: 100_000 });
    draft.request(left.namespace, right, { count: 0xffffffff, intervalNs: 1 * MS, bytes: 300, responseBytes: 700 });
    const engine = createTsEngine();
    engine.load(draft.program(), { seed: 3 });
    engine.run(2 * SECOND, Infinity);
    const before = engine.counters().totals;
    engine.run(12 * SECOND, Infinity);
    const after = engine.counters().totals;
    expect(after.events).toBeGreaterThan(5 * before.events);
    expect(after.packetsAlive).toBeLessThan(20);
    expect(after.pendingEvents).toBeLessThan(40);
  }, 60_000);

  it("comes back for a budget, for a drain, and when the time is reached", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.flow(containers[0].namespace, { namespace: 0, ip: ip("203.0.113.1") }, { unserved: true, intervalNs: 1000 });
    const engine = createTsEngine();
    engine.load(draft.program({ capacity: { eventRecords: 1500 } }), { seed: 1 });
    engine.observe({ captureDevices: [], snaplen: 0, recordDrops: true, trace: [] });
    expect(engine.run(SECOND, 10)).toMatchObject({ events: 10, stop: Stop.Budget });
    expect(engine.run(SECOND, Infinity)).toMatchObject({ stop: Stop.Drain });
    expect(engine.drain().events.length).toBeGreaterThan(450);
    expect(engine.run(100 * MS, 0)).toMatchObject({ events: 0, stop: Stop.Budget });
    engine.observe({ captureDevices: [], snaplen: 0, recordDrops: false, trace: [] });
    expect(engine.run(100 * MS, Infinity)).toMatchObject({ now: 100 * MS, stop: Stop.Until });
  });

  it("changes devices, links, flows and sockets while it runs", () => {
    const { draft, left, right } = twoHosts();
    draft.flow(left.namespace, right, { intervalNs: 10 * MS });
    const engine = createTsEngine();
    engine.load(draft.program(), { seed: 1 });
    engine.run(95 * MS, Infinity);
    engine.apply({ devices: [{ index: left.device, up: false }] });
    engine.run(195 * MS, Infinity);
    expect(engine.counters().flows[0]).toMatchObject({ sent: 20, delivered: 10 });
    engine.apply({ devices: [{ index: left.device, up: true }], links: [{ index: 0, record: { ...CABLE, loss: chance(1) } }] });
    engine.run(295 * MS, Infinity);
    expect(engine.counters().flows[0]).toMatchObject({ sent: 30, delivered: 10 });
    const record = { ...draft.flows[0], intervalNs: 1 * MS, startNs: 300 * MS };
    engine.apply({ links: [{ index: 0, record: CABLE }], flows: [{ index: 0, record }] });
    engine.run(350 * MS, Infinity);
    expect(engine.counters().flows[0]).toMatchObject({ sent: 51, delivered: 50 });
  });

  it("refuses what does not fit, what it cannot understand and what comes too late", () => {
    const { draft, left, right } = twoHosts();
    draft.flow(left.namespace, right, { bytes: 65_508 });
    const engine = createTsEngine();
    const program = draft.program();
    expect(() => engine.run(1, 1)).toThrow("expected a program");
    expect(() => engine.load(program, { seed: 1 })).toThrow("flows[0].bytes: expected at most 65507");
    draft.flows[0] = { ...draft.flows[0], bytes: 64 };
    expect(() => engine.load(draft.program({ capacity: { flows: 0 } }), { seed: 1 })).toThrow("capacity.flows");
    expect(() => engine.load(draft.program({ capacity: { events: 100 } }), { seed: 1 })).toThrow("capacity.events");
    expect(() => engine.load(draft.program({ capacity: { frameBytes: 1000 } }), { seed: 1 })).toThrow("capacity.frameBytes");
    expect(() => engine.load({ ...program, abi: 0 }, { seed: 1 })).toThrow("abi: expected version");
    engine.load(draft.program(), { seed: 1 });
    expect(() => engine.inject([{ timeNs: 0, device: 0, bytes: new Uint8Array(1515) }])).toThrow("at most 1514 bytes");
    expect(() => engine.inject([{ timeNs: 0, device: 99, bytes: new Uint8Array(15) }])).toThrow("device: expected an index below");
    engine.dispose();
    expect(() => engine.digest()).toThrow("disposed");
  });

  it("depends on the seed where chance is asked for", () => {
    const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(0.5) });
    draft.flow(left.namespace, right, { intervalNs: MS });
    const digests = [1, 2, 1].map((seed) => simulate(draft.program(), { untilNs: SECOND, seed }).engine.digest());
    expect(digests[0]).toBe(digests[2]);
    expect(digests[0]).not.toBe(digests[1]);
    expect(digests[0]).toMatch(/^[0-9a-f]{16}$/);
  });
});
