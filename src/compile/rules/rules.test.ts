import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CTSTATE_ESTABLISHED,
  CTSTATE_RELATED,
  Family,
  Hook,
  MATCH_CTSTATE,
  MATCH_DESTINATION,
  MATCH_DESTINATION_PORT,
  MATCH_IN,
  MATCH_OUT,
  MATCH_POLICY,
  MATCH_PROTOCOL,
  MATCH_SOURCE,
  MATCH_SOURCE_PORT,
  MATCH_WORD,
  Table,
  Target,
} from "../../../assembly/abi/netfilter";
import { NONE } from "../../../assembly/abi/version";
import type { RuleRecord } from "../../engine/program";
import { createFirewall, sandboxFirewall, type FirewallFlags } from "../../model/firewall";
import type { Match, PortRange, Rule } from "../../model/firewall/rule";
import { parseCidr } from "../../net/cidr";
import { parseIp } from "../../net/ip";
import { compileRules } from ".";
import { compileRule } from "./rule";

const FLAGS: FirewallFlags = { iptables: true, ip6tables: true, userlandProxy: true, allowDirectRouting: false };
const DEVICES = new Map([["lo", 0], ["eth0", 1], ["docker0", 2], ["eth1", 3]]);
const PLACE = { devices: DEVICES, chainIndex: () => 0 };

function dockerHost() {
  const firewall = createFirewall("29");
  firewall.start(FLAGS);
  const v4 = { subnet: parseCidr("172.17.0.0/16", "subnet"), gatewayMode: "nat", hostAddress: undefined } as const;
  firewall.addNetwork({ id: "b", name: "bridge", device: "docker0", internal: false, icc: true, masquerade: true, trustedInterfaces: [], v4, v6: undefined });
  const endpoint = { container: "web", addresses: [parseIp("172.17.0.2", "ip")] };
  firewall.attach("b", endpoint);
  firewall.publish("b", [
    { container: "web", address: endpoint.addresses[0]!, port: 80, protocol: "tcp", hostAddress: parseIp("192.0.2.11", "ip"), hostPort: 8080 },
  ]);
  return firewall.snapshot();
}

function rule(conditions: Partial<Rule>): Rule {
  return { matches: [], target: { target: "ACCEPT" }, cause: { kind: "daemon" }, ...conditions };
}

describe("compiled chains", () => {
  const { chains, chainNames, rules, ruleNames } = compileRules([{ namespace: 4, firewall: dockerHost(), devices: DEVICES }]);
  const chainOf = (name: string, family = Family.Ipv4) => chains.find((chain, index) => chainNames[index] === name && chain.family === family)!;
  const rulesOf = (name: string) => rules.slice(chainOf(name).first, chainOf(name).first + chainOf(name).count);

  it("are those of the namespace, each with its own rules side by side", () => {
    expect(new Set(chains.map(({ namespace }) => namespace))).toEqual(new Set([4]));
    let next = 0;
    for (const { first, count } of chains) {
      expect(first).toBe(next);
      next += count;
    }
    expect(next).toBe(rules.length);
    expect(ruleNames).toHaveLength(rules.length);
  });

  it("hang on the kernel's hooks, or on none", () => {
    expect(chainOf("nat PREROUTING")).toMatchObject({ table: Table.Nat, hook: Hook.Prerouting, policy: Target.Accept });
    expect(chainOf("filter FORWARD")).toMatchObject({ table: Table.Filter, hook: Hook.Forward, policy: Target.Accept });
    expect(chainOf("filter DOCKER-USER")).toMatchObject({ hook: NONE, count: 0 });
  });

  it("leave out tables that nobody has touched", () => {
    expect(chainNames.filter((name) => name.startsWith("mangle"))).toEqual([]);
    expect(chains.some(({ family, table }) => family === Family.Ipv6 && table === Table.Raw)).toBe(false);
  });

  it("take a policy over", () => {
    const firewall = createFirewall("29");
    firewall.start(FLAGS);
    firewall.dropForwarded(4);
    const compiled = compileRules([{ namespace: 0, firewall: firewall.snapshot(), devices: DEVICES }]);
    const index = compiled.chainNames.indexOf("filter FORWARD");
    expect(compiled.chains[index]).toMatchObject({ family: Family.Ipv4, policy: Target.Drop });
  });

  it("jump to chains of the same table", () => {
    const [jump] = rulesOf("nat PREROUTING");
    expect(jump?.target).toBe(Target.Jump);
    expect(chainNames[jump!.chain]).toBe("nat DOCKER");
  });

  it("translate a published port", () => {
    const [dnat] = rulesOf("nat DOCKER");
    expect(dnat).toMatchObject({
      matches: MATCH_DESTINATION | MATCH_PROTOCOL | MATCH_DESTINATION_PORT | MATCH_IN,
      inverts: MATCH_IN,
      in: 2,
      destination: [0xc000020b, 0, 0, 0],
      destinationMask: [0xffffffff, 0, 0, 0],
      protocol: 6,
      destinationPortFrom: 8080,
      destinationPortTo: 8080,
      target: Target.Dnat,
      natFrom: [0xac110002, 0, 0, 0],
      natTo: [0xac110002, 0, 0, 0],
      natPortFrom: 80,
      natPortTo: 80,
    } satisfies Partial<RuleRecord>);
  });

  it("say of every rule what it is and what it is there for", () => {
    const index = chainOf("nat DOCKER").first;
    expect(ruleNames[index]).toEqual({
      text: "-A DOCKER -d 192.0.2.11/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
      cause: "port 192.0.2.11:8080→80/tcp of web",
    });
    expect(ruleNames[chainOf("raw PREROUTING").first]?.cause).toBe("container web on network bridge");
    expect(ruleNames[chainOf("filter DOCKER-CT").first]?.cause).toBe("network bridge");
  });

  it("let answers through", () => {
    expect(rulesOf("filter DOCKER-CT")[0]).toMatchObject({ matches: MATCH_OUT | MATCH_CTSTATE, out: 2, ctstate: CTSTATE_RELATED | CTSTATE_ESTABLISHED });
  });

  it("of a sandbox lead to its DNS server and back", () => {
    const compiled = compileRules([{ namespace: 9, firewall: sandboxFirewall({ udp: 40001, tcp: 40002 }), devices: new Map() }]);
    expect(compiled.ruleNames.map(({ cause }) => cause)).toEqual(Array(6).fill("the embedded DNS server"));
    const back = compiled.rules.find(({ target }) => target === Target.Snat);
    expect(back).toMatchObject({ matches: MATCH_SOURCE | MATCH_PROTOCOL | MATCH_SOURCE_PORT, natFrom: [0, 0, 0, 0], natTo: [0, 0, 0, 0], natPortFrom: 53, natPortTo: 53 });
  });
});

