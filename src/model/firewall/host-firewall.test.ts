import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SimulationError } from "../../errors";
import { parseCidr } from "../../net/cidr";
import { parseIp } from "../../net/ip";
import { createFirewall, type Firewall, type FirewallFlags, type FirewallNetwork, type FirewallPort, renderSave, type TableName } from ".";
import { parseIptables } from "./parse";

const FLAGS: FirewallFlags = { iptables: true, ip6tables: true, userlandProxy: true, allowDirectRouting: false };
const GENERATIONS = ["20.10", "29"] as const;
const ip = (text: string) => parseIp(text, "address");

/** Network number n: 172.(17 + n).0.0/16 and fd00:n::/64. */
function network(n: number, more: Partial<FirewallNetwork> = {}): FirewallNetwork {
  const family = (text: string) => ({ subnet: parseCidr(text, "subnet"), gatewayMode: "nat", hostAddress: undefined }) as const;
  const [v4, v6] = [family(`172.${17 + n}.0.0/16`), family(`fd00:${n}::/64`)];
  return { id: `n${n}`, name: `net${n}`, device: `br${n}`, internal: false, icc: true, masquerade: true, trustedInterfaces: [], v4, v6, ...more };
}

function port(n: number, hostPort: number, host = "0.0.0.0"): FirewallPort {
  return { container: "c", address: ip(`172.${17 + n}.0.2`), port: 80, protocol: "tcp", hostAddress: ip(host), hostPort };
}

function rulesOf(firewall: Firewall, table: TableName, chain: string, family: 4 | 6 = 4): readonly string[] {
  const start = `-A ${chain} `;
  return renderSave(firewall.snapshot(), family, { tables: [table] })
    .split("\n")
    .filter((line) => line.startsWith(start))
    .map((line) => line.slice(start.length));
}

function started(generation: "20.10" | "29", flags: Partial<FirewallFlags> = {}): Firewall {
  const firewall = createFirewall(generation);
  firewall.start({ ...FLAGS, ...flags });
  return firewall;
}

describe.each(GENERATIONS)("a host with Docker %s", (generation) => {
  it("has after the last network went what it had after the first one came and went", () => {
    const shape = fc.record({ internal: fc.boolean(), icc: fc.boolean(), masquerade: fc.boolean() });
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 4 }), fc.boolean(), (shapes, userlandProxy) => {
        const used = started(generation, { userlandProxy });
        // The first external network leaves the jumps of 20.10 behind.
        used.addNetwork(network(0));
        used.removeNetwork("n0");
        const clean = [renderSave(used.snapshot(), 4), renderSave(used.snapshot(), 6)];
        const networks = shapes.map((each, n) => network(n + 1, each));
        const ports = networks.map((_, n) => [port(n + 1, 8000 + n), port(n + 1, 8100 + n, "127.0.0.1")]);
        const endpoint = (n: number) => ({ container: "c", addresses: [ip(`172.${18 + n}.0.2`), ip(`fd00:${n + 1}::2`)] });
        for (const [n, each] of networks.entries()) {
          used.addNetwork(each);
          used.attach(each.id, endpoint(n));
          used.publish(each.id, ports[n]!);
        }
        for (const [n, each] of networks.entries()) {
          used.unpublish(each.id, ports[n]!);
          used.detach(each.id, endpoint(n));
          used.removeNetwork(each.id);
        }
        expect([renderSave(used.snapshot(), 4), renderSave(used.snapshot(), 6)]).toEqual(clean);
      }),
    );
  });

  it("does nothing twice", () => {
    const firewall = started(generation);
    firewall.addNetwork(network(1));
    firewall.publish("n1", [port(1, 8080)]);
    const once = renderSave(firewall.snapshot(), 4);
    firewall.addNetwork(network(1));
    firewall.publish("n1", [port(1, 8080)]);
    expect(renderSave(firewall.snapshot(), 4)).toBe(once);
  });

  it("takes back what was never there without a word", () => {
    const firewall = started(generation);
    const before = renderSave(firewall.snapshot(), 4);
    firewall.removeNetwork("n9");
    firewall.unpublish("n9", [port(1, 8080)]);
    firewall.detach("n9", { container: "c", addresses: [ip("172.18.0.2")] });
    expect(renderSave(firewall.snapshot(), 4)).toBe(before);
  });

  it("leaves a family alone that the daemon must not touch", () => {
    const firewall = started(generation, { iptables: false });
    firewall.dropForwarded(4);
    firewall.addNetwork(network(1));
    firewall.publish("n1", [port(1, 8080)]);
    expect(renderSave(firewall.snapshot(), 4, { skipEmpty: true })).toBe("");
    expect(renderSave(firewall.snapshot(), 6, { skipEmpty: true })).not.toBe("");
  });

  it("keeps the places of networks and the rules of users through a restart", () => {
    const firewall = started(generation);
    for (const n of [1, 2]) firewall.addNetwork(network(n));
    firewall.apply(parseIptables("-I DOCKER-USER -s 10.0.0.1 -j DROP\n-A FORWARD -i wg0 -j ACCEPT", { file: "f" }));
    const masquerades = rulesOf(firewall, "nat", "POSTROUTING");
    firewall.start(FLAGS);
    for (const n of [2, 1]) firewall.restoreNetwork(network(n));
    expect(rulesOf(firewall, "nat", "POSTROUTING")).toEqual(masquerades);
    expect(rulesOf(firewall, "filter", "DOCKER-USER")[0]).toBe("-s 10.0.0.1/32 -j DROP");
    expect(rulesOf(firewall, "filter", "FORWARD")).toContain("-i wg0 -j ACCEPT");
  });

  it("exchanges the jump for loopback addresses when the userland proxy is switched off", () => {
    const firewall = started(generation);
    firewall.addNetwork(network(1));
    firewall.start({ ...FLAGS, userlandProxy: false });
    firewall.restoreNetwork(network(1));
    expect(rulesOf(firewall, "nat", "OUTPUT")).toEqual(["-m addrtype --dst-type LOCAL -j DOCKER"]);
    expect(rulesOf(firewall, "nat", "POSTROUTING")).toContain("-o br1 -m addrtype --src-type LOCAL -j MASQUERADE");
  });
});

