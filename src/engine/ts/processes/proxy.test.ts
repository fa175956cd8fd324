import { describe, expect, it } from "vitest";
import { FlowError, FlowState } from "../../../../assembly/abi/counter";
import { DNS_A, RESOLVER_AUTHORITATIVE } from "../../../../assembly/abi/dns";
import { FlowKind, SOCKET_ASKED_SOURCE, SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { CABLE, chance, containersOnBridge, ip, MS, SECOND, type Endpoint, type ProgramDraft } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";
import { decodeDnsAnswer } from "../../../observe/dns-message";

const GATEWAY = ip("172.17.0.1");

/** Two containers on a host whose port 8080 leads to port 80 of the first. */
function published(protocol: number, options: { readonly flags?: number; readonly link?: typeof CABLE } = {}) {
  const { draft, root, bridge, containers } = containersOnBridge(2, options);
  const [server, client] = containers;
  draft.socket({ namespace: root, protocol, port: 8080, role: SocketRole.Proxy, targetIp: server.ip, targetPort: 80, flags: options.flags });
  return { draft, root, bridge, server, client, host: { namespace: root, ip: GATEWAY } };
}

function exchange(draft: ProgramDraft, client: Endpoint, host: { readonly namespace: number; readonly ip: number }, options = {}) {
  return draft.exchange(client.namespace, host, { destinationPort: 8080, sourcePort: 40_000, bytes: 41, ...options });
}

describe("docker-proxy over TCP", () => {
  it("passes an exchange on, frame by frame as recorded where a container uses its own published port", () => {
    const { draft, server, client, host } = published(PROTOCOL_TCP);
    draft.socket({ namespace: server.namespace, protocol: PROTOCOL_TCP, port: 80, role: SocketRole.Identity, responseBytes: 117 });
    exchange(draft, client, host);
    const { lines, counters } = simulate(draft.program(), { untilNs: SECOND, capture: [server.device, client.device] });
    const at = (from: string, to: string) => lines.filter((line) => line.startsWith(`${from} > ${to}`)).map((line) => line.replace(/.* tcp/, "tcp"));
    const front = ["172.17.0.3", "172.17.0.1"] as const;
    const back = ["172.17.0.1", "172.17.0.2"] as const;
    expect(at(...front)).toEqual(["S", ".", "P. 41", ".", "F."].map(segment("40000 > 8080")));
    expect(at(front[1], front[0])).toEqual(["S.", ".", "P. 137", "F.", "."].map(segment("8080 > 40000")));
    expect(at(...back)).toEqual(["S", ".", "P. 41", ".", "F."].map(segment("60999 > 80")));
    expect(at(back[1], back[0])).toEqual(["S.", ".", "P. 137", "F.", "."].map(segment("80 > 60999")));
    expect(counters.flows[0]).toMatchObject({ sent: 1, delivered: 1, answered: 1, answeredBytes: 137 });
    expect(counters.flows[0].outcome).toMatchObject({ server: server.namespace, peerIp: GATEWAY, peerPort: 60_999, localIp: server.ip, localPort: 80 });
  });

  it("closes what it accepted when nobody listens behind it, or nobody is there", () => {
    const closed = published(PROTOCOL_TCP);
    exchange(closed.draft, closed.client, closed.host);
    const { counters } = simulate(closed.draft.program(), { untilNs: SECOND });
    expect(counters.flows[0]).toMatchObject({ answered: 0, errors: 1 });
    expect([FlowError.Closed, FlowError.ConnectionReset]).toContain(counters.flows[0].error);

    const absent = published(PROTOCOL_TCP);
    absent.draft.devices[absent.server.port] = { ...absent.draft.devices[absent.server.port], flags: 0 };
    exchange(absent.draft, absent.client, absent.host, { timeoutNs: 30 * SECOND });
    const second = simulate(absent.draft.program(), { untilNs: 20 * SECOND, capture: [absent.client.device] });
    // Its request lies unread when the proxy gives up: three ARP requests later the connection is reset.
    expect(second.counters.flows[0]).toMatchObject({ answered: 0, errors: 1, error: FlowError.ConnectionReset });
    expect(second.lines.filter((line) => line.includes("R. data 0"))).toHaveLength(1);

    const astray = published(PROTOCOL_TCP);
    astray.draft.sockets[0] = { ...astray.draft.sockets[0], targetIp: ip("198.51.100.1") };
    exchange(astray.draft, astray.client, astray.host);
    expect(simulate(astray.draft.program(), { untilNs: SECOND }).counters.flows[0].errors).toBe(1);
  });

  it("passes every byte on, both ways, over links that lose", () => {
    for (const seed of [1, 2, 3]) {
      const link = { ...CABLE, rateBps: 1e8, loss: chance(0.03), duplicate: chance(0.02), reorder: chance(0.03), jitterNs: 20_000 };
      const { draft, server, client, host } = published(PROTOCOL_TCP, { link });
      draft.socket({ namespace: server.namespace, protocol: PROTOCOL_TCP, port: 80, role: SocketRole.Responder });
      draft.request(client.namespace, host, { destinationPort: 8080, count: 20, bytes: 5000, responseBytes: 20_000, intervalNs: 5 * MS, unserved: true });
      const { counters } = simulate(draft.program(), { untilNs: 100 * SECOND, seed });
      expect(counters.flows[0]).toMatchObject({ sent: 20, delivered: 20, answered: 20, answeredBytes: 400_000, errors: 0, inFlight: 0, state: FlowState.Finished });
      expect(counters.totals.packetsAlive).toBe(0);
    }
  });

  it("holds a sender back that is faster than the way on", () => {
    const { draft, root, server, host } = published(PROTOCOL_TCP, { link: { ...CABLE, rateBps: 1e7, delayNs: MS, limit: 100 } });
    draft.socket({ namespace: server.namespace, protocol: PROTOCOL_TCP, port: 80, role: SocketRole.Sink });
    draft.flow(root, host, { protocol: PROTOCOL_TCP, destinationPort: 8080, bytes: 60_000, intervalNs: MS, stopNs: SECOND, unserved: true });
    const half = simulate(draft.program(), { untilNs: SECOND }).counters.flows[0];
    // Sent: what arrived and what two send buffers and a receive window hold.
    expect(half.sentBytes - half.deliveredBytes).toBeGreaterThan(8e6);
    expect(half.sentBytes - half.deliveredBytes).toBeLessThan(12e6);
    const { counters } = simulate(draft.program(), { untilNs: 60 * SECOND });
    expect(counters.flows[0]).toMatchObject({ errors: 0, inFlight: 0, state: FlowState.Finished });
    expect(counters.flows[0].delivered).toBe(counters.flows[0].sent);
  });

  it("acknowledges a half-closed end in time, and leaves the other half open", () => {
    const { draft, server, client, host } = published(PROTOCOL_TCP);
    draft.socket({ namespace: server.namespace, protocol: PROTOCOL_TCP, port: 80, role: SocketRole.Sink });
    draft.flow(client.namespace, host, { protocol: PROTOCOL_TCP, destinationPort: 8080, bytes: 100, count: 1, unserved: true });
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [client.device] });
    expect(counters.flows[0]).toMatchObject({ delivered: 1, state: FlowState.Finished, retransmits: 0 });
    expect(lines.filter((line) => line.includes(" F."))).toHaveLength(2);
  });
});

