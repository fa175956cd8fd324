import { describe, expect, it } from "vitest";
import { FlowError, FlowState } from "../../../../assembly/abi/counter";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { NONE } from "../../../../assembly/abi/version";
import { CABLE, chance, containersOnBridge, ip, MS, SECOND, twoHosts } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

/** Two containers, the second of which asks the first. */
function pair() {
  const { draft, root, bridge, containers } = containersOnBridge(2);
  const [server, client] = containers;
  return { draft, root, bridge, server, client };
}

describe("an exchange", () => {
  it("is frame by frame what was recorded of wget between two containers", () => {
    const { draft, server, client } = pair();
    // What the server says is as long as its JSON: head, name, and both addresses of ten digits and dots.
    draft.socket({ namespace: server.namespace, protocol: 6, port: 80, role: SocketRole.Identity, responseBytes: 117 });
    draft.exchange(client.namespace, server, { sourcePort: 40_000, bytes: 36 });
    const { lines, frames, counters } = simulate(draft.program(), { untilNs: SECOND, capture: [client.device] });
    const forth = "172.17.0.3 > 172.17.0.2";
    const back = "172.17.0.2 > 172.17.0.3";
    expect(lines.slice(2)).toEqual([
      `${forth} len 60 ttl 64 df tcp 40000 > 80 S data 0`,
      `${back} len 60 ttl 64 df tcp 80 > 40000 S. data 0`,
      `${forth} len 52 ttl 64 df tcp 40000 > 80 . data 0`,
      `${forth} len 88 ttl 64 df tcp 40000 > 80 P. data 36`,
      `${back} len 52 ttl 64 df tcp 80 > 40000 . data 0`,
      `${back} len 189 ttl 64 df tcp 80 > 40000 P. data 137`,
      `${forth} len 52 ttl 64 df tcp 40000 > 80 . data 0`,
      `${back} len 52 ttl 64 df tcp 80 > 40000 F. data 0`,
      `${forth} len 52 ttl 64 df tcp 40000 > 80 F. data 0`,
      `${back} len 52 ttl 64 df tcp 80 > 40000 . data 0`,
    ]);
    const text = frames.slice(4).map(({ bytes }) => new TextDecoder().decode(bytes.subarray(66))).join("");
    expect(text).toMatch(/^GET \/ HTTP\/1.0\r\nHost: [a-z]{10}\r\n\r\nHTTP\/1.0 200 OK\r\n\r\n[a-z]{118}$/);
    expect(counters.flows[0]).toMatchObject({ sent: 1, delivered: 1, answered: 1, answeredBytes: 137, errors: 0, inFlight: 0 });
    expect(counters.flows[0].outcome).toMatchObject({ server: server.namespace, peerIp: client.ip, peerPort: 40_000, localIp: server.ip, localPort: 80 });
  });

  it("takes a connection each, in turn over its ports", () => {
    const { draft, server, client } = pair();
    draft.exchange(client.namespace, server, { count: 40, intervalNs: 0, sourcePort: 40_000, sourcePorts: 8, thinkNs: MS });
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [client.device] });
    expect(counters.flows[0]).toMatchObject({ sent: 40, delivered: 40, answered: 40, timeouts: 0, retransmits: 0, state: FlowState.Finished });
    const ports = lines.flatMap((line) => /tcp (\d+) > 80 S data/.exec(line)?.[1] ?? []);
    expect(ports).toHaveLength(40);
    expect(new Set(ports).size).toBe(8);
  });

  it("survives loss", () => {
    const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(0.1) });
    draft.exchange(left.namespace, right, { count: 30, intervalNs: 0, sourcePorts: 32, timeoutNs: 100 * SECOND, bytes: 3000, responseBytes: 9000 });
    const { counters } = simulate(draft.program(), { untilNs: 300 * SECOND });
    expect(counters.flows[0]).toMatchObject({ sent: 30, answered: 30, answeredBytes: 270_000, errors: 0 });
    expect(counters.flows[0].retransmits).toBeGreaterThan(0);
    expect(counters.totals.packetsAlive).toBe(0);
  });

  it("is refused, or not answered, or closed without a word", () => {
    const { draft, server, client } = pair();
    draft.exchange(client.namespace, server, { unserved: true, destinationPort: 81 });
    draft.exchange(client.namespace, server, { role: SocketRole.Sink, destinationPort: 82, timeoutNs: 100 * MS });
    draft.exchange(client.namespace, server, { responseBytes: 0, destinationPort: 83 });
    draft.exchange(client.namespace, { namespace: 0, ip: ip("172.17.0.99") }, { unserved: true, timeoutNs: 20 * SECOND });
    const { counters } = simulate(draft.program(), { untilNs: 10 * SECOND });
    const [refused, silent, closed, nobody] = counters.flows;
    expect(refused).toMatchObject({ errors: 1, error: FlowError.ConnectionRefused, timeouts: 1 });
    expect(silent).toMatchObject({ delivered: 1, answered: 0, errors: 0, timeouts: 1 });
    expect(closed).toMatchObject({ delivered: 1, answered: 0, errors: 1, error: FlowError.Closed });
    expect(nobody).toMatchObject({ errors: 1, error: FlowError.HostUnreachable, outcome: { errorBy: client.ip, server: NONE } });
  });

  it("stops after the first answer if it is told to", () => {
    const { draft, server, client } = pair();
    draft.exchange(client.namespace, server, { count: NONE, intervalNs: 100 * MS, untilAnswer: 1 });
    draft.ping(client.namespace, server, { count: 5, intervalNs: SECOND, untilAnswer: 1 });
    draft.ping(client.namespace, { namespace: 0, ip: ip("172.17.0.99") }, { count: 5, intervalNs: SECOND, untilAnswer: 1 });
    const { counters } = simulate(draft.program(), { untilNs: 10 * SECOND });
    expect(counters.flows.map(({ sent, answered, state }) => [sent, answered, state])).toEqual([
      [1, 1, FlowState.Finished],
      [1, 1, FlowState.Finished],
      [4, 0, FlowState.Finished],
    ]);
    expect(counters.flows[1].outcome).toMatchObject({ replyTtl: 64, server: server.namespace, peerIp: client.ip, localIp: server.ip });
    expect(counters.flows[2].outcome.errorBy).toBe(client.ip);
  });
});

describe("a ping", () => {
  it("to a broadcast address is not allowed", () => {
    const { draft, client } = pair();
    for (const address of ["172.17.255.255", "255.255.255.255"]) {
      draft.flow(client.namespace, { namespace: 0, ip: ip(address) }, { kind: FlowKind.Ping, protocol: PROTOCOL_ICMP, count: 1 });
    }
    const { counters } = simulate(draft.program(), { untilNs: MS });
    for (const flow of counters.flows) expect(flow).toMatchObject({ sent: 0, blocked: 1, errors: 1, error: FlowError.AccessDenied });
    expect(counters.totals).toMatchObject({ packetsPeak: 0, dropped: 0 });
  });
});

describe("an identity server", () => {
  it("answers datagrams with as many bytes as its text has", () => {
    const { draft, server, client } = pair();
    draft.socket({ namespace: server.namespace, port: 9000, role: SocketRole.Identity, responseBytes: 36 });
    draft.flow(client.namespace, server, { protocol: PROTOCOL_UDP, kind: FlowKind.Request, bytes: 3, count: 1 });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows[0]).toMatchObject({ sent: 1, delivered: 1, answered: 1, answeredBytes: 56 });
    expect(counters.flows[0].outcome).toMatchObject({ server: server.namespace, peerIp: client.ip, localIp: server.ip, localPort: 9000 });
  });
});