describe("Docker 29", () => {
  const endpoint = { container: "c", addresses: [ip("172.18.0.2"), ip("fd00:1::2")] };

  it("closes the containers' own addresses to everybody but trusted devices, in both families", () => {
    const firewall = started("29");
    firewall.addNetwork(network(1, { trustedInterfaces: ["wg0", "eth1"] }));
    firewall.attach("n1", endpoint);
    expect(rulesOf(firewall, "raw", "PREROUTING")).toEqual([
      "-d 172.18.0.2/32 -i wg0 -j ACCEPT",
      "-d 172.18.0.2/32 -i eth1 -j ACCEPT",
      "-d 172.18.0.2/32 ! -i br1 -j DROP",
    ]);
    expect(rulesOf(firewall, "raw", "PREROUTING", 6)).toHaveLength(3);
  });

  it.each([{ allowDirectRouting: true }, { rawRules: false }])("leaves them open with %o, also after a run in which they were closed", (flags) => {
    const firewall = started("29");
    firewall.addNetwork(network(1));
    firewall.attach("n1", endpoint);
    firewall.start({ ...FLAGS, ...flags });
    firewall.restoreNetwork(network(1));
    firewall.attach("n1", endpoint);
    expect(rulesOf(firewall, "raw", "PREROUTING")).toEqual([]);
  });

  it("closes a port of 127.0.0.1 in table raw, and has no rule of IPv6 for ::1 there", () => {
    const firewall = started("29");
    firewall.addNetwork(network(1));
    firewall.publish("n1", [port(1, 8080, "127.0.0.1"), { ...port(1, 8080, "::1"), address: ip("fd00:1::2") }]);
    expect(rulesOf(firewall, "raw", "PREROUTING")).toEqual(["-d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 8080 -j DROP"]);
    expect(rulesOf(firewall, "raw", "PREROUTING", 6)).toEqual([]);
  });

  it("leaves an IPv6 address of the host in front of an IPv4 container to the userland proxy", () => {
    const firewall = started("29");
    firewall.addNetwork(network(1));
    firewall.publish("n1", [port(1, 8080, "::")]);
    expect([...rulesOf(firewall, "nat", "DOCKER"), ...rulesOf(firewall, "nat", "DOCKER", 6)]).toEqual([]);
  });

  it("opens a port of a routed network without translating it", () => {
    const firewall = started("29");
    const plain = network(1);
    firewall.addNetwork({ ...plain, v4: { ...plain.v4!, gatewayMode: "routed" } });
    firewall.attach("n1", endpoint);
    firewall.publish("n1", [port(1, 0)]);
    expect(rulesOf(firewall, "filter", "DOCKER")).toEqual([
      "-d 172.18.0.2/32 ! -i br1 -o br1 -p tcp -m tcp --dport 80 -j ACCEPT",
      "-o br1 -p icmp -j ACCEPT",
      "! -i br1 -o br1 -j DROP",
    ]);
    expect([...rulesOf(firewall, "nat", "DOCKER"), ...rulesOf(firewall, "nat", "POSTROUTING"), ...rulesOf(firewall, "raw", "PREROUTING")]).toEqual([]);
  });

  it("has newer ports above older ones in filter, below them in nat", () => {
    const firewall = started("29");
    firewall.addNetwork(network(1));
    firewall.publish("n1", [port(1, 8080), { ...port(1, 9090), port: 90 }]);
    expect(rulesOf(firewall, "filter", "DOCKER").map((line) => /--dport (\d+)/.exec(line)?.[1])).toEqual(["90", "80", undefined]);
    expect(rulesOf(firewall, "nat", "DOCKER").map((line) => /--dport (\d+)/.exec(line)?.[1])).toEqual(["8080", "9090"]);
  });

  it("lets packets with the accepted mark through before anything else", () => {
    const firewall = started("29", { bridgeAcceptFwmark: "0x10/0xff" });
    firewall.addNetwork(network(1));
    firewall.addNetwork(network(2));
    expect(rulesOf(firewall, "filter", "DOCKER-FORWARD").slice(0, 2)).toEqual(["-m mark --mark 0x10/0xff -j ACCEPT", "-j DOCKER-CT"]);
    // As the daemon has it: the mark goes with the first network that goes.
    firewall.removeNetwork("n2");
    expect(rulesOf(firewall, "filter", "DOCKER-FORWARD")[0]).toBe("-j DOCKER-CT");
  });

  it("refuses a mark that is none, in the daemon's words", () => {
    const refusal = (mark: string): unknown => {
      try {
        started("29", { bridgeAcceptFwmark: mark }).addNetwork(network(1));
      } catch (error) {
        return error instanceof SimulationError ? error.details.daemon : error;
      }
      return "accepted";
    };
    expect(refusal("red")).toBe(`invalid firewall mark "red": strconv.ParseUint: parsing "red": invalid syntax`);
    expect(refusal("1/0x100000000")).toBe(`invalid firewall mask "1/0x100000000": strconv.ParseUint: parsing "0x100000000": value out of range`);
  });

  it("has its own chains before the rules of others in FORWARD, and DOCKER-USER first, again after a restart", () => {
    const firewall = started("29");
    firewall.apply(parseIptables("-I FORWARD -i wg0 -j ACCEPT", { file: "f" }));
    expect(rulesOf(firewall, "filter", "FORWARD")[0]).toBe("-i wg0 -j ACCEPT");
    firewall.start(FLAGS);
    expect(rulesOf(firewall, "filter", "FORWARD")).toEqual(["-j DOCKER-USER", "-j DOCKER-FORWARD", "-i wg0 -j ACCEPT"]);
  });

  it("returns what comes from Windows to a mirrored WSL2 guest before it is translated", () => {
    expect(rulesOf(started("29", { wsl2Mirrored: true }), "nat", "DOCKER")).toEqual(["-d 127.0.0.0/8 -i loopback0 -j RETURN"]);
    expect(rulesOf(started("29", { wsl2Mirrored: true, userlandProxy: false }), "nat", "DOCKER")).toEqual([]);
  });
});

