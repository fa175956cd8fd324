import { describe, expect, it } from "vitest";
import { Drop } from "../../../../assembly/abi/drop";
import { FlowError } from "../../../../assembly/abi/counter";
import { NEIGHBOUR_QUEUE_MAX } from "../../../../assembly/abi/limits";
import { Node } from "../../../../assembly/abi/node";
import { arp, BROADCAST } from "../../../../test/support/frame";
import { containersOnBridge, ip, MS, SECOND, twoHosts } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

const NOBODY = { namespace: 0, ip: ip("172.17.0.99") };

describe("a neighbour that nobody is", () => {
  it("is asked for three times, one second apart, then every waiting packet fails", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.flow(containers[0].namespace, NOBODY, { unserved: true, count: 2, intervalNs: 100 * MS });
    const { frames, lines, events, counters } = simulate(draft.program(), { untilNs: 4 * SECOND, capture: [containers[0].device] });
    expect(lines).toEqual(Array.from({ length: 3 }, () => "who-has 172.17.0.99 tell 172.17.0.2"));
    const times = frames.map(({ timeNs }) => Math.floor(timeNs / MS));
    expect(times).toEqual([0, 1000, 2000]);
    const failed = events.filter(({ reason }) => reason === Drop.NeighFailed);
    expect(failed.map(({ node, sequence, timeNs }) => [node, sequence, Math.floor(timeNs / MS)])).toEqual([
      [Node.NeighbourOutput, 0, 3000],
      [Node.NeighbourOutput, 1, 3000],
    ]);
    expect(counters.flows[0]).toMatchObject({ errors: 0, error: FlowError.HostUnreachable, inFlight: 0 });
  });

  it("is asked for again by the next packet after that", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.flow(containers[0].namespace, NOBODY, { unserved: true, count: 2, intervalNs: 5 * SECOND });
    const { lines } = simulate(draft.program(), { untilNs: 20 * SECOND, capture: [containers[0].device] });
    expect(lines).toHaveLength(6);
  });

  it("keeps 101 packets waiting and drops the oldest beyond that", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.flow(containers[0].namespace, NOBODY, { unserved: true, count: 105, intervalNs: MS });
    const { events, drops, counters } = simulate(draft.program(), { untilNs: 2 * SECOND });
    expect(counters.flows[0].inFlight).toBe(NEIGHBOUR_QUEUE_MAX);
    expect(drops).toEqual({ NeighQueueFull: 4 });
    expect(events.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
  });
});

describe("a neighbour that is known", () => {
  it("is asked for once, and the packets that waited follow in their order", () => {
    const { draft, left, right } = twoHosts();
    draft.flow(left.namespace, right, { count: 3, intervalNs: 10_000 });
    const { lines } = simulate(draft.program(), { untilNs: SECOND, capture: [left.device] });
    const message = "10.0.0.1 > 10.0.0.2 len 92 ttl 64 df udp 40000 > 9000";
    expect(lines).toEqual(["who-has 10.0.0.2 tell 10.0.0.1", "10.0.0.2 is-at 02:42:0a:00:00:03", message, message, message]);
  });

  it("becomes stale after 30 s, is used for 5 s more, then probed by unicast", () => {
    const { draft, containers } = containersOnBridge(2);
    const [a, b] = containers;
    draft.flow(a.namespace, b, { count: 2, intervalNs: 40 * SECOND });
    const { frames, lines } = simulate(draft.program(), { untilNs: 60 * SECOND, capture: [a.device] });
    const seen = lines.map((line, i) => `${Math.floor(frames[i].timeNs / SECOND)} ${line}`);
    const message = "172.17.0.2 > 172.17.0.3 len 92 ttl 64 df udp 40000 > 9000";
    expect(seen).toEqual([
      "0 who-has 172.17.0.3 tell 172.17.0.2",
      "0 172.17.0.3 is-at 02:42:ac:11:00:03",
      `0 ${message}`,
      `40 ${message}`,
      "45 who-has 172.17.0.3 tell 172.17.0.2",
      "45 172.17.0.3 is-at 02:42:ac:11:00:03",
    ]);
    expect(frames[4].bytes.subarray(0, 6)).toEqual(Uint8Array.of(2, 0x42, 0xac, 17, 0, 3));
  });

  it("that is permanent is never asked for", () => {
    const { draft, containers } = containersOnBridge(2);
    const [a, b] = containers;
    const { macHigh, macLow } = draft.devices[b.device];
    draft.neighbours.push({ device: a.device, ip: b.ip, macHigh, macLow });
    draft.flow(a.namespace, b, { count: 1 });
    const { lines } = simulate(draft.program(), { untilNs: SECOND, capture: [a.device] });
    expect(lines).toEqual(["172.17.0.2 > 172.17.0.3 len 92 ttl 64 df udp 40000 > 9000"]);
  });

  it("moves to another MAC when a gratuitous ARP says so", () => {
    const { draft, containers } = containersOnBridge(3);
    const [a, b, c] = containers;
    draft.flow(a.namespace, b, { count: 2, intervalNs: 500 * MS });
    const thief = { ...draft.devices[c.device], ip: b.ip };
    const frame = arp(1, thief, { ...BROADCAST, ip: b.ip }, BROADCAST);
    const frames = [{ timeNs: 200 * MS, device: c.port, bytes: frame }];
    const { drops, counters } = simulate(draft.program(), { untilNs: SECOND, frames });
    expect(counters.flows[0]).toMatchObject({ sent: 2, delivered: 1 });
    expect(drops).toMatchObject({ IpInAddrErrors: 1 });
  });

  it("cannot be added to a full table", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.flow(containers[0].namespace, containers[1], { count: 3 });
    const { drops } = simulate(draft.program({ capacity: { neighbours: 0 } }), { untilNs: SECOND });
    expect(drops).toEqual({ NeighCreateFail: 3 });
  });
});
