import { describe, expect, it } from "vitest";
import { FlowError } from "../../../../assembly/abi/counter";
import { EventKind } from "../../../../assembly/abi/event";
import { Forwarding } from "../../../../assembly/abi/ipvs";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { addAlias, addService, BALANCER, balanced, MARK, VIP } from "../../../../test/support/ipvs";
import { ip, ipText, MS, SECOND } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

type Balanced = ReturnType<typeof balanced>;

/** Asks the virtual address; the servers' sockets are there. */
function ask({ draft, client, virtual }: Balanced, protocol: number, fields: object = {}): number {
  return draft.flow(client.namespace, virtual, { protocol, kind: FlowKind.Request, destinationPort: 80, count: 1, unserved: true, ...fields });
}

const segments = (lines: readonly string[]) => lines.filter((line) => / (tcp|udp|icmp) /.test(line));

describe("a request to a virtual address", () => {
  it("goes to a real server as the balancer's own, and the answer comes from the virtual address, for UDP", () => {
    const built = balanced();
    ask(built, PROTOCOL_UDP);
    const { counters, lines, drops } = simulate(built.draft.program(), { untilNs: SECOND, capture: [built.balancer.device] });
    expect(segments(lines)).toEqual([
      "10.0.1.10 > 10.0.1.2 len 92 ttl 64 df udp 40000 > 80",
      "10.0.1.4 > 10.0.1.3 len 92 ttl 63 df udp 40000 > 80",
      "10.0.1.3 > 10.0.1.4 len 156 ttl 64 df udp 80 > 40000",
      "10.0.1.2 > 10.0.1.10 len 156 ttl 63 df udp 80 > 40000",
    ]);
    expect(counters.flows[0].answered).toBe(1);
    expect(drops).toEqual({});
  });

  it("does so for TCP, and tells a trace whom it chose", () => {
    const built = balanced();
    ask(built, PROTOCOL_TCP);
    const { counters, events, drops } = simulate(built.draft.program(), { untilNs: SECOND, trace: [{ flow: 0, packets: 1 }] });
    expect(counters.flows[0].answered).toBe(1);
    expect(drops).toEqual({});
    const [schedule] = events.filter(({ kind }) => kind === EventKind.Schedule);
    expect(schedule).toMatchObject({ sequence: 0, length: 0, device: built.balancer.device });
  });

  it("is answered by the balancer if it is an echo", () => {
    const built = balanced();
    built.draft.ping(built.client.namespace, built.virtual, { count: 1 });
    const { counters, lines } = simulate(built.draft.program(), { untilNs: SECOND, capture: [built.servers[0].device] });
    expect(counters.flows[0].answered).toBe(1);
    expect(segments(lines)).toEqual([]);
  });
});

describe("a datagram in fragments", () => {
  it("is put together, balanced, and cut up again, both ways", () => {
    const built = balanced();
    ask(built, PROTOCOL_UDP, { bytes: 2000, responseBytes: 3000 });
    const { counters, lines, drops } = simulate(built.draft.program(), { untilNs: SECOND, capture: [built.balancer.device] });
    expect(lines.filter((line) => line.includes(" len ")).map((line) => line.split(" ttl ")[0])).toEqual([
      ...["10.0.1.10 > 10.0.1.2", "10.0.1.4 > 10.0.1.3"].flatMap((way) => [`${way} len 1500`, `${way} len 548`]),
      ...["10.0.1.3 > 10.0.1.4", "10.0.1.2 > 10.0.1.10"].flatMap((way) => [`${way} len 1500`, `${way} len 1500`, `${way} len 68`]),
    ]);
    expect(counters.flows[0].answered).toBe(1);
    expect(drops).toEqual({});
  });
});

