/** The rules of Docker 20.10 against recordings of the engine: the same things happen, told to the firewall directly. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseCidr } from "../../net/cidr";
import { parseIp } from "../../net/ip";
import {
  createFirewall,
  type Firewall,
  type FirewallFlags,
  type FirewallLink,
  type FirewallNetwork,
  type FirewallPort,
  isEmpty,
  saveLines,
} from ".";
import { parseIptablesArgv } from "./parse";

interface RecordedStep {
  readonly op: string;
  readonly label?: string;
  readonly argv?: readonly string[];
  readonly hosts?: { readonly h1: { readonly iptables: RecordedTables; readonly ip6tables?: RecordedTables } };
}

type RecordedTables = Readonly<Record<string, readonly string[]>>;

const FLAGS: FirewallFlags = { iptables: true, ip6tables: false, userlandProxy: true, allowDirectRouting: false };
const ip = (text: string) => parseIp(text, "address");

function stepsOf(scenario: string): readonly RecordedStep[] {
  const file = fileURLToPath(new URL(`../../../test/conformance/recordings/${scenario}.json`, import.meta.url));
  return (JSON.parse(readFileSync(file, "utf8")) as { steps: RecordedStep[] }).steps;
}

/** A bridge network of the recording: its device has the placeholder of its name. */
function network(name: string, subnet: string, more: Partial<FirewallNetwork> & { readonly subnet6?: string; readonly source?: string } = {}): FirewallNetwork {
  const { subnet6, source, ...rest } = more;
  const family = (text: string) => ({ subnet: parseCidr(text, "subnet"), gatewayMode: "nat", hostAddress: source === undefined ? undefined : ip(source) }) as const;
  return {
    id: name,
    name,
    device: name === "bridge" ? "docker0" : `br-<net:h1/${name}>`,
    internal: false,
    icc: true,
    masquerade: true,
    trustedInterfaces: [],
    v4: family(subnet),
    v6: subnet6 === undefined ? undefined : family(subnet6),
    ...rest,
  };
}

/** `8080:80/tcp at 127.0.0.1`. */
function port(container: string, address: string, text: string): FirewallPort {
  const [, hostPort, own, protocol, host] = /^(\d+):(\d+)\/(tcp|udp) at (\S+)$/.exec(text)!;
  return { container, address: ip(address), port: Number(own), protocol: protocol as "tcp" | "udp", hostAddress: ip(host!), hostPort: Number(hostPort) };
}

function linesOf(firewall: Firewall, family: 4 | 6): RecordedTables {
  const { v4, v6 } = firewall.snapshot();
  return Object.fromEntries((family === 4 ? v4 : v6).filter((table) => !isEmpty(table)).map((table) => [table.name, saveLines(table)]));
}

/** Plays what stands between two observations, then compares with the next one. */
class Replay {
  readonly firewall = createFirewall("20.10");
  readonly #observations: RecordedStep[];

  constructor(scenario: string, flags: Partial<FirewallFlags>, bridge: FirewallNetwork | undefined) {
    this.#observations = stepsOf(scenario).filter(({ op }) => op === "observe");
    this.firewall.start({ ...FLAGS, ...flags });
    this.firewall.dropForwarded(4);
    this.firewall.dropForwarded(6);
    this.firewall.addOtherNetwork();
    if (bridge) this.firewall.addNetwork(bridge);
  }

  expectNext(label: string): void {
    const { label: found, hosts } = this.#observations.shift()!;
    expect(found).toBe(label);
    expect(linesOf(this.firewall, 4), label).toEqual(hosts!.h1.iptables);
    expect(linesOf(this.firewall, 6), label).toEqual(hosts!.h1.ip6tables ?? {});
  }

  user(command: string): void {
    this.firewall.apply(parseIptablesArgv(command.split(" "), { file: "h1" }));
  }

  restart(flags: Partial<FirewallFlags>, bridge: FirewallNetwork | undefined, ...networks: readonly FirewallNetwork[]): void {
    this.firewall.start({ ...FLAGS, ...flags });
    for (const stored of networks) this.firewall.restoreNetwork(stored);
    if (!bridge) return;
    this.firewall.restoreNetwork(bridge);
    this.firewall.removeNetwork(bridge.id);
    this.firewall.addNetwork(bridge);
  }
}

const BRIDGE = network("bridge", "172.17.0.0/16");

