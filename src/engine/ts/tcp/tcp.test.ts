import { describe, expect, it } from "vitest";
import { FlowError, FlowState } from "../../../../assembly/abi/counter";
import { Hook, Table, Target } from "../../../../assembly/abi/netfilter";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { ethernet, ipv4, tcp } from "../../../../test/support/frame";
import { CABLE, chance, containersOnBridge, MS, SECOND, twoBridges, twoHosts } from "../../../../test/support/program";
import { addChain } from "../../../../test/support/rules";
import { simulate } from "../../../../test/support/simulate";

describe("one request over TCP", () => {
  it("is frame by frame what Docker 29 on Linux 6 was recorded to do", () => {
    const { draft, containers } = containersOnBridge(2);
    const [server, client] = containers;
    draft.request(client.namespace, server, { bytes: 36, responseBytes: 137, sourcePort: 40_000 });
    const { frames, lines, counters } = simulate(draft.program(), { untilNs: SECOND, capture: [client.device] });
    const forth = "172.17.0.3 > 172.17.0.2";
    const back = "172.17.0.2 > 172.17.0.3";
    // wget in a container from a web server in another one: direction, IP length, flags, payload.
    // The recorded server closed first; a flow's client does.
    expect(lines.slice(2)).toEqual([
      `${forth} len 60 ttl 64 df tcp 40000 > 80 S data 0`,
      `${back} len 60 ttl 64 df tcp 80 > 40000 S. data 0`,
      `${forth} len 52 ttl 64 df tcp 40000 > 80 . data 0`,
      `${forth} len 88 ttl 64 df tcp 40000 > 80 P. data 36`,
      `${back} len 52 ttl 64 df tcp 80 > 40000 . data 0`,
      `${back} len 189 ttl 64 df tcp 80 > 40000 P. data 137`,
      `${forth} len 52 ttl 64 df tcp 40000 > 80 . data 0`,
      `${forth} len 52 ttl 64 df tcp 40000 > 80 F. data 0`,
      `${back} len 52 ttl 64 df tcp 80 > 40000 F. data 0`,
      `${forth} len 52 ttl 64 df tcp 40000 > 80 . data 0`,
    ]);
    const [syn, synAck] = frames.slice(2, 4).map(({ bytes }) => bytes.subarray(54, 74));
    for (const options of [syn, synAck]) {
      expect(Array.from(options.subarray(0, 8))).toEqual([2, 4, 5, 180, 4, 2, 8, 10]);
      expect(Array.from(options.subarray(16))).toEqual([1, 3, 3, 7]);
    }
    expect(counters.flows[0]).toMatchObject({
      sent: 1,
      delivered: 1,
      answered: 1,
      answeredBytes: 137,
      state: FlowState.Finished,
      retransmits: 0,
    });
  });
});

describe("a connection", () => {
  it("is refused where nobody listens, and tried again by the next message", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.request(containers[1].namespace, containers[0], { unserved: true, count: 2, intervalNs: 100 * MS });
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [containers[1].device] });
    expect(counters.flows[0]).toMatchObject({ sent: 2, delivered: 0, errors: 2, error: FlowError.ConnectionRefused, inFlight: 0 });
    expect(lines.filter((line) => line.includes("R."))).toHaveLength(2);
  });

  it("gives up after eleven SYNs without an answer, of which the first six are a second apart", () => {
    const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(1) });
    draft.neighbours.push({ device: left.device, ip: right.ip, macHigh: 2, macLow: 2 });
    draft.request(left.namespace, right);
    const { counters, lines, frames } = simulate(draft.program(), { untilNs: 200 * SECOND, capture: [left.device] });
    expect(lines.every((line) => line.includes(" S data 0"))).toBe(true);
    const times = frames.filter(({ reason }) => reason === 0).map(({ timeNs }) => Math.floor(timeNs / SECOND));
    expect(times).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
    expect(counters.flows[0]).toMatchObject({ errors: 1, error: FlowError.TimedOut, state: FlowState.Failed, retransmits: 10 });
  });

  it("repeats what was lost behind the handshake as soon as the round trip has it, though the SYN's timer is still in the queue", () => {
    const { draft, root, left, right } = twoBridges();
    addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules: [{ protocol: PROTOCOL_TCP, tcpFlags: [8, 8], target: Target.Drop }] });
    draft.request(left.namespace, right);
    const { frames, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [left.device] });
    const times = frames.filter((_, at) => lines[at]!.includes(" P.")).map(({ timeNs }) => Math.floor(timeNs / MS));
    expect(times).toEqual([0, 200, 600]);
  });

  it("fails at once without a route", () => {
    const { draft, left } = twoHosts();
    draft.request(
      left.namespace,
      { namespace: 0, ip: 0xcb007101 },
      { unserved: true, kind: FlowKind.Request, intervalNs: 0, thinkNs: 100 * MS, count: 3 },
    );
    const { counters, drops } = simulate(draft.program(), { untilNs: SECOND });
    expect(drops).toEqual({ IpOutNoRoutes: 3 });
    expect(counters.flows[0]).toMatchObject({ sent: 3, errors: 3, timeouts: 3, error: FlowError.NetworkUnreachable });
  });

  it("delivers every byte in order though the link loses, doubles and reorders", () => {
    for (const seed of [1, 2, 3, 4]) {
      const { draft, left, right } = twoHosts({
        ...CABLE,
        rateBps: 1e8,
        loss: chance(0.05),
        duplicate: chance(0.05),
        reorder: chance(0.05),
        jitterNs: 20_000,
      });
      draft.flow(left.namespace, right, { protocol: PROTOCOL_TCP, bytes: 10_000, count: 50, intervalNs: 5 * MS });
      const { counters } = simulate(draft.program(), { untilNs: 60 * SECOND, seed });
      const [flow] = counters.flows;
      expect(flow).toMatchObject({ sent: 50, delivered: 50, deliveredBytes: 500_000, duplicates: 0, reordered: 0, inFlight: 0, errors: 0 });
      expect(flow.retransmits).toBeGreaterThan(0);
      expect(counters.totals.packetsAlive).toBe(0);
    }
  });

  it("fills a link of 10 Mbit/s and shares it with another", () => {
    const { draft, left, right } = twoHosts({ ...CABLE, rateBps: 1e7, delayNs: MS, limit: 20 });
    for (let i = 0; i < 2; i++) draft.flow(left.namespace, right, { protocol: PROTOCOL_TCP, bytes: 10_000, intervalNs: 8 * MS });
    const { counters } = simulate(draft.program(), { untilNs: 10 * SECOND });
    const bytes = counters.flows.map(({ deliveredBytes }) => deliveredBytes);
    expect(bytes[0] + bytes[1]).toBeGreaterThan(0.85 * 1.25e7 * 0.95);
    expect(Math.min(...bytes) / Math.max(...bytes)).toBeGreaterThan(0.3);
  });

  it("answers many requests in turn and closes when the flow is done", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.request(containers[1].namespace, containers[0], { count: 100, intervalNs: 0, thinkNs: MS, bytes: 200, responseBytes: 3000 });
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [containers[1].device] });
    expect(counters.flows[0]).toMatchObject({ sent: 100, delivered: 100, answered: 100, timeouts: 0, state: FlowState.Finished });
    expect(lines.filter((line) => / S data/.test(line))).toHaveLength(1);
    expect(lines.filter((line) => / F\. data/.test(line))).toHaveLength(2);
  });

  it("cannot be made when the table of connections is full", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.request(containers[1].namespace, containers[0]);
    const { drops, counters } = simulate(draft.program({ capacity: { connections: 1 } }), { untilNs: 200 * SECOND });
    expect(drops).toEqual({ TcpListenOverflow: 11 });
    expect(counters.flows[0]).toMatchObject({ errors: 1, error: FlowError.TimedOut });
    const none = simulate(draft.program({ capacity: { connections: 0 } }), { untilNs: 995 * MS });
    expect(none.counters.flows[0]).toMatchObject({ sent: 0, blocked: 100, errors: 100 });
  });
});

