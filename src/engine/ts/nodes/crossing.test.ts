import { describe, expect, it } from "vitest";
import { CTSTATE_ESTABLISHED, Hook, MATCH_CTSTATE, RejectWith, Table, Target } from "../../../../assembly/abi/netfilter";
import { DeviceKind, FlowKind, IpvlanMode } from "../../../../assembly/abi/program";
import { PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import type { AddressWords, DatapathProgram } from "../../program";
import { CABLE, type Endpoint, ip, ProgramDraft, SECOND } from "../../../../test/support/program";
import { addChain, type ChainSpec } from "../../../../test/support/rules";
import { simulate, type Simulated } from "../../../../test/support/simulate";
import { sixProgram } from "../../../../test/support/six";

interface Lab {
  readonly draft: ProgramDraft;
  /** The host below the container, another one on its cable, and a bridge of the first. */
  readonly root: Endpoint;
  readonly other: Endpoint;
  readonly inside: Endpoint;
  readonly container: Endpoint;
}

/** A container of 10.7.0.0/24 on eth0 of 10.0.0.1; 10.0.0.2 is the gateway of all that is elsewhere, and knows the way to the container. */
function lab(mode: IpvlanMode, { mtu = 1500, rules = [] }: { readonly mtu?: number; readonly rules?: readonly ChainSpec[] } = {}): Lab {
  const draft = new ProgramDraft();
  const [a, b] = [draft.namespace(draft.host(), { forwarding: 1 }), draft.namespace(draft.host(), { forwarding: 1 })];
  const [root, other] = draft.cable(a, b, ["10.0.0.1", "10.0.0.2"], 24, CABLE, mtu);
  draft.route({ namespace: a, device: root.device, gateway: other.ip });
  draft.route({ namespace: b, destination: ip("10.7.0.0"), prefix: 24, device: other.device, gateway: root.ip });
  const bridge = draft.bridge(a, "172.17.0.1", 24);
  const inside = draft.container(bridge, "172.17.0.2", { prefix: 24 });
  const namespace = draft.namespace(draft.namespaces[a].host);
  const { macHigh, macLow } = draft.devices[root.device];
  const device = draft.device(namespace, DeviceKind.Ipvlan, { mtu: 1500, peer: root.device, mode, macHigh, macLow }, "eth0");
  draft.address(device, ip("10.7.0.2"), 24);
  draft.route({ namespace, device });
  for (const chain of rules) addChain(draft, a, chain);
  return { draft, root, other, inside, container: { namespace, device, port: root.device, ip: ip("10.7.0.2") } };
}

const MODES = [["l3", IpvlanMode.L3], ["l3s", IpvlanMode.L3s]] as const;
const FAMILIES = ["IPv4", "IPv6"] as const;
const BOTH = MODES.flatMap(([name, mode]) => FAMILIES.map((family) => ({ name, mode, family })));

function run({ draft, container }: Lab, family: (typeof FAMILIES)[number], capture: readonly number[] = []): Simulated {
  const program = draft.program();
  return simulate(family === "IPv4" ? program : twin(program, container), { untilNs: 4 * SECOND, capture });
}

/** Over IPv6. The container shares a MAC with its parent, but no link-local address. */
function twin(program: DatapathProgram, { device, namespace }: Endpoint): DatapathProgram {
  const six = sixProgram(program, { salt: 0, isReady: true });
  const own = (address: AddressWords): AddressWords => (address[0] === 0xfe80_0000 && address[3] !== 0 ? [address[0], 0, 1, address[3]] : address);
  return {
    ...six,
    addresses6: six.addresses6?.map((record) => (record.device === device ? { ...record, ip: own(record.ip) } : record)),
    routes6: six.routes6?.map((record) => (record.namespace === namespace ? { ...record, destination: own(record.destination) } : record)),
  };
}

const chain = (table: Table, hook: Hook, target: Target, more: Partial<ChainSpec["rules"][number]> = {}): ChainSpec => ({ table, hook, rules: [{ target, ...more }] });

/** TTL or hop limit of a frame. */
const hopsOf = (bytes: Uint8Array): number => (bytes[12] === 0x08 ? bytes[22] : bytes[21]);

describe("a container on ipvlan without layer 2", () => {
  it.each(BOTH)("of mode $name talks to another host over $family, and its host takes no hop", ({ mode, family }) => {
    const network = lab(mode);
    network.draft.ping(network.container.namespace, network.other, { count: 1 });
    network.draft.request(network.other.namespace, network.container);
    const { counters, frames } = run(network, family, [network.root.device]);
    expect(counters.flows.map(({ sent, answered }) => [sent, answered])).toEqual([[1, 1], [1, 1]]);
    const packets = frames.filter(({ bytes }) => bytes[12] !== 0x08 || bytes[13] === 0).map(({ bytes }) => hopsOf(bytes));
    expect(new Set(packets.filter((hops) => hops !== 255))).toEqual(new Set([64]));
  });

  it.each(BOTH)("of mode $name leaves by its host's OUTPUT and POSTROUTING over $family", ({ mode, family }) => {
    for (const [table, hook] of [[Table.Filter, Hook.Output], [Table.Mangle, Hook.Postrouting]] as const) {
      const network = lab(mode, { rules: [chain(table, hook, Target.Drop)] });
      network.draft.ping(network.container.namespace, network.other, { count: 1 });
      const { counters, drops } = run(network, family);
      expect(counters.flows[0]).toMatchObject({ sent: 1, answered: 0, errors: 0 });
      expect(drops).toMatchObject({ NetfilterDrop: expect.any(Number) });
    }
  });

  it.each(BOTH)("of mode $name gets past its host's INPUT over $family, or not", ({ mode, family }) => {
    const network = lab(mode, { rules: [{ table: Table.Filter, hook: Hook.Input, rules: [{ in: 2, destination: "10.7.0.2/32", target: Target.Drop }] }] });
    expect(network.root.device).toBe(2);
    network.draft.ping(network.container.namespace, network.other, { count: 1 });
    expect(run(network, family).counters.flows[0].answered).toBe(mode === IpvlanMode.L3 ? 1 : 0);
  });

  it.each(FAMILIES)("is known to its host's connection tracking in mode l3s over %s: masqueraded, and answered", (family) => {
    const network = lab(IpvlanMode.L3s, {
      rules: [
        chain(Table.Nat, Hook.Postrouting, Target.Masquerade, { source: "10.7.0.0/24" }),
        { table: Table.Filter, hook: Hook.Input, rules: [{ ctstate: CTSTATE_ESTABLISHED, not: MATCH_CTSTATE, destination: "10.7.0.0/24", target: Target.Drop }] },
      ],
    });
    network.draft.request(network.container.namespace, network.other);
    const { counters, lines } = run(network, family, [network.other.device]);
    expect(counters.flows[0]).toMatchObject({ sent: 1, answered: 1 });
    if (family === "IPv4") expect(lines).toContainEqual(expect.stringMatching(/^10.0.0.1 > 10.0.0.2 .* tcp \d+ > 80 S /));
  });

  it("sends IPv4 to nobody but its parent's network and gateway, IPv6 wherever its host's routes lead", () => {
    const network = lab(IpvlanMode.L3);
    network.draft.ping(network.container.namespace, network.inside, { count: 1 });
    const { counters, lines } = run(network, "IPv4", [network.other.device]);
    expect(lines).toContainEqual("10.7.0.2 > 172.17.0.2 len 84 ttl 64 df icmp 8/0");
    expect(counters.flows[0].answered).toBe(0);
    // The answer leaves by the default route, and comes back by the other host's.
    expect(run(network, "IPv6").counters.flows[0].answered).toBe(1);
  });

  it("finds its destination on the parent's link where its host has no route by it", () => {
    const network = lab(IpvlanMode.L3s);
    network.draft.routes.splice(network.draft.routes.findIndex(({ namespace, gateway }) => namespace === network.root.namespace && gateway !== 0), 1);
    network.draft.ping(network.container.namespace, { namespace: network.other.namespace, ip: ip("203.0.113.9") }, { count: 1 });
    expect(run(network, "IPv4", [network.root.device]).lines[0]).toBe("who-has 203.0.113.9 tell 10.0.0.1");
    expect(run(network, "IPv6").counters.flows[0]).toMatchObject({ sent: 1, errors: 1 });
  });

  it.each(FAMILIES)("hears from its host over %s that the way is narrow", (family) => {
    const network = lab(IpvlanMode.L3, { mtu: 1400 });
    network.draft.flow(network.container.namespace, network.other, { protocol: PROTOCOL_UDP, kind: FlowKind.Constant, bytes: 1420, count: 3, dontFragment: 1, intervalNs: SECOND / 2 });
    const { counters, drops } = run(network, family);
    // The host's message goes by way of the gateway to the container; from then on the container knows.
    expect(counters.flows[0]).toMatchObject({ sent: 3, delivered: 0, errors: 3 });
    expect(drops.PktTooBig).toBe(3);
  });

  it("shows tcpdump in a container of mode l3s what it sends alone, and counts what it gets", () => {
    const network = lab(IpvlanMode.L3s);
    network.draft.ping(network.container.namespace, network.other, { count: 2 });
    const { counters, lines } = run(network, "IPv4", [network.container.device]);
    expect(lines).toEqual(Array.from({ length: 2 }, () => "10.7.0.2 > 10.0.0.2 len 84 ttl 64 df icmp 8/0"));
    expect(counters.devices[network.container.device]).toMatchObject({ rxPackets: 2, rxBytes: 196, txPackets: 2, txBytes: 196 });
  });

  it("is who refuses what its host's INPUT rejects over IPv4 in mode l3s", () => {
    const network = lab(IpvlanMode.L3s, { rules: [chain(Table.Filter, Hook.Input, Target.Reject, { destination: "10.7.0.0/24", rejectWith: RejectWith.PortUnreachable })] });
    network.draft.flow(network.other.namespace, network.container, { count: 1 });
    expect(run(network, "IPv4", [network.other.device]).lines).toContainEqual("10.7.0.2 > 10.0.0.2 len 120 ttl 64 icmp 3/3");
  });

  it("has its fragments put together where its host tracks connections, and cut again", () => {
    const network = lab(IpvlanMode.L3, { rules: [chain(Table.Nat, Hook.Postrouting, Target.Masquerade, { source: "10.7.0.0/24" })] });
    network.draft.flow(network.container.namespace, network.other, { bytes: 3000, count: 1 });
    const { counters, lines } = run(network, "IPv4", [network.other.device]);
    expect(counters.flows[0]).toMatchObject({ sent: 1, delivered: 1 });
    expect(lines.filter((line) => line.startsWith("10.0.0.1 > 10.0.0.2")).length).toBe(3);
  });
});