describe("the choice of a real server", () => {
  /** How many segments of 12 connections each server got. */
  function spread(servers: Parameters<typeof balanced>[0]): Record<string, number> {
    const built = balanced(servers);
    built.draft.exchange(built.client.namespace, built.virtual, { count: 12, intervalNs: 10 * MS, sourcePorts: 100, unserved: true });
    const { events } = simulate(built.draft.program(), { untilNs: SECOND, trace: [{ flow: 0, packets: 1000 }] });
    const chosen: Record<string, number> = {};
    for (const { sequence } of events.filter(({ kind }) => kind === EventKind.Schedule)) {
      const { address } = built.draft.realServers[sequence];
      chosen[ipText(address)] = (chosen[ipText(address)] ?? 0) + 1;
    }
    return chosen;
  }

  it("takes all in turn", () => {
    const chosen = spread({ servers: [{ address: "10.0.1.3" }, { address: "10.0.1.5" }, { address: "10.0.1.6" }] });
    expect(Object.keys(chosen).sort()).toEqual(["10.0.1.3", "10.0.1.5", "10.0.1.6"]);
    expect(new Set(Object.values(chosen)).size).toBe(1);
  });

  it("leaves out those of weight 0", () => {
    expect(Object.keys(spread({ servers: [{ address: "10.0.1.3", weight: 0 }, { address: "10.0.1.5" }] }))).toEqual(["10.0.1.5"]);
  });

  it("refuses if there is none, from the virtual address", () => {
    for (const protocol of [PROTOCOL_TCP, PROTOCOL_UDP]) {
      const built = balanced({ servers: [{ address: "10.0.1.3", weight: 0 }] });
      ask(built, protocol);
      const { counters, drops } = simulate(built.draft.program(), { untilNs: SECOND });
      expect(counters.flows[0].error).toBe(FlowError.ConnectionRefused);
      expect(ipText(counters.flows[0].outcome.errorBy)).toBe(VIP);
      expect(drops).toEqual({ IpvsNoDestination: 1 });
    }
  });
});

describe("an idle connection", () => {
  /** A connection that asks twice, so far apart. */
  function twice(protocol: number, apartNs: number) {
    const built = balanced();
    ask(built, protocol, { count: 2, intervalNs: apartNs });
    return { built, ...simulate(built.draft.program(), { untilNs: 2 * apartNs + SECOND, trace: [{ flow: 0, packets: 100 }] }) };
  }

  it("lives for 900 s, and is reset by the balancer after them", () => {
    expect(twice(PROTOCOL_TCP, 899 * SECOND).counters.flows[0]).toMatchObject({ answered: 2, errors: 0 });
    const { counters, drops } = twice(PROTOCOL_TCP, 901 * SECOND);
    expect(counters.flows[0]).toMatchObject({ answered: 1, error: FlowError.ConnectionReset });
    expect(drops).toMatchObject({ NoSocket: 1, TcpReset: 1 });
  });

  it("lives for 300 s if it is UDP, and then gets the next server", () => {
    const serversOf = ({ events }: ReturnType<typeof twice>) => events.filter(({ kind }) => kind === EventKind.Schedule).map(({ sequence }) => sequence);
    expect(serversOf(twice(PROTOCOL_UDP, 299 * SECOND))).toEqual([0, 0]);
    expect(serversOf(twice(PROTOCOL_UDP, 301 * SECOND))).toEqual([0, 1]);
  });
});

describe("an error about a balanced connection", () => {
  it("comes from the virtual address, whoever of the servers says it", () => {
    const built = balanced({ servers: [{ address: "10.0.1.3" }] });
    ask(built, PROTOCOL_UDP, { destinationPort: 81 });
    const { counters, lines } = simulate(built.draft.program(), { untilNs: SECOND, capture: [built.client.device] });
    expect(segments(lines)).toEqual(["10.0.1.10 > 10.0.1.2 len 92 ttl 64 df udp 40000 > 81", "10.0.1.2 > 10.0.1.10 len 120 ttl 63 icmp 3/3"]);
    expect(counters.flows[0].error).toBe(FlowError.ConnectionRefused);
  });

  it("tells that the server's address is nobody's", () => {
    const built = balanced({ servers: [{ address: "10.0.1.3" }] });
    const { draft, servers } = built;
    draft.devices[servers[0].device] = { ...draft.devices[servers[0].device], flags: 0 };
    ask(built, PROTOCOL_TCP);
    const { counters, drops } = simulate(draft.program(), { untilNs: 20 * SECOND });
    expect(counters.flows[0].error).toBe(FlowError.HostUnreachable);
    expect(ipText(counters.flows[0].outcome.errorBy)).toBe(VIP);
    expect(drops.NeighFailed).toBeGreaterThan(0);
  });

  it("tells how long packets may be, before they are translated", () => {
    const built = balanced({ servers: [{ address: "10.0.1.3" }] });
    const { draft, balancer, client } = built;
    draft.devices[balancer.device] = { ...draft.devices[balancer.device], mtu: 1400 };
    ask(built, PROTOCOL_TCP, { bytes: 4000, responseBytes: 10 });
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: 10 * SECOND, capture: [client.device] });
    expect(segments(lines).filter((line) => line.includes("icmp"))[0]).toBe("10.0.1.2 > 10.0.1.10 len 576 ttl 64 icmp 3/4");
    expect(counters.flows[0].answered).toBe(1);
    expect(drops.PktTooBig).toBeGreaterThan(0);
  });

  it("ends a packet whose TTL is used up at the balancer", () => {
    const built = balanced();
    ask(built, PROTOCOL_UDP, { ttl: 1 });
    const { counters, drops } = simulate(built.draft.program(), { untilNs: SECOND });
    expect(drops).toEqual({ IpTtlExceeded: 1 });
    expect(ipText(counters.flows[0].outcome.errorBy)).toBe(VIP);
  });

  it("reaches the server if the client says it", () => {
    const built = balanced({ servers: [{ address: "10.0.1.3" }] });
    // The client's socket is gone when the answer comes: nobody listens on its port.
    const flow = ask(built, PROTOCOL_UDP);
    const { draft, servers } = built;
    const socket = draft.sockets.findIndex((record) => record.flow === flow);
    draft.sockets[socket] = { ...draft.sockets[socket], protocol: 0 };
    const { lines } = simulate(draft.program(), { untilNs: SECOND, capture: [servers[0].device] });
    expect(segments(lines)[2]).toBe("10.0.1.4 > 10.0.1.3 len 184 ttl 63 icmp 3/3");
  });
});