describe("the rules of a recorded 20.10", () => {
  it("of both families", () => {
    const replay = new Replay("rules-ip6tables", { ip6tables: true }, BRIDGE);
    const { firewall } = replay;
    const quiet = network("quiet", "172.20.0.0/16", { subnet6: "fd00:8::/64", icc: false });
    firewall.addNetwork(network("six", "172.18.0.0/16", { subnet6: "fd00:6::/64" }));
    firewall.addNetwork(network("inner", "172.19.0.0/16", { subnet6: "fd00:7::/64", internal: true }));
    firewall.addNetwork(quiet);
    const c1 = [
      port("c1", "fd00:6::2", "8082:80/tcp at ::1"),
      port("c1", "172.18.0.2", "8081:80/tcp at 127.0.0.1"),
      port("c1", "172.18.0.2", "8080:80/tcp at 0.0.0.0"),
      port("c1", "fd00:6::2", "8080:80/tcp at ::"),
    ];
    firewall.publish("six", c1);
    const c2 = [port("c2", "172.20.0.2", "5353:53/udp at 0.0.0.0"), port("c2", "fd00:8::2", "5353:53/udp at ::")];
    firewall.publish("quiet", c2);
    replay.expectNext("dual stack");
    firewall.addNetwork(network("plain", "172.21.0.0/16"));
    // IPv6 has no address in the container: the userland proxy has it.
    const c3 = [port("c3", "172.21.0.2", "8090:80/tcp at 0.0.0.0"), port("c3", "172.21.0.2", "8090:80/tcp at ::")];
    firewall.publish("plain", c3);
    replay.expectNext("with an IPv4 network");
    firewall.unpublish("six", c1);
    firewall.removeNetwork("six");
    replay.expectNext("after a network went");
    firewall.unpublish("quiet", c2);
    firewall.unpublish("plain", c3);
    firewall.removeNetwork("inner");
    firewall.removeNetwork("plain");
    replay.restart({ ip6tables: true }, BRIDGE, quiet);
    replay.expectNext("after a restart");
  });

  it("of both families without the userland proxy", () => {
    const flags = { ip6tables: true, userlandProxy: false };
    const replay = new Replay("rules-ip6tables-no-proxy", flags, network("bridge", "172.17.0.0/16", { subnet6: "fd00:bb::/64" }));
    replay.firewall.addNetwork(network("six", "172.18.0.0/16", { subnet6: "fd00:6::/64" }));
    replay.firewall.addNetwork(network("inner", "172.19.0.0/16", { subnet6: "fd00:7::/64", internal: true }));
    replay.firewall.publish("six", [
      port("c1", "fd00:6::2", "8082:80/tcp at ::1"),
      port("c1", "172.18.0.2", "8081:80/tcp at 127.0.0.1"),
      port("c1", "172.18.0.2", "8080:80/tcp at 0.0.0.0"),
      port("c1", "fd00:6::2", "8080:80/tcp at ::"),
    ]);
    replay.expectNext("end");
  });

  it("with rules of a user between them", () => {
    const replay = new Replay("rules-user", {}, BRIDGE);
    const { firewall } = replay;
    const snat = network("snat", "172.18.0.0/16", { source: "192.0.2.11" });
    const web = [port("c1", "172.18.0.2", "8081:80/tcp at 0.0.0.0")];
    replay.user("iptables -A INPUT -p tcp --dport 22 -j ACCEPT");
    replay.user("iptables -I DOCKER-USER -s 10.0.0.0/8 -j DROP");
    replay.user("iptables -I FORWARD -p icmp -j ACCEPT");
    firewall.addNetwork(snat);
    firewall.publish("snat", web);
    replay.expectNext("a network and a port");
    replay.user("iptables -D DOCKER-USER -j RETURN");
    replay.user("iptables -I FORWARD -p tcp --dport 99 -j DROP");
    firewall.addOtherNetwork();
    replay.expectNext("after a macvlan was made");
    firewall.addNetwork(network("inner", "172.19.0.0/16", { internal: true }));
    firewall.addNetwork(network("quiet", "172.20.0.0/16", { icc: false, masquerade: false }));
    replay.expectNext("after two more");
    firewall.removeNetwork("inner");
    firewall.removeNetwork("quiet");
    replay.user("iptables -I FORWARD -p tcp --dport 98 -j DROP");
    firewall.unpublish("snat", web);
    replay.restart({}, BRIDGE, snat);
    replay.expectNext("after a restart");
    firewall.publish("snat", web);
    replay.expectNext("after the container came back");
    firewall.unpublish("snat", web);
    firewall.removeNetwork("snat");
    replay.expectNext("after all are gone");
  });

  it("of links, which stay when the container behind them was another one meanwhile", () => {
    const replay = new Replay("rules-links", {}, { ...BRIDGE, icc: false });
    const { firewall } = replay;
    // libnetwork sorts them: higher ports first, TCP before UDP.
    const exposed = [201, 200, 100, 80].map((number) => ({ port: number, protocol: "tcp" as const }));
    const link = (parent: string, parentIp: string, child: string, childIp: string, ports: FirewallLink["ports"]): FirewallLink => ({
      parent: { container: parent, address: ip(parentIp) },
      child: { container: child, address: ip(childIp) },
      ports,
    });
    const c1Ports = [...exposed, { port: 53, protocol: "udp" as const }];
    const c3 = [port("c3", "172.17.0.3", "8081:80/tcp at 0.0.0.0")];
    const c3ToC1 = link("c3", "172.17.0.3", "c1", "172.17.0.2", c1Ports);
    const c4ToC3 = link("c4", "172.17.0.4", "c3", "172.17.0.3", [{ port: 80, protocol: "tcp" }]);
    firewall.publish("bridge", c3);
    for (const each of [c3ToC1, c4ToC3]) firewall.link("bridge", each);
    replay.expectNext("links");
    firewall.unlink("bridge", c4ToC3);
    replay.expectNext("after a linking container stopped");
    firewall.link("bridge", c4ToC3);
    replay.expectNext("after it started");
    replay.expectNext("after a linked container stopped");
    firewall.link("bridge", c3ToC1);
    replay.expectNext("after it started, too");
    firewall.unpublish("bridge", c3);
    replay.expectNext("after a linking and linked container went");
    replay.expectNext("after the linked container stopped again");
  });

  it("without a default bridge, where DOCKER-USER is second after a restart", () => {
    const replay = new Replay("rules-no-default-bridge", {}, undefined);
    const { firewall } = replay;
    const a = network("a", "172.17.0.0/16");
    const web = [port("c1", "172.17.0.2", "8080:80/tcp at 0.0.0.0")];
    firewall.addNetwork(a);
    firewall.publish("a", web);
    replay.expectNext("before");
    firewall.unpublish("a", web);
    replay.restart({}, undefined, a);
    firewall.publish("a", web);
    replay.expectNext("after");
    firewall.addNetwork(network("b", "172.18.0.0/16"));
    replay.expectNext("after the next network");
  });
});
