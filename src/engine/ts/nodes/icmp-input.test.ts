import { describe, expect, it } from "vitest";
import { Drop } from "../../../../assembly/abi/drop";
import { FlowError } from "../../../../assembly/abi/counter";
import { FlowKind, RouteType } from "../../../../assembly/abi/program";
import { PROTOCOL_ICMP } from "../../../../assembly/abi/protocol";
import { BROADCAST, ethernet, icmp, ipv4, udp } from "../../../../test/support/frame";
import { containersOnBridge, ip, MS, SECOND, twoBridges, twoHosts } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

describe("echo", () => {
  it("is answered with the same data, and the round trip is measured", () => {
    const { draft, containers } = containersOnBridge(2);
    const [a, b] = containers;
    draft.ping(a.namespace, b, { count: 3 });
    const { counters, frames } = simulate(draft.program(), { untilNs: SECOND, capture: [a.device] });
    expect(counters.flows[0]).toMatchObject({ sent: 3, delivered: 3, answered: 3, answeredBytes: 168, latency: { count: 3 } });
    const [request, reply] = frames.slice(2);
    expect(reply.bytes.subarray(38)).toEqual(request.bytes.subarray(38));
    expect(request.bytes.subarray(42, 46)).toEqual(Uint8Array.of(0, 1, 2, 3));
  });

  it("works over loopback and towards one's own address", () => {
    const { draft, containers } = containersOnBridge(1);
    const [a] = containers;
    draft.ping(a.namespace, { namespace: a.namespace, ip: ip("127.0.0.1") }, { count: 1 });
    draft.ping(a.namespace, a, { count: 1 });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.flows.map(({ answered }) => answered)).toEqual([1, 1]);
    expect(counters.devices[a.device].txPackets).toBe(0);
  });

  it("to everybody is not answered", () => {
    const { draft, containers } = containersOnBridge(2);
    const datagram = ipv4(
      { source: containers[0].ip, destination: ip("172.17.255.255"), protocol: PROTOCOL_ICMP },
      icmp(8, 0, 1, new Uint8Array(8)),
    );
    const bytes = ethernet(BROADCAST, draft.devices[containers[0].device], 0x0800, datagram);
    const { counters } = simulate(draft.program(), { untilNs: MS, frames: [{ timeNs: 0, device: containers[0].port, bytes }] });
    expect(counters.totals.transmitted).toBe(1);
  });
});

