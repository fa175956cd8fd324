import { describe, expect, it } from "vitest";
import { SimulationError } from "../../errors";
import { createFirewall, renderSave, ruleText } from ".";
import { parseIptables, parseIptablesArgv } from "./parse";

const FLAGS = { iptables: true, ip6tables: true, userlandProxy: true, allowDirectRouting: false };

/** What `iptables-save` would print of one rule. */
function saved(line: string): string {
  const [command] = parseIptables(line, { file: "rules.txt" });
  return command && "rule" in command ? ruleText(command.rule) : "";
}

function problemOf(line: string, file = "rules.txt"): SimulationError {
  try {
    parseIptables(line, { file });
  } catch (error) {
    if (error instanceof SimulationError) return error;
    throw error;
  }
  throw new Error(`accepted: ${line}`);
}

describe("a rule in iptables syntax", () => {
  it.each([
    ["-A DOCKER-USER -i eth0 ! -s 10.0.0.0/8 -j DROP", "! -s 10.0.0.0/8 -i eth0 -j DROP"],
    ["iptables -I DOCKER-USER -j DROP ! --source=10.1.2.3/255.255.0.0 -i eth+", "! -s 10.1.0.0/16 -i eth+ -j DROP"],
    ["iptables -I DOCKER-USER -s 192.0.2.1 -j RETURN", "-s 192.0.2.1/32 -j RETURN"],
    ["-A FORWARD -s 0/0 -d 10/8 -j ACCEPT", "-d 10.0.0.0/8 -j ACCEPT"],
    ["-A INPUT -p tcp --dport ssh -j ACCEPT", "-p tcp -m tcp --dport 22 -j ACCEPT"],
    ["-A INPUT -p TCP -m tcp ! --sport 1024: --dport :1023", "-p tcp -m tcp ! --sport 1024:65535 --dport 0:1023"],
    ["-A INPUT -p tcp --sport 0:65535 ! --dport :1023", "-p tcp -m tcp --dport 1024:65535"],
    ["-A INPUT -p tcp --syn -j DROP", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"],
    ["-A INPUT -p tcp ! --tcp-flags ACK,FIN NONE -j DROP", "-p tcp -m tcp ! --tcp-flags FIN,ACK NONE -j DROP"],
    ["-A INPUT -p tcp -m multiport --dports 80,443,8000:8010 -j ACCEPT", "-p tcp -m multiport --dports 80,443,8000:8010 -j ACCEPT"],
    ["-A INPUT -p udp -m multiport ! --ports 53 -j DROP", "-p udp -m multiport ! --ports 53 -j DROP"],
    ["-A INPUT -p icmp --icmp-type echo-request -j ACCEPT", "-p icmp -m icmp --icmp-type 8 -j ACCEPT"],
    ["-A INPUT -p icmp --icmp-type 3/4 -j ACCEPT", "-p icmp -m icmp --icmp-type 3/4 -j ACCEPT"],
    ["ip6tables -A INPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT", "-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT"],
    ["-A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT", "-m state --state RELATED,ESTABLISHED -j ACCEPT"],
    [
      "-A DOCKER-USER -p tcp -m conntrack --ctorigdst 192.0.2.11 --ctorigdstport 8080 --ctdir original ! --ctstate invalid -j ACCEPT",
      "-p tcp -m conntrack ! --ctstate INVALID --ctorigdst 192.0.2.11 --ctorigdstport 8080 --ctdir ORIGINAL -j ACCEPT",
    ],
    ["-t nat -A PREROUTING -m addrtype ! --dst-type LOCAL,BROADCAST -j RETURN", "-m addrtype ! --dst-type LOCAL,BROADCAST -j RETURN"],
    ["-A FORWARD -m mark --mark 16/0xff -j ACCEPT", "-m mark --mark 0x10/0xff -j ACCEPT"],
    ["-A INPUT -m policy --dir in --pol none -p esp -j DROP", "-p esp -m policy --dir in --pol none -j DROP"],
    ["-t nat -A POSTROUTING -d 10.0.0.0/24 -m ipvs --ipvs -j SNAT --to-source 10.0.0.2", "-d 10.0.0.0/24 -m ipvs --ipvs -j SNAT --to-source 10.0.0.2"],
    ["-A INPUT -m ipvs ! --ipvs -j DROP", "-m ipvs ! --ipvs -j DROP"],
    [`-A INPUT -m comment --comment "let me in" -j ACCEPT # a note`, `-m comment --comment "let me in" -j ACCEPT`],
    ["-A INPUT -j REJECT", "-j REJECT --reject-with icmp-port-unreachable"],
    ["-A INPUT -p tcp -j REJECT --reject-with tcp-rst", "-p tcp -j REJECT --reject-with tcp-reset"],
    ["ip6tables -A INPUT -s fd00::/8,::1 -j REJECT", "-s fd00::/8 -j REJECT --reject-with icmp6-port-unreachable"],
    ["-t nat -A POSTROUTING -p udp -j MASQUERADE --to-ports 1024-2047", "-p udp -j MASQUERADE --to-ports 1024-2047"],
    ["-t nat -A POSTROUTING -j SNAT --to-source 192.0.2.1-192.0.2.9:1000-2000", "-j SNAT --to-source 192.0.2.1-192.0.2.9:1000-2000"],
    ["ip6tables -t nat -A PREROUTING -p tcp -j DNAT --to-destination [fd00::2]:80", "-p tcp -j DNAT --to-destination [fd00::2]:80"],
    ["-t nat -A PREROUTING -p tcp -j DNAT --to-destination :81", "-p tcp -j DNAT --to-destination :81"],
    ["-t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080", "-p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080"],
    ["-t mangle -A PREROUTING -j MARK --set-mark 1", "-j MARK --set-xmark 0x1/0xffffffff"],
    ["-t mangle -A PREROUTING -j MARK --or-mark 0x10", "-j MARK --set-xmark 0x10/0x10"],
    ["-t mangle -A PREROUTING -j MARK --and-mark 0xff", "-j MARK --set-xmark 0x0/0xffffff00"],
    ["-t raw -A PREROUTING -p udp -j NOTRACK", "-p udp -j NOTRACK"],
    ["-t raw -A PREROUTING -p udp -j CT --notrack", "-p udp -j CT --notrack"],
    [`-A INPUT -j LOG --log-prefix "[BLOCK] " --log-level info`, `-j LOG --log-prefix "[BLOCK] " --log-level 6`],
    ["-A INPUT -m limit --limit 180/hour --limit-burst 10 -j LOG", "-m limit --limit 3/min --limit-burst 10 -j LOG"],
    ["-A INPUT -m limit --limit 7/second --limit-burst 5 -j LOG", "-m limit --limit 7/sec -j LOG"],
    ["-A INPUT -m limit -j LOG", "-m limit --limit 3/hour -j LOG"],
    ["-A DOCKER-USER -g MINE", "-g MINE"],
    ["-A DOCKER-USER -p all", ""],
  ])("%s", (line, expected) => {
    expect(saved(line)).toBe(expected);
  });

  it("with lists of addresses is several rules", () => {
    const commands = parseIptables("iptables -A INPUT -s 10.0.0.1,10.0.0.2 -d 192.0.2.1,192.0.2.2 -j DROP", { file: "f" });
    expect(commands.map((command) => ("rule" in command ? ruleText(command.rule) : ""))).toEqual([
      "-s 10.0.0.1/32 -d 192.0.2.1/32 -j DROP",
      "-s 10.0.0.1/32 -d 192.0.2.2/32 -j DROP",
      "-s 10.0.0.2/32 -d 192.0.2.1/32 -j DROP",
      "-s 10.0.0.2/32 -d 192.0.2.2/32 -j DROP",
    ]);
  });

  it("may be an argument vector", () => {
    const [command] = parseIptablesArgv(["ip6tables", "-w", "5", "-I", "FORWARD", "2", "-j", "DROP"], { file: "host h1" });
    expect(command).toMatchObject({ family: 6, table: "filter", chain: "FORWARD", command: "insert", number: 2 });
  });
});

describe("what is not understood", () => {
  it.each([
    ["-A INPUT -m string --string evil -j DROP", "rules.txt:1:13", `the match "-m string" is not simulated`, "UNSUPPORTED"],
    ["-A INPUT -m nonsense -j DROP", "rules.txt:1:13", "Couldn't load match `nonsense'", "INVALID_INPUT"],
    ["-A FORWARD -j TCPMSS --clamp-mss-to-pmtu", "rules.txt:1:15", `the target "-j TCPMSS" is not simulated`, "UNSUPPORTED"],
    ["-A INPUT --dport 80 -j DROP", "rules.txt:1:10", `unknown option "--dport": it belongs to -m tcp`, "INVALID_INPUT"],
    ["-A INPUT -p tcp --icmp-type 8 -j DROP", "rules.txt:1:17", `unknown option "--icmp-type": it belongs to -m icmp`, "INVALID_INPUT"],
    ["-A INPUT -m tcp --dport 80 -j DROP", "rules.txt:1:13", "-m tcp: needs -p tcp", "INVALID_INPUT"],
    ["-A INPUT ! -p tcp -m tcp --dport 80", "rules.txt:1:22", "-m tcp: needs -p tcp, found ! -p tcp", "INVALID_INPUT"],
    ["-A INPUT -s fd00::1 -j DROP", "rules.txt:1:13", "expected an IPv4 address or block", "INVALID_INPUT"],
    ["-A INPUT -s example.com -j DROP", "rules.txt:1:13", "expected an IPv4 address or block", "INVALID_INPUT"],
    ["-A INPUT -p tcp --dport 70000", "rules.txt:1:25", "expected a port or a range", "INVALID_INPUT"],
    ["-A INPUT -p tcp --dport 90:80", "rules.txt:1:25", "the range of ports 90:80 ends before it begins", "INVALID_INPUT"],
    ["-A INPUT -o eth0 -j DROP", "rules.txt:1:1", "Can't use -o with INPUT", "INVALID_INPUT"],
    ["-t nat -A POSTROUTING -i eth0 -j MASQUERADE", "rules.txt:1:1", "Can't use -i with POSTROUTING", "INVALID_INPUT"],
    ["-A FORWARD -j MASQUERADE", "rules.txt:1:15", "-j MASQUERADE: works in table nat, found table filter", "INVALID_INPUT"],
    ["-t nat -A PREROUTING -j DROP", "rules.txt:1:25", "-j DROP: works in table raw, mangle, filter, found table nat", "INVALID_INPUT"],
    ["-t nat -A PREROUTING -j SNAT --to-source 1.2.3.4", "rules.txt:1:25", "-j SNAT: works in chain POSTROUTING, INPUT, found chain PREROUTING", "INVALID_INPUT"],
    ["-t nat -A PREROUTING -j DNAT", "rules.txt:1:25", "-j DNAT: expected --to-destination", "INVALID_INPUT"],
    ["-A INPUT -j REJECT --reject-with icmp6-no-route", "rules.txt:1:34", "--reject-with: expected one of icmp-net-unreachable", "INVALID_INPUT"],
    ["-A INPUT -i", "rules.txt:1:10", "-i: expected a device, found the end of the rule", "INVALID_INPUT"],
    ["-A INPUT -i averyveryverylongname", "rules.txt:1:13", "of at most 15 characters", "INVALID_INPUT"],
    ["-A INPUT -m conntrack -j DROP", "rules.txt:1:13", "-m conntrack: expected one of --ctstate", "INVALID_INPUT"],
    ["-A INPUT -m state --state OLD", "rules.txt:1:27", "expected some of INVALID, NEW", "INVALID_INPUT"],
    [`-A INPUT -m comment --comment "open`, "rules.txt:1:31", `the quote " is not closed`, "INVALID_INPUT"],
    ["-s 10.0.0.1 -j DROP", "rules.txt:1:1", "expected a command such as -A CHAIN", "INVALID_INPUT"],
    ["-A INPUT -A OUTPUT", "rules.txt:1:10", "only one command at a time", "INVALID_INPUT"],
    ["-A INPUT drop", "rules.txt:1:10", `expected an option, found "drop"`, "INVALID_INPUT"],
    ["-P FORWARD REJECT", "rules.txt:1:12", "expected the policy ACCEPT or DROP", "INVALID_INPUT"],
    ["-t broute -A X", "rules.txt:1:4", "expected one of the tables raw, mangle, nat, filter", "INVALID_INPUT"],
  ])("%s", (line, place, sentence, code) => {
    const problem = problemOf(line);
    expect(problem.message).toContain(`${place}: `);
    expect(problem.message).toContain(sentence);
    expect(problem.code).toBe(code);
  });

  it("is found in the line where it stands", () => {
    expect(problemOf("# mine\n\n  -A INPUT -m string -j DROP", "fw/user.rules").message).toMatch(/^fw\/user\.rules:3:15: /);
  });
});

describe("a host's firewall", () => {
  function host(rules: string) {
    const firewall = createFirewall("29");
    firewall.start(FLAGS);
    firewall.apply(parseIptables(rules, { file: "rules.txt" }));
    return firewall;
  }
  const filterOf = (rules: string) => renderSave(host(rules).snapshot(), 4, { tables: ["filter"] });

  it("takes the user's rules where they ask for them", () => {
    const text = filterOf(`
      iptables -A DOCKER-USER -s 10.0.0.2 -j DROP
      iptables -I DOCKER-USER -s 10.0.0.1 -j DROP
      iptables -I DOCKER-USER 3 -s 10.0.0.3 -j DROP
      iptables -P INPUT DROP
      iptables -N MINE
      iptables -A INPUT -p tcp --dport 22 -j MINE
      iptables -A MINE -j ACCEPT
    `);
    expect(text).toContain(":INPUT DROP [0:0]\n");
    expect(text).toContain("-A DOCKER-USER -s 10.0.0.1/32 -j DROP\n-A DOCKER-USER -s 10.0.0.2/32 -j DROP\n-A DOCKER-USER -s 10.0.0.3/32 -j DROP\n");
    expect(text).toContain("-A INPUT -p tcp -m tcp --dport 22 -j MINE\n");
  });

  it("takes back what is deleted by rule, by number, or by chain", () => {
    const before = filterOf("");
    expect(filterOf("-A INPUT -j DROP\n-D INPUT -j DROP")).toBe(before);
    expect(filterOf("-A INPUT -j DROP\n-D INPUT 1")).toBe(before);
    expect(filterOf("-N MINE\n-A MINE -j DROP\n-F MINE\n-X MINE")).toBe(before);
  });

  it("takes what iptables-save printed", () => {
    const text = filterOf("*filter\n:INPUT DROP [12:3456]\n:ufw-user - [0:0]\n-A INPUT -j ufw-user\n-A ufw-user -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n");
    expect(text).toContain(":INPUT DROP [0:0]\n");
    expect(text).toContain("-A ufw-user -p tcp -m tcp --dport 22 -j ACCEPT\n");
  });

  it("loses everything with -F, and keeps DOCKER-USER through a restart of the daemon otherwise", () => {
    expect(filterOf("iptables -F")).not.toContain("-A ");
    const firewall = host("-A DOCKER-USER -s 10.0.0.1 -j DROP");
    firewall.start(FLAGS);
    expect(renderSave(firewall.snapshot(), 4)).toContain("-A DOCKER-USER -s 10.0.0.1/32 -j DROP\n");
  });

  it.each([
    ["-A NOWHERE -j DROP", "chain NOWHERE: No chain/target/match by that name"],
    ["-A INPUT -j NOWHERE", "chain INPUT: No chain/target/match by that name: NOWHERE"],
    ["-D INPUT -j DROP", "chain INPUT: Bad rule (does a matching rule exist in that chain?)"],
    ["-I INPUT 2 -j DROP", "chain INPUT: Index of insertion too big"],
    ["-D INPUT 1", "chain INPUT: Index of deletion too big"],
    ["-N DOCKER", "chain DOCKER: Chain already exists"],
    ["-X DOCKER-USER", "chain DOCKER-USER: Too many links"],
    ["-N A\n-A A -j DROP\n-X A", "chain A: Directory not empty"],
    ["-N A\n-N B\n-A A -j B\n-A B -g A", "chain B: Too many levels of symbolic links"],
    ["-P DOCKER DROP", "chain DOCKER: Bad built-in chain name"],
  ])("refuses in the words of iptables: %s", (rules, sentence) => {
    expect(() => host(rules)).toThrow(sentence);
    expect(() => host(rules)).toThrow(/^rules\.txt:\d+:1: iptables -t filter, chain /);
  });
});