describe("direct routing", () => {
  it("leaves the packet as it is, and the answer does not come by", () => {
    const built = balanced({ direct: true, servers: [{ address: "10.0.1.3", forwarding: Forwarding.DirectRoute }] });
    const { draft, balancer, servers } = built;
    const loopback = draft.devices.findIndex(({ namespace }) => namespace === servers[0].namespace);
    addAlias(draft, loopback, VIP);
    ask(built, PROTOCOL_TCP);
    // Both the balancer and the server have the address: the client knows whom to ask.
    const { macHigh, macLow } = draft.devices[balancer.device];
    draft.neighbours.push({ device: built.client.device, ip: ip(VIP), macHigh, macLow });
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: SECOND, capture: [balancer.device] });
    expect(counters.flows[0].answered).toBe(1);
    // Until the bridge knows who is where, everybody hears.
    expect(Object.keys(drops)).toEqual(["OtherHost"]);
    const sources = new Set(segments(lines).map((line) => line.split(" len ")[0]));
    expect([...sources]).toEqual(["10.0.1.10 > 10.0.1.2"]);
  });
});

describe("a new program", () => {
  /** A connection that asks every second; after 5 s the real servers are others. */
  function changed(servers: Parameters<typeof addService>[3], protocol = PROTOCOL_TCP) {
    const built = balanced({ servers: [{ address: "10.0.1.3" }, { address: "10.0.1.5" }] });
    const { draft, balancer } = built;
    ask(built, protocol, { count: 10, intervalNs: SECOND });
    const { engine } = simulate(draft.program(), { untilNs: 5 * SECOND - 1, trace: [{ flow: 0, packets: 100 }] });
    draft.virtualServices.length = draft.realServers.length = 0;
    addService(draft, balancer.namespace, MARK, servers);
    engine.apply({ program: draft.program() });
    engine.run(60 * SECOND, Infinity);
    return { counters: engine.counters(), events: engine.drain().events };
  }

  it("lets connections live on when their server's weight becomes 0", () => {
    expect(changed([{ address: "10.0.1.3", weight: 0 }, { address: "10.0.1.5" }]).counters.flows[0]).toMatchObject({ answered: 10, errors: 0 });
  });

  it("gives a client that comes again with the same port another server when its old one's weight is 0", () => {
    const built = balanced({ servers: [{ address: "10.0.1.3" }, { address: "10.0.1.5" }] });
    const { draft, balancer, client, virtual } = built;
    draft.exchange(client.namespace, virtual, { count: 3, intervalNs: 2 * SECOND, sourcePorts: 1, unserved: true });
    const chosen = (events: readonly { readonly kind: EventKind; readonly sequence: number }[]) => new Set(events.filter(({ kind }) => kind === EventKind.Schedule).map(({ sequence }) => sequence));
    const { engine, events } = simulate(draft.program(), { untilNs: 3 * SECOND, trace: [{ flow: 0, packets: 100 }] });
    // The connection is remembered, so both went to one server (conn_reuse_mode 0).
    expect(chosen(events)).toEqual(new Set([0]));
    draft.virtualServices.length = draft.realServers.length = 0;
    addService(draft, balancer.namespace, MARK, [{ address: "10.0.1.3", weight: 0 }, { address: "10.0.1.5" }]);
    engine.apply({ program: draft.program() });
    engine.run(10 * SECOND, Infinity);
    expect(chosen(engine.drain().events)).toEqual(new Set([1]));
    expect(engine.counters().flows[0]).toMatchObject({ answered: 3, errors: 0 });
  });

  it("lets connections live on when servers come", () => {
    const { counters, events } = changed([{ address: "10.0.1.6" }, { address: "10.0.1.3" }, { address: "10.0.1.5" }]);
    expect(counters.flows[0]).toMatchObject({ answered: 10, errors: 0 });
    expect(new Set(events.filter(({ kind }) => kind === EventKind.Schedule).map(({ sequence }) => sequence))).toEqual(new Set([1]));
  });

  it("ends connections to a server that is gone: the balancer resets TCP", () => {
    const { counters } = changed([{ address: "10.0.1.5" }]);
    expect(counters.flows[0].errors).toBe(1);
    // The next message of the flow connects anew, and is served by the one that is left.
    expect(counters.flows[0].answered).toBe(9);
  });

  it("gives datagrams another server at once", () => {
    const { counters, events } = changed([{ address: "10.0.1.5" }], PROTOCOL_UDP);
    expect(counters.flows[0]).toMatchObject({ answered: 10, errors: 0 });
    expect(events.filter(({ kind }) => kind === EventKind.Schedule).length).toBe(5);
  });

  it("goes on where the last choice left off, also without the one chosen last", () => {
    const built = balanced({ servers: ["3", "5", "6"].map((last) => ({ address: `10.0.1.${last}` })) });
    const { draft, balancer, client, virtual } = built;
    draft.exchange(client.namespace, virtual, { count: 4, intervalNs: SECOND, sourcePorts: 100, unserved: true });
    const { engine, events } = simulate(draft.program(), { untilNs: 1.5 * SECOND, trace: [{ flow: 0, packets: 100 }] });
    const before = [...events];
    draft.virtualServices.length = draft.realServers.length = 0;
    addService(draft, balancer.namespace, MARK, [{ address: "10.0.1.3" }, { address: "10.0.1.6" }]);
    engine.apply({ program: draft.program() });
    engine.run(10 * SECOND, Infinity);
    const chosen = (records: typeof before) => [...new Set(records.filter(({ kind }) => kind === EventKind.Schedule).map(({ sequence }) => sequence))];
    expect(chosen(before)).toEqual([0, 1]);
    // .5 was the last and is gone: .6, which followed it, is next.
    expect(chosen(engine.drain().events as typeof before)).toEqual([1, 0]);
  });
});

