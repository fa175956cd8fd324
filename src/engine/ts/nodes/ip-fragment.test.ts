import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Drop } from "../../../../assembly/abi/drop";
import { FlowError } from "../../../../assembly/abi/counter";
import { REASSEMBLY_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { ethernet, ipv4, udp } from "../../../../test/support/frame";
import { CABLE, containersOnBridge, MS, SECOND, twoBridges, twoHosts } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

describe("a datagram that is longer than the MTU", () => {
  it("travels in pieces whose payloads are multiples of 8 and arrives whole", () => {
    const { draft, containers } = containersOnBridge(2, { mtu: 576 });
    const [a, b] = containers;
    draft.flow(a.namespace, b, { bytes: 1500, count: 1 });
    const { lines, counters } = simulate(draft.program(), { untilNs: MS, capture: [b.device] });
    expect(lines.slice(2)).toEqual([
      "172.17.0.2 > 172.17.0.3 len 572 ttl 64 frag 0+ udp 40000 > 9000",
      "172.17.0.2 > 172.17.0.3 len 572 ttl 64 frag 552+",
      "172.17.0.2 > 172.17.0.3 len 424 ttl 64 frag 1104",
    ]);
    expect(counters.flows[0]).toMatchObject({ delivered: 1, deliveredBytes: 1500 });
  });

  it("may be as long as IPv4 allows, though no slot is", () => {
    const { draft, containers } = containersOnBridge(2);
    const [a, b] = containers;
    draft.flow(a.namespace, b, { bytes: 65_507, count: 1 });
    draft.ping(b.namespace, a, { bytes: 65_507, count: 1 });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows[0]).toMatchObject({ delivered: 1, deliveredBytes: 65_507 });
    expect(counters.flows[1]).toMatchObject({ answered: 1, answeredBytes: 65_507 });
    expect(counters.totals).toMatchObject({ packetsAlive: 0, dropped: 0 });
  });

  it("is refused with EMSGSIZE if the sender forbids fragments", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.flow(containers[0].namespace, containers[1], { bytes: 1473, count: 1, dontFragment: 1 });
    const { counters, events } = simulate(draft.program(), { untilNs: MS });
    expect(counters.flows[0]).toMatchObject({ delivered: 0, errors: 1, error: FlowError.MessageTooLong });
    expect(events).toMatchObject([{ reason: Drop.PktTooBig, node: Node.IpOutput, length: 1501 }]);
  });

  it("is cut again by a router with a smaller MTU behind it", () => {
    const { draft, left, right } = twoBridges([1500, 600]);
    draft.flow(left.namespace, right, { bytes: 3000, count: 1 });
    const { counters, lines } = simulate(draft.program(), { untilNs: 10 * MS, capture: [right.device] });
    expect(counters.flows[0]).toMatchObject({ delivered: 1, deliveredBytes: 3000 });
    // The last piece needs no cutting: it passes those of its predecessors that wait for their turn.
    expect(lines.filter((line) => line.includes("frag"))).toEqual([
      "172.20.0.2 > 172.21.0.2 len 68 ttl 63 frag 2960",
      "172.20.0.2 > 172.21.0.2 len 596 ttl 63 frag 0+ udp 40000 > 9000",
      "172.20.0.2 > 172.21.0.2 len 596 ttl 63 frag 576+",
      "172.20.0.2 > 172.21.0.2 len 348 ttl 63 frag 1152+",
      "172.20.0.2 > 172.21.0.2 len 596 ttl 63 frag 1480+",
      "172.20.0.2 > 172.21.0.2 len 596 ttl 63 frag 2056+",
      "172.20.0.2 > 172.21.0.2 len 348 ttl 63 frag 2632+",
    ]);
  });
});