describe("segments from nowhere", () => {
  /** Sends forged segments to a host that listens on port 80. */
  function forged(segments: readonly { flags: number; sequence: number; acknowledgement?: number; payload?: Uint8Array }[]) {
    const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(1) });
    draft.socket({ namespace: right.namespace, protocol: PROTOCOL_TCP, port: 80, role: SocketRole.Responder });
    const { macHigh, macLow } = draft.devices[left.device];
    draft.neighbours.push({ device: right.device, ip: left.ip, macHigh, macLow });
    const frames = segments.map(({ payload, ...fields }, timeNs) => {
      const segment = tcp({ source: left.ip, destination: right.ip, sourcePort: 5000, destinationPort: 80, ...fields }, payload);
      const datagram = ipv4({ source: left.ip, destination: right.ip, protocol: PROTOCOL_TCP }, segment);
      return { timeNs, device: right.device, bytes: ethernet(draft.devices[right.device], draft.devices[left.device], 0x0800, datagram) };
    });
    const { lines, drops } = simulate(draft.program(), { untilNs: MS, frames, capture: [right.device] });
    const { LinkLoss: lost, ...others } = drops;
    const answers = lines.filter((line) => line.startsWith("10.0.0.2")).map((line) => line.split("5000 ")[1]);
    expect(lost ?? 0).toBe(answers.length);
    return { answers, drops: others };
  }

  it("are reset by a listening socket unless they are a SYN", () => {
    expect(forged([{ flags: 16, sequence: 9, acknowledgement: 7 }])).toEqual({ answers: ["R data 0"], drops: { NoSocket: 1 } });
    expect(forged([{ flags: 4, sequence: 9 }])).toEqual({ answers: [], drops: { TcpReset: 1 } });
    expect(forged([{ flags: 0, sequence: 9 }])).toEqual({ answers: [], drops: { TcpFlags: 1 } });
    expect(forged([{ flags: 3, sequence: 9 }])).toEqual({ answers: [], drops: { TcpFlags: 1 } });
  });

  it("half-open a connection that answers a repeated SYN again and dies by a reset", () => {
    const syn = { flags: 2, sequence: 100 };
    expect(forged([syn, syn])).toEqual({ answers: ["S. data 0", "S. data 0"], drops: {} });
    expect(forged([syn, { flags: 4, sequence: 101 }])).toEqual({ answers: ["S. data 0"], drops: { TcpReset: 1 } });
  });

  it("outside the window are answered with what is expected", () => {
    const outside = [
      { flags: 16, sequence: 50, acknowledgement: 1 },
      { flags: 16, sequence: 0x50000000, acknowledgement: 1 },
    ];
    expect(forged([{ flags: 2, sequence: 100 }, ...outside])).toEqual({
      answers: ["S. data 0", ". data 0", ". data 0"],
      drops: { TcpOldData: 1, TcpInvalidSequence: 1 },
    });
  });
});
