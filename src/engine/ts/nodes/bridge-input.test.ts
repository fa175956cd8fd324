import { describe, expect, it } from "vitest";
import { BROADCAST, ethernet, type Mac } from "../../../../test/support/frame";
import { containersOnBridge, MS } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

const PAYLOAD = new Uint8Array(50);
const STRANGER: Mac = { macHigh: 0x0242, macLow: 0x99999999 };

/** How many frames each container received when one frame arrives at the port of the first. */
function received(count: number, destination: (macs: Mac[]) => Mac, source: Mac = STRANGER, options: { hairpin?: boolean } = {}) {
  const { draft, containers, bridge } = containersOnBridge(count, options);
  const macs = containers.map(({ device }) => draft.devices[device]);
  const bytes = ethernet(destination(macs), source, 0x0800, PAYLOAD);
  const { counters, drops } = simulate(draft.program(), { untilNs: MS, frames: [{ timeNs: 0, device: containers[0].port, bytes }] });
  return {
    containers: containers.map(({ device }) => counters.devices[device].rxPackets),
    bridge: counters.devices[bridge].rxPackets,
    drops,
  };
}

describe("a bridge", () => {
  it("floods an unknown unicast to every port but the ingress", () => {
    expect(received(4, () => ({ macHigh: 0x0242, macLow: 0x12345678 }))).toMatchObject({ containers: [0, 1, 1, 1], bridge: 0 });
  });

  it("floods a broadcast and takes it up the stack as well", () => {
    expect(received(3, () => BROADCAST)).toMatchObject({ containers: [0, 1, 1], bridge: 1 });
  });

  it("sends a flood back out of a hairpin port", () => {
    expect(received(3, () => BROADCAST, STRANGER, { hairpin: true })).toMatchObject({ containers: [1, 1, 1], bridge: 1 });
  });

  it("drops an unknown unicast that has nowhere to go", () => {
    expect(received(1, () => ({ macHigh: 0x0242, macLow: 0x12345678 })).drops).toEqual({ BridgeNoEgressPort: 1 });
  });

  it("drops frames from a group or from nobody, and keeps reserved groups to the link", () => {
    expect(received(2, () => BROADCAST, BROADCAST).drops).toEqual({ MacInvalidSource: 1 });
    expect(received(2, () => BROADCAST, { macHigh: 0, macLow: 0 }).drops).toEqual({ MacInvalidSource: 1 });
    expect(received(2, () => ({ macHigh: 0x0180, macLow: 0xc2000002 })).drops).toEqual({ UnhandledProto: 1 });
    // 01:80:c2:00:00:00 is flooded: no STP runs, so nothing takes it.
    expect(received(2, () => ({ macHigh: 0x0180, macLow: 0xc2000000 })).containers).toEqual([0, 1]);
  });

  it("forwards to the port where it learnt the destination, and not back to the ingress", () => {
    const { draft, containers } = containersOnBridge(3);
    const [a, b, c] = containers;
    const mac = (index: number) => draft.devices[containers[index].device];
    const frames = [
      { timeNs: 0, device: b.port, bytes: ethernet(BROADCAST, mac(1), 0x88cc, PAYLOAD) },
      { timeNs: 1, device: a.port, bytes: ethernet(mac(1), mac(0), 0x88cc, PAYLOAD) },
      { timeNs: 2, device: b.port, bytes: ethernet(mac(1), STRANGER, 0x88cc, PAYLOAD) },
    ];
    const { counters, drops } = simulate(draft.program(), { untilNs: MS, frames });
    expect([a, b, c].map(({ device }) => counters.devices[device].rxPackets)).toEqual([1, 1, 1]);
    expect(drops).toMatchObject({ BridgeNoEgressPort: 1 });
  });

  it("skips ports that are down", () => {
    const { draft, containers } = containersOnBridge(3);
    draft.devices[containers[1].port] = { ...draft.devices[containers[1].port], flags: 0 };
    const bytes = ethernet(BROADCAST, STRANGER, 0x88cc, PAYLOAD);
    const { counters, drops } = simulate(draft.program(), { untilNs: MS, frames: [{ timeNs: 0, device: containers[0].port, bytes }] });
    expect(counters.devices[containers[1].device].rxPackets).toBe(0);
    expect(drops).toEqual({ UnhandledProto: 2 });
  });
});

describe("two bridges that are cabled together twice", () => {
  it("loop a broadcast until the walk's limit ends it", () => {
    const { draft, root, bridge, containers } = containersOnBridge(1);
    const other = draft.bridge(root, "172.30.0.1");
    for (const [from, to] of [
      [bridge, other],
      [other, bridge],
    ] as const) {
      const near = draft.device(root, draft.devices[containers[0].port].kind, { master: from });
      draft.pair(near, draft.device(root, draft.devices[containers[0].port].kind, { master: to }));
    }
    const bytes = ethernet(BROADCAST, STRANGER, 0x88cc, PAYLOAD);
    const { drops, counters } = simulate(draft.program(), { untilNs: MS, frames: [{ timeNs: 0, device: containers[0].port, bytes }] });
    expect(drops.WalkLimit).toBeGreaterThan(0);
    expect(counters.totals.packetsAlive).toBe(0);
  });
});