describe("Docker 20.10", () => {
  it("fills SCTP checksums in", () => {
    const firewall = started("20.10");
    firewall.addNetwork(network(1));
    firewall.publish("n1", [{ ...port(1, 9000), protocol: "sctp" }]);
    expect(rulesOf(firewall, "mangle", "POSTROUTING")).toEqual(["-p sctp -m sctp --sport 80 -j CHECKSUM --checksum-fill"]);
    firewall.unpublish("n1", [{ ...port(1, 9000), protocol: "sctp" }]);
    expect(rulesOf(firewall, "mangle", "POSTROUTING")).toEqual([]);
  });
});

describe("an encrypted overlay network", () => {
  const secured = (generation: "20.10" | "29") => {
    const firewall = started(generation);
    firewall.secure({ vni: 4097, port: 4789 });
    return firewall;
  };

  it("has its frames marked on the way out, and those refused that come plain, as 20.10 asks for them", () => {
    const firewall = secured("20.10");
    const vni = '-m u32 --u32 "0x0>>0x16&0x3c@0xc&0xffffff00=0x100100"';
    expect(rulesOf(firewall, "mangle", "OUTPUT")).toEqual([`-p udp -m udp --dport 4789 ${vni} -j MARK --set-xmark 0xd0c4e3/0xffffffff`]);
    expect(rulesOf(firewall, "filter", "INPUT")).toEqual([
      `-p udp -m policy --dir in --pol none -m udp --dport 4789 ${vni} -j DROP`,
      `-p udp -m policy --dir in --pol ipsec -m udp --dport 4789 ${vni} -j ACCEPT`,
    ]);
    firewall.unsecure({ vni: 4097, port: 4789 });
    expect([rulesOf(firewall, "mangle", "OUTPUT"), rulesOf(firewall, "filter", "INPUT")]).toEqual([[], []]);
  });

  it("is told apart by a program of BPF by 29, which lets sealed frames meet the rules that there are", () => {
    const firewall = secured("29");
    const vni = '-m bpf --bytecode "7,32 0 0 4294963252,7 0 0 0,64 0 0 4,116 0 0 8,21 1 0 4097,6 0 0 0,6 0 0 4294967295"';
    expect(rulesOf(firewall, "mangle", "OUTPUT")).toEqual([`-p udp -m udp --dport 4789 ${vni} -j MARK --set-xmark 0xd0c4e3/0xffffffff`]);
    expect(rulesOf(firewall, "filter", "INPUT")).toEqual([`-p udp -m policy --dir in --pol none -m udp --dport 4789 ${vni} -j DROP`]);
  });
});
