import { describe, expect, it } from "vitest";
import { Drop } from "../../../../assembly/abi/drop";
import { SOCKET_QUEUE_MAX } from "../../../../assembly/abi/limits";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { Node } from "../../../../assembly/abi/node";
import { ethernet, ipv4, udp } from "../../../../test/support/frame";
import { chance, CABLE, containersOnBridge, MS, SECOND, twoHosts } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

describe("datagrams", () => {
  it("arrive once each, with their one-way latency", () => {
    const { draft, left, right } = twoHosts();
    draft.flow(left.namespace, right, { count: 20, intervalNs: MS });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    const [flow] = counters.flows;
    expect(flow).toMatchObject({ sent: 20, delivered: 20, deliveredBytes: 1280, duplicates: 0, inFlight: 0, latency: { count: 20 } });
    expect(flow.latency.minNs).toBeGreaterThan(50_000);
  });

  it("are answered by a responder, and counted once though the link doubles them", () => {
    const { draft, left, right } = twoHosts({ ...CABLE, duplicate: chance(1) });
    draft.flow(left.namespace, right, { kind: FlowKind.Request, count: 5 });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows[0]).toMatchObject({ sent: 5, delivered: 5, answered: 5, answeredBytes: 640 });
    expect(counters.flows[0].duplicates).toBe(5 + 15);
  });

  it("of a closed loop follow each other, and time out when they are lost", () => {
    const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(1) });
    const { macHigh, macLow } = draft.devices[right.device];
    draft.neighbours.push({ device: left.device, ip: right.ip, macHigh, macLow });
    draft.flow(left.namespace, right, { kind: FlowKind.Request, intervalNs: 0, timeoutNs: 100 * MS, thinkNs: 10 * MS });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows[0]).toMatchObject({ sent: 10, timeouts: 9, answered: 0 });
  });

  it("that nobody reads fast enough are dropped at the socket's queue", () => {
    const { draft, left, right } = twoHosts();
    draft.flow(left.namespace, right, { kind: FlowKind.Request, count: 1 });
    const [source, destination] = [draft.devices[left.device], draft.devices[right.device]];
    const datagram = ipv4({ source: left.ip, destination: right.ip, protocol: 17 }, udp(5000, 9000, new Uint8Array(8)));
    const frames = Array.from({ length: SOCKET_QUEUE_MAX + 10 }, () => ({
      timeNs: 0,
      device: right.device,
      bytes: ethernet(destination, source, 0x0800, datagram),
    }));
    const { drops } = simulate(draft.program(), { untilNs: MS, frames });
    expect(drops).toMatchObject({ SocketRcvBuff: 10 });
  });

  it("are echoed if they belong to no flow", () => {
    const { draft, left, right } = twoHosts();
    draft.socket({ namespace: right.namespace, port: 7, role: SocketRole.Responder });
    const datagram = ipv4({ source: left.ip, destination: right.ip, protocol: 17 }, udp(5000, 7, new Uint8Array(33)));
    const bytes = ethernet(draft.devices[right.device], draft.devices[left.device], 0x0800, datagram);
    const { lines } = simulate(draft.program(), {
      untilNs: SECOND,
      capture: [left.device],
      frames: [{ timeNs: 0, device: right.device, bytes }],
    });
    expect(lines).toEqual([
      "who-has 10.0.0.1 tell 10.0.0.2",
      "10.0.0.1 is-at 02:42:0a:00:00:02",
      "10.0.0.2 > 10.0.0.1 len 61 ttl 64 df udp 7 > 5000",
      "10.0.0.1 > 10.0.0.2 len 89 ttl 64 icmp 3/3",
    ]);
  });

  it("with a wrong length or checksum are dropped", () => {
    const { draft, left, right } = twoHosts();
    const [source, destination] = [draft.devices[left.device], draft.devices[right.device]];
    const broken = (change: (bytes: Uint8Array) => void) => {
      const payload = udp(5000, 9000, new Uint8Array(8));
      change(payload);
      const bytes = ethernet(destination, source, 0x0800, ipv4({ source: left.ip, destination: right.ip, protocol: 17 }, payload));
      return simulate(draft.program(), { untilNs: MS, frames: [{ timeNs: 0, device: right.device, bytes }] }).drops;
    };
    expect(broken((bytes) => (bytes[5] = 7))).toEqual({ PktTooSmall: 1 });
    expect(broken((bytes) => (bytes[5] = 17))).toEqual({ PktTooSmall: 1 });
    expect(broken((bytes) => (bytes[7] = 1))).toEqual({ UdpCsum: 1 });
    expect(broken((bytes) => (bytes[5] = 12))).toEqual({ NoSocket: 1 });
  });
});

describe("a traced packet", () => {
  it("records every node it visits, in order, with the time after it", () => {
    const { draft, containers } = containersOnBridge(2);
    const [a, b] = containers;
    const { macHigh, macLow } = draft.devices[b.device];
    draft.neighbours.push({ device: a.device, ip: b.ip, macHigh, macLow });
    draft.flow(a.namespace, b, { count: 2 });
    const { events } = simulate(draft.program(), { untilNs: SECOND, trace: [{ flow: 0, packets: 1 }] });
    const nodes = [
      Node.SocketOutput,
      Node.IpOutput,
      Node.NeighbourOutput,
      Node.DeviceTransmit,
      Node.Receive,
      Node.BridgeInput,
      Node.BridgeFlood,
      Node.BridgeForward,
      Node.DeviceTransmit,
      Node.Receive,
      Node.IpInput,
      Node.LocalDeliver,
      Node.UdpInput,
      Node.UdpInput,
    ];
    expect(events.map(({ node }) => node)).toEqual(nodes);
    expect(new Set(events.map(({ packet }) => packet))).toEqual(new Set([0]));
    expect(events.map(({ timeNs }) => timeNs)).toEqual([...events.map(({ timeNs }) => timeNs)].sort((x, y) => x - y));
    expect(events.every(({ reason }) => reason === Drop.None)).toBe(true);
  });
});
