import { describe, expect, it } from "vitest";
import { Family } from "../../../../assembly/abi/netfilter";
import { FlowError, FlowState } from "../../../../assembly/abi/counter";
import { SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { ip6, network6, overIpv6 } from "../../../../test/support/ipv6";
import { containersOnBridge, MS, type ProgramDraft, SECOND, twoBridges } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";

/** Two containers of a dual-stack bridge. */
function pair() {
  const { draft, bridge, root, containers } = containersOnBridge(2);
  const [left, right] = network6(draft, bridge, containers, "fd00");
  return { draft, bridge, root, left: { ...containers[0]!, ip6: left! }, right: { ...containers[1]!, ip6: right! } };
}

/** A container on each of two dual-stack bridges of a router. */
function routed(mtus?: readonly [number, number]) {
  const { draft, front, back, left, right, root } = twoBridges(mtus);
  const [leftIp] = network6(draft, front, [left], "fd01");
  const [rightIp] = network6(draft, back, [right], "fd02");
  draft.namespaces[root] = { ...draft.namespaces[root]!, forwarding6: 1 };
  return { draft, root, front, left: { ...left, ip6: leftIp! }, right: { ...right, ip6: rightIp! } };
}

const run = (draft: ProgramDraft, capture: readonly number[] = [], untilNs = 3 * SECOND) => simulate(draft.program(), { untilNs, capture });

describe("IPv6", () => {
  it("resolves, pings and answers", () => {
    const { draft, left, right } = pair();
    const ping = overIpv6(draft, draft.ping(left.namespace, right, { count: 3, intervalNs: 100 * MS }), right.ip6);
    const { counters, drops } = run(draft);
    // The bridge hears the solicitation, which is for a group that it is not in.
    expect(drops).toEqual({ IpInAddrErrors: 1 });
    expect(counters.flows[ping]).toMatchObject({ sent: 3, delivered: 3, answered: 3, errors: 0, outcome: { replyTtl: 64, peerIp: 0, peerIp6: left.ip6, localIp6: right.ip6 } });
  });

  it("carries UDP and TCP, also over ::1", () => {
    const { draft, left, right } = pair();
    const udp = overIpv6(draft, draft.flow(left.namespace, right, { count: 4, bytes: 4000 }), right.ip6);
    const tcp = overIpv6(draft, draft.request(left.namespace, right, { bytes: 100_000, responseBytes: 50_000 }), right.ip6);
    const own = overIpv6(draft, draft.request(right.namespace, { namespace: right.namespace, ip: 0 }, { destinationPort: 81 }), ip6("::1"));
    const { counters, drops } = run(draft);
    expect(drops).toEqual({ IpInAddrErrors: 1 });
    expect(counters.flows[udp]).toMatchObject({ sent: 4, delivered: 4 });
    expect(counters.flows[tcp]).toMatchObject({ answered: 1, answeredBytes: 50_000, state: FlowState.Finished, retransmits: 0 });
    expect(counters.flows[own]).toMatchObject({ answered: 1, outcome: { peerIp6: ip6("::1"), localIp6: ip6("::1") } });
  });

  it("goes over a router, which tells who sends too much", () => {
    const { draft, left, right } = routed([1500, 1300]);
    const ping = overIpv6(draft, draft.ping(left.namespace, right, { count: 3, bytes: 1400, intervalNs: 500 * MS }), right.ip6);
    const tcp = overIpv6(draft, draft.request(left.namespace, right, { bytes: 20_000 }), right.ip6);
    const { counters, drops } = run(draft);
    expect(drops.PktTooBig).toBeGreaterThan(0);
    expect(counters.flows[ping]).toMatchObject({ sent: 3, answered: 2, errors: 0 });
    expect(counters.flows[tcp]).toMatchObject({ answered: 1 });
  });

  it("says that nobody is there, that nobody listens, that there is no way", () => {
    const { draft, left, right } = routed();
    const nobody = overIpv6(draft, draft.ping(left.namespace, right, { count: 1 }), ip6("fd01::99"));
    const closed = overIpv6(draft, draft.flow(left.namespace, right, { count: 1, unserved: true, destinationPort: 7 }), right.ip6);
    const refused = overIpv6(draft, draft.request(left.namespace, right, { unserved: true, destinationPort: 8 }), right.ip6);
    const lost = overIpv6(draft, draft.ping(left.namespace, right, { count: 1 }), ip6("2001:db8::1"));
    const { counters } = run(draft, [], 6 * SECOND);
    expect(counters.flows[nobody]).toMatchObject({ errors: 1, error: FlowError.HostUnreachable });
    expect(counters.flows[closed]).toMatchObject({ errors: 1, error: FlowError.ConnectionRefused, outcome: { errorBy6: right.ip6 } });
    expect(counters.flows[refused]).toMatchObject({ errors: 1, error: FlowError.ConnectionRefused });
    expect(counters.flows[lost]).toMatchObject({ errors: 1, error: FlowError.NetworkUnreachable, outcome: { errorBy6: ip6("fd01::1") } });
  });

  it("proxies from [::]:port to an IPv4 container, over TCP and UDP", () => {
    const { draft, root, left } = pair();
    const [proxyPort, serverPort] = [8080, 80];
    for (const protocol of [PROTOCOL_TCP, PROTOCOL_UDP]) {
      draft.socket({ namespace: root, protocol, family: Family.Ipv6, port: proxyPort, role: SocketRole.Proxy, targetIp: left.ip, targetPort: serverPort });
      draft.socket({ namespace: left.namespace, protocol, port: serverPort, role: SocketRole.Responder });
    }
    const { namespace } = draft.devices[0]!;
    expect(namespace).toBe(root);
    draft.addresses6.push({ device: 0, ip: ip6("::1"), prefix: 128, flags: 1 });
    draft.routes6.push({ namespace: root, destination: ip6("::1"), prefix: 128, type: 1, device: 0, gateway: ip6("::"), source: ip6("::"), metric: 0 });
    const flow = (protocol: number) => {
      const index = draft.request(root, { namespace: root, ip: 0 }, { protocol, unserved: true, destinationPort: proxyPort });
      draft.flows[index] = { ...draft.flows[index]!, family: Family.Ipv6, destination6: ip6("::1") };
      draft.sockets.forEach((socket, at) => {
        if (socket.flow === index) draft.sockets[at] = { ...socket, family: Family.Ipv6 };
      });
      return index;
    };
    const [tcp, udp] = [flow(PROTOCOL_TCP), flow(PROTOCOL_UDP)];
    const { counters } = run(draft);
    expect(counters.flows[tcp]).toMatchObject({ answered: 1, errors: 0 });
    expect(counters.flows[udp]).toMatchObject({ answered: 1, errors: 0 });
  });

  it("uses addresses that nobody else has, a second after they appeared", () => {
    const { draft, bridge, containers } = containersOnBridge(2);
    const [, right] = network6(draft, bridge, containers, "fd00", { dad: true });
    const early = overIpv6(draft, draft.ping(containers[0]!.namespace, containers[1]!, { count: 1 }), right!);
    const late = overIpv6(draft, draft.ping(containers[0]!.namespace, containers[1]!, { count: 1, startNs: 1500 * MS }), right!);
    const { counters } = run(draft);
    expect(counters.flows[early]).toMatchObject({ answered: 0, errors: 1 });
    expect(counters.flows[late]).toMatchObject({ answered: 1, errors: 0 });
  });
});
