import { describe, expect, it } from "vitest";
import { BRIDGE_NF_IPV4, FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { CTSTATE_INVALID, CTSTATE_NEW, Hook, Table, Target } from "../../../../assembly/abi/netfilter";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { containersOnBridge, ip, MS, SECOND, twoBridges } from "../../../../test/support/program";
import { addChain, type RuleSpec } from "../../../../test/support/rules";
import { simulate } from "../../../../test/support/simulate";
import type { Kernel } from "../kernel";
import { createTsEngine } from "../index";

describe("a tracked connection", () => {
  it("is new again for UDP after 30 s without an answer", () => {
    const { draft, root, left, right } = twoBridges();
    const counting: RuleSpec[] = [{ ctstate: CTSTATE_NEW }];
    addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules: counting });
    draft.flow(left.namespace, right, { count: 4, intervalNs: 20 * SECOND });
    draft.flow(left.namespace, right, { kind: FlowKind.Request, count: 3, intervalNs: 20 * SECOND, destinationPort: 9001 });
    const { counters } = simulate(draft.program(), { untilNs: 100 * SECOND });
    // Four that nobody answers, each renewing the entry; of those that are answered, the first alone.
    expect(counters.rules).toEqual([5]);
  });

  it("is picked up in the middle for TCP, but not by a lone FIN", () => {
    const { draft, root, left, right } = twoBridges();
    addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules: [{ ctstate: CTSTATE_INVALID, protocol: PROTOCOL_TCP }, { ctstate: CTSTATE_NEW, protocol: PROTOCOL_TCP }] });
    draft.request(left.namespace, right, { count: 2, intervalNs: 10 * MS });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    expect(counters.rules).toEqual([0, 1]);
    expect(counters.flows[0].answered).toBe(2);
  });

  it("that nobody answered makes room in a full table; one that is in use does not", () => {
    const { draft, root, left, right } = twoBridges();
    addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules: [{ ctstate: CTSTATE_NEW }] });
    for (let i = 0; i < 3; i++) draft.flow(left.namespace, right, { protocol: PROTOCOL_ICMP, kind: FlowKind.Ping, sourcePort: i + 1, count: 2, startNs: i * MS });
    const ample = simulate(draft.program({ capacity: { conntrack: 3 } }), { untilNs: SECOND });
    expect(ample.counters.rules).toEqual([3]);
    // Each echo throws the oldest out, so that every one is new and its reply finds nothing to belong to.
    const tight = simulate(draft.program({ capacity: { conntrack: 2 } }), { untilNs: SECOND });
    expect(tight.counters.rules).toEqual([6]);
    const none = simulate(draft.program({ capacity: { conntrack: 0 } }), { untilNs: SECOND });
    expect(none.drops).toEqual({ ConntrackFull: 6 });
  });

  it("gets the same verdicts whether they are remembered or not", () => {
    const digests = [true, false].map((caches) => {
      const { draft, root, left, right, back } = twoBridges();
      const rules = [{ ctstate: 6, target: Target.Accept }, { protocol: PROTOCOL_UDP, target: Target.Mark, setMark: [1, 1] as const }, { mark: [1, 1] as const, target: Target.Accept }];
      addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, policy: Target.Drop, rules });
      addChain(draft, root, { table: Table.Nat, hook: Hook.Postrouting, rules: [{ out: back, target: Target.Masquerade }] });
      for (const protocol of [PROTOCOL_UDP, PROTOCOL_TCP]) draft.flow(left.namespace, right, { protocol, kind: FlowKind.Request, destinationPort: 80, count: 20 });
      const engine = createTsEngine();
      engine.load(draft.program(), { seed: 3 });
      (engine as unknown as { loaded: { kernel: Kernel } }).loaded.kernel.cachesVerdicts = caches;
      engine.run(SECOND, Infinity);
      return [engine.digest(), engine.counters()];
    });
    expect(digests[0]).toEqual(digests[1]);
  });
});

describe("fragments", () => {
  it.each([0, BRIDGE_NF_IPV4])("are put together to be translated, and go on in fragments, where iptables sees what bridges pass on as well (%i)", (bridgeNf) => {
    const { draft, root, left, right } = twoBridges([1500, 1500]);
    draft.namespaces[root] = { ...draft.namespaces[root], bridgeNf };
    const dnat = { protocol: PROTOCOL_UDP, destination: "172.20.0.1", destinationPort: 8080, target: Target.Dnat, to: "172.21.0.2", toPorts: 80 };
    addChain(draft, root, { table: Table.Nat, hook: Hook.Prerouting, rules: [dnat] });
    draft.socket({ namespace: right.namespace, port: 80, role: SocketRole.Responder });
    const request = { kind: FlowKind.Request, destinationPort: 8080, bytes: 4000, responseBytes: 3000, count: 1, unserved: true };
    draft.flow(left.namespace, { namespace: root, ip: ip("172.20.0.1") }, request);
    const { counters, lines } = simulate(draft.program(), { untilNs: SECOND, capture: [right.device] });
    expect(counters.flows[0].answered).toBe(1);
    expect(lines.filter((line) => line.startsWith("172.20.0.2"))).toEqual([
      "172.20.0.2 > 172.21.0.2 len 1500 ttl 63 frag 0+ udp 40000 > 80",
      "172.20.0.2 > 172.21.0.2 len 1500 ttl 63 frag 1480+",
      "172.20.0.2 > 172.21.0.2 len 1068 ttl 63 frag 2960",
    ]);
  });
});

describe("a bridge whose frames iptables sees", () => {
  /** Containers .2, .3 and .4 on one bridge of a host with bridge-nf-call-iptables. */
  function hairpin() {
    const built = containersOnBridge(3, { hairpin: true });
    const { draft, root } = built;
    draft.namespaces[root] = { ...draft.namespaces[root], bridgeNf: BRIDGE_NF_IPV4 };
    return built;
  }

  it("drops between its ports what FORWARD forbids", () => {
    const { draft, root, bridge, containers } = hairpin();
    addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules: [{ in: bridge, out: bridge, target: Target.Drop }] });
    draft.flow(containers[0].namespace, containers[1], { count: 2 });
    expect(simulate(draft.program(), { untilNs: SECOND }).drops).toEqual({ NetfilterDrop: 2 });
  });

  it("hands a published port from container to container, without a hop, and back", () => {
    const { draft, root, containers } = hairpin();
    const [client, server] = containers;
    const dnat = { protocol: PROTOCOL_TCP, destinationPort: 8080, target: Target.Dnat, to: "172.17.0.3", toPorts: 80 };
    addChain(draft, root, { table: Table.Nat, hook: Hook.Prerouting, rules: [dnat] });
    draft.socket({ namespace: server.namespace, protocol: PROTOCOL_TCP, port: 80, role: SocketRole.Responder });
    draft.request(client.namespace, { namespace: root, ip: ip("172.17.0.1") }, { destinationPort: 8080, unserved: true });
    const { counters, lines, frames } = simulate(draft.program(), { untilNs: SECOND, capture: [server.device] });
    expect(counters.flows[0].answered).toBe(1);
    expect(lines.find((line) => line.includes("tcp"))).toBe("172.17.0.2 > 172.17.0.3 len 60 ttl 64 df tcp 40000 > 80 S data 0");
    const syn = frames.find(({ bytes }) => bytes[12] === 8 && bytes[13] === 0);
    // The source is still the client's MAC.
    expect(Buffer.from(syn?.bytes.subarray(6, 12) ?? []).toString("hex")).toBe("0242ac110002");
  });
});
