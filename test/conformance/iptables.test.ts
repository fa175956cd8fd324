/** The real iptables as judge of what we print and how we read: where the machine lets us have a network namespace of our own. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { createFirewall, renderSave, type Firewall } from "../../src/model/firewall";
import { parseIptables } from "../../src/model/firewall/parse";
import { parseCidr } from "../../src/net/cidr";
import { parseIp } from "../../src/net/ip";
import { dumpState, readDumpName } from "./rule-dumps";

const READY = spawnSync("unshare", ["-n", "sh", "-c", "iptables -t nat -S && ip6tables -t nat -S && iptables --version | grep -q nf_tables"]).status === 0;
if (!READY) console.log("real iptables: skipped, it wants root, unshare, and iptables with the nf_tables back end");

const FAMILIES = [4, 6] as const;
const tool = (family: 4 | 6) => (family === 4 ? "iptables" : "ip6tables");

/** Runs a script in a network namespace of its own. */
function inNamespace(script: string): string {
  const { status, stdout, stderr } = spawnSync("unshare", ["-n", "sh", "-e"], { input: script, encoding: "utf8" });
  expect(stderr.replace(/^# .*\n/gm, ""), script).toBe("");
  expect(status).toBe(0);
  return stdout;
}

/** What iptables-save prints, without comments, counters and tables that nobody has touched. */
function tidy(dump: string): readonly string[] {
  const tables = dump.replace(/^#.*\n/gm, "").replace(/ \[\d+:\d+\]$/gm, "").split(/(?<=^COMMIT\n)/m);
  const touched = tables.filter((table) => /^-A /m.test(table) || /^:\S+ (-|DROP)/m.test(table));
  return touched.sort().flatMap((table) => table.trim().split("\n"));
}

const LINES = `
iptables -A INPUT -i eth0 ! -s 10.0.0.0/8 -j DROP
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
iptables -A INPUT -p tcp -m conntrack --ctstate NEW --sport 1024: ! --dport :1023 -j ACCEPT
iptables -A INPUT -p sctp ! --sport :1023 -j ACCEPT
iptables -A INPUT -p udp --sport 0:65535 ! --dport 1024: -i + -j ACCEPT
iptables -A INPUT -p tcp --syn -j DROP
iptables -A INPUT -p tcp ! --tcp-flags ACK,FIN NONE -j DROP
iptables -A INPUT -p tcp --tcp-flags ALL PSH,URG -j DROP
iptables -A INPUT -p udp -m udp --dport 67:68 -j ACCEPT
iptables -A INPUT -p sctp --dport 9 -j ACCEPT
iptables -A INPUT -p tcp -m multiport --dports 80,443,8000:8010 -j ACCEPT
iptables -A INPUT -p udp -m multiport ! --sports 53 -j DROP
iptables -A INPUT -p icmp --icmp-type echo-request -j ACCEPT
iptables -A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT
iptables -A INPUT -p icmp -j ACCEPT
iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables -A FORWARD -p tcp -m conntrack --ctorigdst 192.0.2.11 --ctorigdstport 8080 --ctdir ORIGINAL ! --ctstate INVALID -j ACCEPT
iptables -A FORWARD -m mark --mark 16/0xff -j ACCEPT
iptables -A FORWARD -m mark ! --mark 1 -j ACCEPT
iptables -A INPUT -p esp -m policy --dir in --pol none -j DROP
iptables -A INPUT -m comment --comment "let me in" -m comment --comment plain -j ACCEPT
iptables -A INPUT -p tcp -j REJECT --reject-with tcp-rst
iptables -A FORWARD -i br+ -o docker0 -s 192.0.2.1,192.0.2.2 -j REJECT
iptables -A FORWARD -m addrtype ! --dst-type LOCAL,BROADCAST -j RETURN
iptables -A INPUT -j LOG --log-prefix "[BLOCK] " --log-level info
iptables -A INPUT -m limit -j LOG
iptables -A INPUT -m limit --limit 3/min --limit-burst 10 -j LOG
iptables -A INPUT -m limit --limit 180/hour -j LOG
iptables -A INPUT -m limit --limit 7/second -j LOG
iptables -A INPUT -m limit --limit 90/min -j LOG
iptables -A INPUT -m limit --limit 5/day -j LOG
iptables -A INPUT -p 47 -j DROP
iptables -A INPUT ! -p udp -j DROP
iptables -N MINE
iptables -A FORWARD -g MINE
iptables -A FORWARD -s 10.0.0.1/255.255.255.0
iptables -I FORWARD 2 -j MINE
iptables -P FORWARD DROP
iptables -t nat -A POSTROUTING -p udp -j MASQUERADE --to-ports 1024-2047
iptables -t nat -A POSTROUTING -p tcp -j SNAT --to-source 192.0.2.1-192.0.2.9:1000-2000
iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 192.0.2.1
iptables -t nat -A PREROUTING -p tcp -j DNAT --to-destination :81
iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080
iptables -t mangle -A PREROUTING -j MARK --set-mark 1
iptables -t mangle -A PREROUTING -j MARK --set-mark 0x1/0xf
iptables -t mangle -A PREROUTING -j MARK --and-mark 0xff
iptables -t mangle -A POSTROUTING -p sctp --sport 80 -j CHECKSUM --checksum-fill
iptables -t raw -A PREROUTING -p udp -j NOTRACK
iptables -t raw -A PREROUTING -p udp -j CT --notrack
ip6tables -A INPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT
ip6tables -A INPUT ! -s fe80::/10 -p ipv6-icmp -j ACCEPT
ip6tables -A INPUT -s fd00::1,::1 -j REJECT
ip6tables -t nat -A PREROUTING -p tcp -d ::1/128 -j DNAT --to-destination [fd00::2]:80
`;

describe.runIf(READY)("the real iptables", () => {
  it("prints the rules of users as we do", () => {
    const firewall = createFirewall("29");
    firewall.apply(parseIptables(LINES, { file: "lines" }));
    for (const family of FAMILIES) {
      expect(tidy(renderSave(firewall.snapshot(), family))).toEqual(tidy(inNamespace(`${LINES}\n${tool(family)}-save`)));
    }
  });

  it.each(["20.10", "29"] as const)("takes the rules of Docker %s, and prints them as we do", (generation) => {
    const state = situation(createFirewall(generation)).snapshot();
    for (const family of FAMILIES) {
      const text = renderSave(state, family, { skipEmpty: true });
      expect(tidy(inNamespace(`${tool(family)}-restore <<'END'\n${text}END\n${tool(family)}-save`))).toEqual(tidy(text));
    }
  });

  it("takes the rules of every gateway mode, and prints them as we do", () => {
    for (const mode of ["nat", "nat-unprotected", "routed"]) {
      const configuration = readDumpName(`hairpin=true,internal=false,icc=false,masq=true,snat=true,gwm=${mode},bindlh=true__iptables.golden`)!;
      const text = renderSave(dumpState(configuration), 4, { skipEmpty: true });
      expect(tidy(inNamespace(`iptables-restore <<'END'\n${text}END\niptables-save`))).toEqual(tidy(text));
    }
  });
});

const ip = (text: string) => parseIp(text, "address");
const subnet = (text: string) => ({ subnet: parseCidr(text, "subnet"), gatewayMode: "nat", hostAddress: undefined }) as const;

/** A host with a bit of everything. */
function situation(firewall: Firewall): Firewall {
  firewall.start({ iptables: true, ip6tables: true, userlandProxy: true, allowDirectRouting: false });
  firewall.dropForwarded(4);
  const common = { icc: true, masquerade: true, trustedInterfaces: ["eth9"] };
  firewall.addNetwork({ id: "a", name: "a", device: "docker0", internal: false, ...common, v4: subnet("172.17.0.0/16"), v6: subnet("fd00:17::/64") });
  firewall.addNetwork({ id: "b", name: "b", device: "br-b", internal: true, ...common, v4: subnet("172.18.0.0/16"), v6: subnet("fd00:18::/64") });
  const addresses = [ip("172.17.0.2"), ip("fd00:17::2")];
  firewall.attach("a", { container: "c", addresses });
  firewall.publish(
    "a",
    (["tcp", "udp", "sctp"] as const).flatMap((protocol) =>
      addresses.map((address) => ({ container: "c", address, port: 80, protocol, hostAddress: ip(address.family === 4 ? "127.0.0.1" : "::1"), hostPort: 8080 })),
    ),
  );
  const ports = [{ port: 80, protocol: "tcp" }] as const;
  firewall.link("a", { parent: { container: "d", address: ip("172.17.0.3") }, child: { container: "c", address: addresses[0]! }, ports });
  return firewall;
}
