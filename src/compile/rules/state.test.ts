import { describe, expect, it } from "vitest";
import { docker } from "../../../test/support/docker";
import { compile } from "..";
import { parseIptables } from "../../model/firewall/parse";
import type { TopologySpec } from "../../model/spec";

/** A host with rules of its own, and a container that publishes a port. */
function shop(text: string): TopologySpec {
  const { spec } = docker("shop").network("front").container("web", { networks: ["front"], publish: ["8080:80"] });
  return { ...spec, hosts: spec.hosts.map((host) => ({ ...host, rules: [{ text, file: "my.rules" }] })) };
}

const compiled = (spec: TopologySpec) => compile(spec, { parseRules: parseIptables });

describe("the rules of a description", () => {
  it("are those of its networks, ports and users, with their causes", () => {
    const { program, rules } = compiled(shop("iptables -I DOCKER-USER -s 203.0.113.0/24 -j DROP"));
    expect(rules()).toContain("# host1: iptables-save\n*raw\n");
    expect(rules()).toContain("-A DOCKER-USER -s 203.0.113.0/24 -j DROP\n");
    expect(rules()).toContain("--dport 8080 -j DNAT --to-destination 172.18.0.2:80\n");
    const causes = new Set(program.names.rules.map(({ cause }) => cause));
    expect([...causes]).toEqual(
      expect.arrayContaining([
        "the Docker daemon",
        "network bridge",
        "network front",
        "container web on network front",
        "port 8080→80/tcp of web",
        "user rule at my.rules:1:1",
        "the embedded DNS server",
      ]),
    );
    expect(program.names.rules).toHaveLength(program.rules.length);
    expect(program.names.chains).toHaveLength(program.chains.length);
  });

  it("name the devices of their own namespace", () => {
    const { program, devices } = compiled(shop(""));
    const index = program.names.rules.findIndex(({ text, cause }) => cause === "network front" && text.startsWith("-A DOCKER-CT -o "));
    expect(program.rules[index]?.out).toBe(devices.get("host1:br-front"));
  });

  it("may be those of a host firewall such as ufw, whose limits concern the log alone", () => {
    const ufw = `
      *filter
      :INPUT DROP [0:0]
      :ufw-before-input - [0:0]
      :ufw-logging-deny - [0:0]
      :ufw-not-local - [0:0]
      -A INPUT -j ufw-before-input
      -A ufw-before-input -i lo -j ACCEPT
      -A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
      -A ufw-before-input -m conntrack --ctstate INVALID -j DROP
      -A ufw-before-input -p icmp --icmp-type echo-request -j ACCEPT
      -A ufw-before-input -p udp --sport 67 --dport 68 -j ACCEPT
      -A ufw-before-input -j ufw-not-local
      -A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
      -A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
      -A ufw-not-local -j DROP
      -A ufw-logging-deny -m conntrack --ctstate INVALID -m limit --limit 3/min --limit-burst 10 -j RETURN
      -A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
      COMMIT`.replace(/^ +/gm, "");
    expect(compiled(shop(ufw)).rules()).toContain(`-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "\n`);
    expect(() => compiled(shop("-A INPUT -p icmp -m limit --limit 1/sec -j ACCEPT"))).toThrow(
      /^my\.rules:1:1: -A INPUT -p icmp -m limit --limit 1\/sec -j ACCEPT: "-m limit" is not simulated where more than the log depends on it$/,
    );
  });

  it("are refused where they stand", () => {
    expect(() => compiled(shop("\niptables -A DOCKER-USER -m string --string x -j DROP"))).toThrow(/^my\.rules:2:28: the match "-m string" is not simulated$/);
  });
});