describe("one rule", () => {
  it("has IPv6 addresses as four words", () => {
    const [record] = compileRule(rule({ source: { value: parseCidr("fd49:efd7:54aa::/36", "source"), not: true } }), PLACE);
    expect(record).toMatchObject({ source: [0xfd49efd7, 0x50000000, 0, 0], sourceMask: [0xffffffff, 0xf0000000, 0, 0], inverts: MATCH_SOURCE });
  });

  it("names a device that is not there by NONE", () => {
    expect(compileRule(rule({ inInterface: { value: "wlan0", not: false } }), PLACE)).toMatchObject([{ matches: MATCH_IN, in: NONE }]);
  });

  it("becomes one record per device that a name with + stands for", () => {
    expect(compileRule(rule({ outInterface: { value: "eth+", not: false } }), PLACE).map(({ out }) => out)).toEqual([1, 3]);
    expect(compileRule(rule({ outInterface: { value: "eth+", not: true } }), PLACE).map(({ out }) => out)).toEqual([0, 2]);
    expect(compileRule(rule({ outInterface: { value: "+", not: false } }), PLACE)).toMatchObject([{ matches: 0 }]);
    expect(compileRule(rule({ outInterface: { value: "wg+", not: false } }), PLACE)).toMatchObject([{ matches: MATCH_OUT, out: NONE }]);
  });

  it("asks whether IPsec was there, or will be, and for the number of a VXLAN network", () => {
    const policy = (direction: "in" | "out", kind: "ipsec" | "none") => rule({ matches: [{ match: "policy", direction, policy: kind }] });
    expect(compileRule(policy("in", "ipsec"), PLACE)).toMatchObject([{ matches: MATCH_POLICY, inverts: 0, policyDirection: 0 }]);
    expect(compileRule(policy("out", "none"), PLACE)).toMatchObject([{ matches: MATCH_POLICY, inverts: MATCH_POLICY, policyDirection: 1 }]);
    const vni = rule({ matches: [{ match: "u32", vni: 4097 }] });
    expect(compileRule(vni, PLACE)).toMatchObject([{ matches: MATCH_WORD, wordOffset: 12, wordMask: 0xffffff00, word: 0x100100 }]);
  });

  it("with ports becomes records of which at most one takes a packet, and exactly one if the rule does", () => {
    const port = fc.nat(12);
    const range = fc.tuple(port, port).map(([a, b]): PortRange => ({ from: Math.min(a, b), to: Math.max(a, b) }));
    const negatable = <T>(value: fc.Arbitrary<T>) => fc.record({ value, not: fc.boolean() });
    const multiport = fc.record({
      match: fc.constant("multiport" as const),
      side: fc.constantFrom("source" as const, "destination" as const, "either" as const),
      ports: negatable(fc.array(range, { minLength: 1, maxLength: 3 })),
    });
    const tcp = fc.record({ sourcePorts: negatable(range), destinationPorts: negatable(range) }, { requiredKeys: [] }).map((ports): Match => ({ match: "tcp", ...ports }));
    fc.assert(
      fc.property(fc.array(fc.oneof(multiport, tcp), { maxLength: 3 }), port, port, (matches, source, destination) => {
        const taking = compileRule(rule({ matches }), PLACE).filter((record) => recordTakes(record, source, destination));
        expect(taking).toHaveLength(matches.every((match) => matchTakes(match, source, destination)) ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
  });
});

function recordTakes(record: RuleRecord, source: number, destination: number): boolean {
  const test = (bit: number, holds: boolean) => (record.matches & bit) === 0 || holds !== ((record.inverts & bit) !== 0);
  return (
    test(MATCH_IN, record.in !== NONE) &&
    test(MATCH_SOURCE_PORT, source >= record.sourcePortFrom && source <= record.sourcePortTo) &&
    test(MATCH_DESTINATION_PORT, destination >= record.destinationPortFrom && destination <= record.destinationPortTo)
  );
}

function matchTakes(match: Match, source: number, destination: number): boolean {
  const within = (port: number, ranges: readonly PortRange[]) => ranges.some(({ from, to }) => port >= from && port <= to);
  if (match.match === "tcp") {
    const { sourcePorts: s, destinationPorts: d } = match;
    return (!s || within(source, [s.value]) !== s.not) && (!d || within(destination, [d.value]) !== d.not);
  }
  if (match.match !== "multiport") return true;
  const { side, ports } = match;
  const sides = { source: [source], destination: [destination], either: [source, destination] }[side];
  return sides.some((port) => within(port, ports.value)) !== ports.not;
}