describe("the tables", () => {
  it("drop what needs a place that there is not, and give the places of dead connections away", () => {
    const built = balanced();
    ask(built, PROTOCOL_UDP);
    ask(built, PROTOCOL_UDP, { startNs: SECOND });
    ask(built, PROTOCOL_UDP, { startNs: 302 * SECOND });
    const { counters, drops } = simulate(built.draft.program({ capacity: { ipvsConnections: 1 } }), { untilNs: 400 * SECOND });
    expect(counters.flows.map(({ answered }) => answered)).toEqual([1, 0, 1]);
    expect(drops).toEqual({ NoMemory: 1 });
  });

  it("refuse services that cannot be", () => {
    const refused = (change: (built: Balanced) => void) => {
      const built = balanced();
      change(built);
      return () => simulate(built.draft.program(), { untilNs: 0 });
    };
    expect(refused(({ draft, client }) => addService(draft, client.namespace, 1, []))).toThrow("virtualServices[1].namespace: expected a namespace with chains, found");
    expect(refused(({ draft, balancer }) => addService(draft, balancer.namespace, 0, []))).toThrow("virtualServices[1].fwmark: expected a mark, found 0");
    expect(refused(({ draft, balancer }) => addService(draft, balancer.namespace, MARK, []))).toThrow("expected one service per namespace and mark");
    expect(refused(({ draft, balancer }) => addService(draft, balancer.namespace, 9, [{ address: BALANCER }, { address: BALANCER }]))).toThrow("expected each real server once");
    expect(refused(({ draft }) => draft.realServers.push(...Array.from({ length: 80 }, () => draft.realServers[0])))).toThrow("capacity.realServers: expected at least 82, found 64");
  });
});

describe("a server on the balancer itself", () => {
  it.each([PROTOCOL_TCP, PROTOCOL_UDP])("is reached without another hop (protocol %i)", (protocol) => {
    const built = balanced({ servers: [] });
    const { draft, balancer } = built;
    draft.virtualServices.length = 0;
    addService(draft, balancer.namespace, MARK, [{ address: BALANCER }]);
    draft.socket({ namespace: balancer.namespace, protocol, port: 80, role: SocketRole.Responder });
    ask(built, protocol);
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: SECOND, capture: [balancer.device] });
    expect(counters.flows[0].answered).toBe(1);
    expect(ipText(counters.flows[0].outcome.localIp)).toBe(BALANCER);
    expect(drops).toEqual({});
    expect(new Set(segments(lines).map((line) => line.split(" len ")[0]))).toEqual(new Set(["10.0.1.10 > 10.0.1.2", "10.0.1.2 > 10.0.1.10"]));
  });
});