describe("reassembly", () => {
  const PAYLOAD = Uint8Array.from({ length: 100 }, (_, i) => i * 7);
  const DATAGRAM = udp(5000, 9000, PAYLOAD);

  /** Lets fragments of one datagram arrive at a host that listens on port 9000. */
  function arriving(pieces: readonly (readonly [offset: number, length: number, more: boolean])[], untilNs = MS, bytes = DATAGRAM) {
    const { draft, left, right } = twoHosts();
    draft.socket({ namespace: right.namespace, port: 9000 });
    const [source, destination] = [draft.devices[left.device], draft.devices[right.device]];
    const frames = pieces.map(([offset, length, more], timeNs) => {
      const fragment = (more ? 0x2000 : 0) | (offset / 8);
      const datagram = ipv4(
        { source: left.ip, destination: right.ip, protocol: PROTOCOL_UDP, id: 77, fragment },
        bytes.slice(offset, offset + length),
      );
      return { timeNs, device: right.device, bytes: ethernet(destination, source, 0x0800, datagram) };
    });
    return simulate(draft.program(), { untilNs, frames, capture: [right.device] });
  }

  it("puts pieces together in whatever order they come", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 13 }), { maxLength: 6 }).map((units) => units.sort((a, b) => a - b));
    fc.assert(
      fc.property(cuts, fc.infiniteStream(fc.nat(100)), (units, keys) => {
        const borders = [0, ...units.map((unit) => unit * 8), DATAGRAM.length];
        const pieces = borders
          .slice(1)
          .map((end, i) => ({ piece: [borders[i], end - borders[i], end < DATAGRAM.length] as const, key: keys.next().value ?? 0 }));
        const shuffled = pieces.sort((a, b) => a.key - b.key).map(({ piece }) => piece);
        const { counters, drops } = arriving(shuffled);
        expect([counters.totals.delivered, drops]).toEqual([1, {}]);
      }),
      { numRuns: 40 },
    );
  });

  it("drops a piece that came before and goes on", () => {
    const { counters, drops } = arriving([
      [0, 56, true],
      [0, 56, true],
      [16, 16, true],
      [56, 52, false],
    ]);
    expect([counters.totals.delivered, drops]).toEqual([1, { DupFrag: 2 }]);
  });

  it("gives up a datagram whose pieces overlap or contradict each other about its length", () => {
    expect(
      arriving([
        [0, 56, true],
        [48, 16, true],
        [56, 52, false],
      ]).counters.totals.delivered,
    ).toBe(0);
    expect(
      arriving([
        [0, 56, true],
        [48, 16, true],
      ]).drops,
    ).toEqual({ FragOverlap: 1 });
    expect(
      arriving(
        [
          [56, 44, false],
          [112, 8, false],
        ],
        MS,
        new Uint8Array(200),
      ).drops,
    ).toEqual({ FragOverlap: 1 });
    expect(
      arriving(
        [
          [56, 44, false],
          [112, 8, true],
        ],
        MS,
        new Uint8Array(200),
      ).drops,
    ).toEqual({ FragOverlap: 1 });
    expect(
      arriving([
        [64, 40, true],
        [8, 8, false],
      ]).drops,
    ).toEqual({ FragOverlap: 1 });
  });

  it("drops pieces that cannot be", () => {
    expect(arriving([[0, 50, true]]).drops).toEqual({ FragTooFar: 1 });
    expect(arriving([[65_528, 8, false]], MS, new Uint8Array(65_540)).drops).toEqual({ FragTooFar: 1 });
    expect(arriving([[8, 0, true]]).drops).toEqual({ FragTooFar: 1 });
  });

  it("waits 30 s for the rest, then tells the sender if it has the first piece", () => {
    const { events, lines } = arriving(
      [
        [0, 56, true],
        [64, 8, true],
      ],
      31 * SECOND,
    );
    expect(events).toMatchObject([{ reason: Drop.FragReasmTimeout, node: Node.Reassemble, length: 64 }]);
    expect(events[0].timeNs).toBeGreaterThan(30 * SECOND);
    expect(lines.slice(2)).toEqual([
      "who-has 10.0.0.1 tell 10.0.0.2",
      "10.0.0.1 is-at 02:42:0a:00:00:02",
      "10.0.0.2 > 10.0.0.1 len 104 ttl 64 icmp 11/1",
    ]);
    expect(arriving([[64, 8, true]], 31 * SECOND).lines).toHaveLength(1);
  });

  it("has room for 64 datagrams at a time", () => {
    const { draft, left, right } = twoHosts();
    const frames = Array.from({ length: REASSEMBLY_MAX + 1 }, (_, id) => {
      const datagram = ipv4({ source: left.ip, destination: right.ip, protocol: PROTOCOL_UDP, id, fragment: 0x2000 }, new Uint8Array(8));
      return {
        timeNs: id,
        device: right.device,
        bytes: ethernet(draft.devices[right.device], draft.devices[left.device], 0x0800, datagram),
      };
    });
    const { drops } = simulate(draft.program(), { untilNs: MS, frames });
    expect(drops).toEqual({ NoMemory: 1 });
  });
});

describe("a path that takes less than the first link", () => {
  it("is found out by DF, the router's ICMP and a smaller second try", () => {
    const { draft, left, right } = twoBridges([1500, 1400]);
    draft.flow(left.namespace, right, { bytes: 1472, count: 2, intervalNs: 10 * MS });
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [left.device] });
    expect(counters.flows[0]).toMatchObject({ sent: 2, delivered: 1, errors: 0 });
    expect(lines.slice(2)).toEqual([
      "172.20.0.2 > 172.21.0.2 len 1500 ttl 64 df udp 40000 > 9000",
      "172.20.0.1 > 172.20.0.2 len 576 ttl 64 icmp 3/4",
      "172.20.0.2 > 172.21.0.2 len 1396 ttl 64 frag 0+ udp 40000 > 9000",
      "172.20.0.2 > 172.21.0.2 len 124 ttl 64 frag 1376",
    ]);
  });

  it("is an error for a flow that insists on DF", () => {
    const { draft, left, right } = twoBridges([1500, 1400]);
    draft.flow(left.namespace, right, { bytes: 1472, count: 2, intervalNs: 10 * MS, dontFragment: 1 });
    const { counters, drops } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows[0]).toMatchObject({ sent: 2, delivered: 0, errors: 2, error: FlowError.MessageTooLong });
    expect(drops).toEqual({ PktTooBig: 2 });
  });

  it("shrinks the segments of a connection", () => {
    const { draft, left, right } = twoBridges([1500, 1400]);
    draft.request(left.namespace, right, { bytes: 5000, responseBytes: 5000 });
    const { counters } = simulate(draft.program(), { untilNs: 10 * SECOND });
    expect(counters.flows[0]).toMatchObject({ answered: 1, errors: 0 });
  });

  it("does not matter on a cable that takes all", () => {
    const { draft, left, right } = twoHosts(CABLE, 9000);
    draft.flow(left.namespace, right, { bytes: 8000, count: 1 });
    const { counters } = simulate(draft.program({ capacity: { frameBytes: 9014 } }), { untilNs: SECOND });
    expect(counters.devices[right.device].rxPackets).toBe(2);
  });
});