describe("docker-proxy over UDP", () => {
  const request = (draft: ProgramDraft, from: Endpoint, to: { readonly namespace: number; readonly ip: number }, options = {}) =>
    draft.flow(from.namespace, to, { protocol: PROTOCOL_UDP, kind: FlowKind.Request, destinationPort: 8080, bytes: 3, count: 1, unserved: true, ...options });

  it("speaks to the target by a socket per client, and answers from where the route says", () => {
    const { draft, server, client, host } = published(PROTOCOL_UDP);
    draft.socket({ namespace: server.namespace, port: 80, role: SocketRole.Identity, responseBytes: 36 });
    request(draft, client, host);
    request(draft, client, host, { count: 3, intervalNs: 10 * MS });
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [server.device] });
    expect(counters.flows).toMatchObject([{ answered: 1, answeredBytes: 56 }, { answered: 3 }]);
    const ports = lines.flatMap((line) => /172.17.0.1 > 172.17.0.2 .* udp (\d+) > 80/.exec(line)?.[1] ?? []);
    expect(ports).toEqual(["60999", "60998", "60998", "60998"]);
  });

  it("answers from another address of the host only if it is told to", () => {
    for (const flags of [0, SOCKET_ASKED_SOURCE]) {
      const { draft, root, server, client } = published(PROTOCOL_UDP, { flags });
      draft.address(draft.device(root, 3), ip("192.0.2.11"), 24);
      draft.socket({ namespace: server.namespace, port: 80, role: SocketRole.Responder });
      request(draft, client, { namespace: root, ip: ip("192.0.2.11") });
      const { lines } = simulate(draft.program(), { untilNs: SECOND, capture: [client.device] });
      expect(lines.filter((line) => line.includes("udp")).at(-1)).toContain(flags === 0 ? "172.17.0.1 > 172.17.0.3" : "192.0.2.11 > 172.17.0.3");
    }
  });

  it("ignores that nobody listens, and forgets a client 90 s after the last answer", () => {
    const { draft, server, client, host } = published(PROTOCOL_UDP);
    request(draft, client, host, { count: 2, intervalNs: 89 * SECOND });
    request(draft, client, host, { count: 2, intervalNs: 91 * SECOND });
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: 100 * SECOND, capture: [server.device] });
    expect(counters.flows).toMatchObject([{ sent: 2, answered: 0, errors: 0 }, { sent: 2, answered: 0, errors: 0 }]);
    expect(drops.NoSocket).toBe(4);
    const ports = lines.flatMap((line) => /172.17.0.1 > 172.17.0.2 .* udp (\d+) > 80/.exec(line)?.[1] ?? []);
    expect(ports).toEqual(["60999", "60998", "60999", "60997"]);
  });

  it("drops what finds no session or no way, and passes DNS on as it is", () => {
    const { draft, root, server, client, host } = published(PROTOCOL_UDP);
    draft.socket({ namespace: root, port: 8081, role: SocketRole.Proxy, targetIp: ip("198.51.100.1"), targetPort: 80 });
    request(draft, client, host, { destinationPort: 8081 });
    const resolver = draft.dns.resolver([draft.dns.zone({ "a.b": ["10.9.8.7"] })], [], RESOLVER_AUTHORITATIVE);
    draft.socket({ namespace: server.namespace, port: 80, role: SocketRole.NameServer, resolver });
    draft.query(client.namespace, GATEWAY, "a.b", { destinationPort: 8080, type: DNS_A });
    const { counters, drops } = simulate(draft.program(), { untilNs: SECOND });
    expect(drops).toEqual({ ProcessDrop: 1 });
    expect(decodeDnsAnswer(counters.flows[1].outcome.reply)?.records[0]?.data).toBe("10.9.8.7");
    const full = simulate(draft.program({ capacity: { sessions: 0 } }), { untilNs: SECOND });
    expect(full.drops).toEqual({ ProcessDrop: 2 });
  });

  it("is killed with its sessions when its socket is replaced", () => {
    const { draft, server, client, host } = published(PROTOCOL_UDP);
    draft.socket({ namespace: server.namespace, port: 80, role: SocketRole.Responder });
    request(draft, client, host, { count: 4, intervalNs: 100 * MS });
    const program = draft.program();
    const { engine } = simulate(program, { untilNs: 150 * MS });
    engine.apply({ sockets: [{ index: 0, record: { ...program.sockets[0], targetPort: 81 } }] });
    engine.run(SECOND, Infinity);
    expect(engine.counters().flows[0]).toMatchObject({ sent: 4, answered: 2 });
  });
});

function segment(ports: string): (text: string) => string {
  return (text) => {
    const [flags, bytes = "0"] = text.split(" ");
    return `tcp ${ports} ${flags} data ${bytes}`;
  };
}
