import { describe, expect, it } from "vitest";
import { Hook, Table, Target } from "../../../../assembly/abi/netfilter";
import { BRIDGE_NF_IPV4, FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { containersOnBridge, ip, MS, SECOND, twoBridges } from "../../../../test/support/program";
import { addChain } from "../../../../test/support/rules";
import { simulate } from "../../../../test/support/simulate";

/** left (172.20.0.2) asks the router's address 172.20.0.1:8080, which stands for right (172.21.0.2:80). */
function published(protocol: number, options: { readonly masquerade?: boolean } = {}) {
  const built = twoBridges();
  const { draft, root, front, left, right } = built;
  const dnat = { protocol, destinationPort: 8080, in: front, target: Target.Dnat, to: "172.21.0.2", toPorts: 80 };
  addChain(draft, root, { table: Table.Nat, hook: Hook.Prerouting, rules: [dnat] });
  const masquerade = { source: "172.20.0.0/16", out: built.back, target: Target.Masquerade };
  if (options.masquerade) addChain(draft, root, { table: Table.Nat, hook: Hook.Postrouting, rules: [masquerade] });
  draft.socket({ namespace: right.namespace, protocol, port: 80, role: SocketRole.Responder });
  draft.flow(left.namespace, { namespace: root, ip: ip("172.20.0.1") }, {
    protocol,
    kind: FlowKind.Request,
    destinationPort: 8080,
    count: 1,
    unserved: true,
  });
  return built;
}

describe("a published port", () => {
  it("is translated to the container and back, for UDP", () => {
    const { draft, left, right } = published(PROTOCOL_UDP);
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [left.device, right.device] });
    expect(lines.filter((line) => line.includes("udp"))).toEqual([
      "172.20.0.2 > 172.20.0.1 len 92 ttl 64 df udp 40000 > 8080",
      "172.20.0.2 > 172.21.0.2 len 92 ttl 63 df udp 40000 > 80",
      "172.21.0.2 > 172.20.0.2 len 156 ttl 64 df udp 80 > 40000",
      "172.20.0.1 > 172.20.0.2 len 156 ttl 63 df udp 8080 > 40000",
    ]);
    expect(counters.flows[0].answered).toBe(1);
  });

  it("is translated to the container and back, for TCP, with the source masqueraded", () => {
    const { draft, right } = published(PROTOCOL_TCP, { masquerade: true });
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: SECOND, capture: [right.device] });
    expect(lines.filter((line) => line.includes("tcp"))[0]).toBe("172.21.0.1 > 172.21.0.2 len 60 ttl 63 df tcp 40000 > 80 S data 0");
    expect(counters.flows[0].answered).toBe(1);
    expect(drops).toEqual({});
  });
});

describe("a port of a container on the same bridge", () => {
  it.each([[1, 1, {}], [0, 0, { IpInAddrErrors: 1 }]])("is reached through the bridge if the host forwards (%i)", (forwarding, delivered, dropped) => {
    const { draft, root, bridge, containers } = containersOnBridge(2);
    draft.namespaces[root] = { ...draft.namespaces[root], forwarding, bridgeNf: BRIDGE_NF_IPV4 };
    const dnat = { protocol: PROTOCOL_UDP, destinationPort: 8080, in: bridge, target: Target.Dnat, to: "172.17.0.3", toPorts: 80 };
    addChain(draft, root, { table: Table.Nat, hook: Hook.Prerouting, rules: [dnat] });
    draft.socket({ namespace: containers[1].namespace, protocol: PROTOCOL_UDP, port: 80, role: SocketRole.Responder });
    draft.flow(containers[0].namespace, { namespace: root, ip: ip("172.17.0.1") }, { protocol: PROTOCOL_UDP, kind: FlowKind.Request, destinationPort: 8080, count: 1, unserved: true });
    const { counters, drops } = simulate(draft.program(), { untilNs: SECOND });
    expect([counters.flows[0].delivered, drops]).toEqual([delivered, dropped]);
  });
});

describe("masquerading", () => {
  it("keeps identifiers of echoes apart by giving the second flow another one", () => {
    const { draft, root, back, left, right } = twoBridges();
    const other = draft.container(1, "172.20.0.3");
    addChain(draft, root, { table: Table.Nat, hook: Hook.Postrouting, rules: [{ out: back, target: Target.Masquerade }] });
    for (const from of [left, other]) {
      draft.flow(from.namespace, right, { protocol: PROTOCOL_ICMP, kind: FlowKind.Ping, sourcePort: 7, count: 3 });
    }
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [right.device] });
    expect(counters.flows.map(({ answered }) => answered)).toEqual([3, 3]);
    expect(lines.filter((line) => line.includes("icmp 8")).every((line) => line.startsWith("172.21.0.1 >"))).toBe(true);
  });

  it("translates the errors that come back, inside and outside", () => {
    const { draft, root, back, left, right } = twoBridges();
    addChain(draft, root, { table: Table.Nat, hook: Hook.Postrouting, rules: [{ out: back, target: Target.Masquerade, toPorts: [5000, 5000] }] });
    draft.flow(left.namespace, right, { unserved: true, count: 1, intervalNs: 100 * MS });
    const { counters, lines, drops } = simulate(draft.program(), { untilNs: SECOND, capture: [left.device] });
    expect(lines.filter((line) => line.includes("icmp"))).toEqual(["172.21.0.2 > 172.20.0.2 len 120 ttl 63 icmp 3/3"]);
    expect(counters.flows[0].errors).toBe(1);
    expect(drops).toEqual({ NoSocket: 1 });
  });
});