describe("ICMP errors", () => {
  it("tell a sender that nobody listens on the port", () => {
    const { draft, containers } = containersOnBridge(2);
    const [a, b] = containers;
    draft.flow(a.namespace, b, { unserved: true, count: 2 });
    const { counters, lines, events } = simulate(draft.program(), { untilNs: SECOND, capture: [a.device] });
    expect(counters.flows[0]).toMatchObject({ delivered: 0, errors: 2, error: FlowError.ConnectionRefused });
    expect(lines[3]).toBe("172.17.0.3 > 172.17.0.2 len 120 ttl 64 icmp 3/3");
    expect(events.map(({ reason }) => reason)).toEqual([Drop.NoSocket, Drop.NoSocket]);
  });

  it("tell a sender that the TTL ran out", () => {
    const { draft, left, right } = twoBridges();
    draft.namespaces[left.namespace] = { ...draft.namespaces[left.namespace], ttl: 1 };
    draft.ping(left.namespace, right, { count: 1 });
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: SECOND, capture: [left.device] });
    expect(lines[3]).toBe("172.20.0.1 > 172.20.0.2 len 112 ttl 64 icmp 11/0");
    expect(drops).toEqual({ IpTtlExceeded: 1 });
    expect(counters.flows[0]).toMatchObject({ errors: 1, error: FlowError.ProtocolError });
  });

  it.each([
    // Not fatal: a UDP socket does not hear of it.
    [RouteType.Unreachable, "icmp 3/1", FlowError.HostUnreachable, 0],
    [RouteType.Prohibit, "icmp 3/13", FlowError.HostUnreachable, 1],
    [RouteType.Blackhole, undefined, FlowError.None, 0],
  ])("say what a router's route of type %i means", (type, message, error, errors) => {
    const { draft, left } = twoBridges();
    draft.route({ namespace: 0, destination: ip("198.18.0.0"), prefix: 16, type });
    draft.flow(left.namespace, { namespace: 0, ip: ip("198.18.0.1") }, { unserved: true, count: 1 });
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: SECOND, capture: [left.device] });
    expect(lines[3]?.split("ttl 64 ")[1]).toBe(message);
    expect(counters.flows[0]).toMatchObject({ error, errors });
    expect(drops).toEqual({ RouteUnreachable: 1 });
  });

  it("say that a router knows no way, and that a host forwards nothing", () => {
    const { draft, left } = twoBridges();
    draft.flow(left.namespace, { namespace: 0, ip: ip("203.0.113.1") }, { unserved: true, count: 1 });
    const program = draft.program();
    expect(simulate(program, { untilNs: SECOND }).counters.flows[0]).toMatchObject({ error: FlowError.NetworkUnreachable });
    const still = { ...program, namespaces: program.namespaces.map((namespace) => ({ ...namespace, forwarding: 0 })) };
    expect(simulate(still, { untilNs: SECOND }).drops).toEqual({ IpInAddrErrors: 1 });
  });

  it("give up a closed loop's request at once", () => {
    const { draft, containers } = containersOnBridge(2);
    draft.flow(containers[0].namespace, containers[1], {
      unserved: true,
      kind: FlowKind.Request,
      intervalNs: 0,
      thinkNs: 10 * MS,
      timeoutNs: 10 * SECOND,
    });
    const { counters } = simulate(draft.program(), { untilNs: 95 * MS });
    expect(counters.flows[0]).toMatchObject({ sent: 10, timeouts: 10, errors: 10 });
  });

  it("are never sent about ICMP errors, broadcasts or later fragments", () => {
    const { draft, left, right } = twoHosts();
    const [source, destination] = [draft.devices[left.device], draft.devices[right.device]];
    const fields = { source: left.ip, destination: right.ip, protocol: 200 };
    const quoted = ipv4({ ...fields, protocol: 17 }, udp(1, 2, new Uint8Array(4)));
    const datagrams = [
      ethernet(BROADCAST, source, 0x0800, ipv4(fields, new Uint8Array(8))),
      ethernet(destination, source, 0x0800, ipv4({ ...fields, source: 0, destination: 0xffffffff }, new Uint8Array(8))),
      ethernet(destination, source, 0x0800, ipv4({ ...fields, protocol: 1, ttl: 1, destination: ip("10.9.9.9") }, icmp(3, 3, 0, quoted))),
    ];
    const frames = datagrams.map((bytes, timeNs) => ({ timeNs, device: right.device, bytes }));
    const { counters } = simulate(draft.program(), { untilNs: SECOND, frames });
    expect(counters.totals.transmitted).toBe(0);
    expect(counters.totals.dropped).toBe(3);
  });
});

describe("a host that was not asked for", () => {
  it("drops martians and what is not for it", () => {
    const { draft, left, right } = twoHosts();
    const [source, destination] = [draft.devices[left.device], draft.devices[right.device]];
    const cases: [number, number, keyof typeof Drop][] = [
      [ip("127.0.0.5"), right.ip, "IpInvalidSource"],
      [ip("224.0.0.5"), right.ip, "IpInvalidSource"],
      [0, right.ip, "IpInvalidSource"],
      [right.ip, right.ip, "IpLocalSource"],
      [left.ip, 0, "IpInvalidDest"],
      [left.ip, ip("127.0.0.1"), "IpLocalNet"],
      [left.ip, ip("224.0.0.1"), "IpInAddrErrors"],
      [left.ip, ip("10.9.9.9"), "IpInAddrErrors"],
    ];
    for (const [from, to, reason] of cases) {
      const datagram = ipv4({ source: from, destination: to, protocol: 17 }, udp(1, 2, new Uint8Array(4)));
      const bytes = ethernet(destination, source, 0x0800, datagram);
      const { drops } = simulate(draft.program(), { untilNs: MS, frames: [{ timeNs: 0, device: right.device, bytes }] });
      expect(drops).toEqual({ [reason]: 1 });
    }
  });
});
