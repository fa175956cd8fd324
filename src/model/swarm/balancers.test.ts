import { beforeEach, describe, expect, it } from "vitest";
import { formatIpv4 } from "../../net/ip";
import { Daemon } from "../daemon";
import { ruleText, saveLines, sandboxFirewall } from "../firewall";
import { balancerSteps, redirectSteps } from "../firewall/mesh";
import { rulesOf } from "../generations";
import type { DockerGeneration } from "../spec";
import { emptyWorld } from "../world";
import { SwarmRegistry } from "./registry";
import type { ServicePort, ServiceSpec } from "./service-spec";
import type { BalancedServiceState } from "./state";

function daemons(generation: DockerGeneration, ipvs = true): readonly [Daemon, Daemon] {
  const swarms = new SwarmRegistry();
  const [h1, h2] = ["h1", "h2"].map((name, index) => new Daemon({
    host: { name, cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: index, swarms,
    world: { ...emptyWorld(name), ipvs, uplinks: [{ name: "eth0", mac: `02:00:00:00:02:0${index}`, mtu: 1500, addresses: [`192.0.2.1${index}/24`] }] },
  }));
  h1!.swarm.init({});
  h2!.swarm.join(h1!.swarm.token("worker"));
  h1!.createNetwork({ name: "ov", driver: "overlay", ipam: [], internal: false, options: {}, attachable: true });
  return [h1!, h2!];
}

function create(daemon: Daemon, name: string, more: Partial<ServiceSpec> & { readonly published?: number } = {}) {
  const { published, ...fields } = more;
  const ports: ServicePort[] = published === undefined ? [] : [{ target: 80, published, protocol: "tcp", mode: "ingress" }];
  const network = daemon.networks().find(({ name: other }) => other === "ov")!.id;
  return daemon.swarm.createService({ name, replicas: 2, networks: [{ network, aliases: [] }], ports, endpointMode: "vip", labels: {}, container: {}, ...fields } as ServiceSpec);
}

const balancedOn = (daemon: Daemon, key: string): readonly BalancedServiceState[] => daemon.state().hosts[0]?.swarm?.sandboxes.find((sandbox) => sandbox.key === key)?.services ?? [];
const shown = ({ service, mark, virtualIp, servers }: BalancedServiceState) => `${service} ${mark} ${formatIpv4(virtualIp)} → ${servers.map(({ ip }) => formatIpv4(ip)).join(" ")}`;

/** Rules of the host that say something of the mesh. */
function meshRules(daemon: Daemon): string[] {
  const { v4 } = daemon.state().hosts[0]!.firewall!;
  const lines = v4.flatMap(({ name, chains }) => chains.flatMap((chain) => chain.rules.map((rule) => `${name} -A ${chain.name} ${ruleText(rule)}`)));
  return lines.filter((line) => /INGRESS|src-type LOCAL -j MASQ/.test(line));
}

/** How long a task takes to go whose process ends when it is told to. */
const GOING_NS = 2.1e9;

let h1: Daemon;
let h2: Daemon;
beforeEach(() => {
  [h1, h2] = daemons("29");
});

describe("the load balancers of a node", () => {
  it("count marks from 256 on, by the names of a task's networks, and lead to all tasks of the swarm, the newest first", () => {
    create(h1, "web", { published: 8080 });
    create(h1, "api");
    expect(["lb-ov", "ingress-sbox"].flatMap((key) => balancedOn(h1, key).map(shown))).toEqual([
      "web 257 10.0.1.2 → 10.0.1.4 10.0.1.3",
      "api 258 10.0.1.7 → 10.0.1.9 10.0.1.8",
      "web 256 10.0.0.4 → 10.0.0.6 10.0.0.5",
    ]);
    expect(balancedOn(h2, "ingress-sbox").map(({ virtualIp }) => formatIpv4(virtualIp))).toEqual(["10.0.0.4"]);
  });

  it("follow the tasks, and give a service that comes back a new mark", () => {
    const service = create(h1, "web");
    const scale = (replicas: number) => h1.swarm.updateService(service.id, (spec) => ({ ...spec, replicas }));
    scale(3);
    expect(balancedOn(h1, "lb-ov")[0]?.servers).toHaveLength(3);
    scale(0);
    // Who is connected stays so until the tasks are gone.
    expect(balancedOn(h1, "lb-ov")[0]?.servers.map(({ weight }) => weight)).toEqual([0, 0, 0]);
    h1.swarm.wait(GOING_NS);
    expect(balancedOn(h1, "lb-ov")).toEqual([]);
    scale(1);
    expect(balancedOn(h1, "lb-ov").map(({ mark, servers }) => [mark, servers.length])).toEqual([[257, 1]]);
  });

  it("are not asked by names that lead to tasks, but those take a mark", () => {
    create(h1, "rr", { endpointMode: "dnsrr" });
    create(h1, "web");
    expect(balancedOn(h1, "lb-ov").map(({ service, mark }) => [service, mark])).toEqual([["web", 257]]);
  });

  it("are empty where the kernel has no ip_vs, and the host has no rules of the mesh", () => {
    [h1, h2] = daemons("29", false);
    create(h1, "web", { published: 8080 });
    expect(balancedOn(h1, "ingress-sbox")).toEqual([]);
    expect(meshRules(h1)).toEqual([]);
  });
});

describe("the rules of the mesh on a host", () => {
  it.each(["29", "20.10"] as const)("stand where Docker %s puts them, and go with the port", (generation) => {
    [h1, h2] = daemons(generation);
    const service = create(h1, "web", { published: 8080 });
    const answers = generation === "29" ? "-p tcp -m tcp --sport 8080 -m conntrack --ctstate RELATED,ESTABLISHED" : "-p tcp -m state --state RELATED,ESTABLISHED -m tcp --sport 8080";
    const frame = [
      "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER-INGRESS",
      "nat -A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER-INGRESS",
      "nat -A POSTROUTING -o docker_gwbridge -m addrtype --src-type LOCAL -j MASQUERADE",
      "nat -A DOCKER-INGRESS -j RETURN",
      `filter -A ${generation === "29" ? "DOCKER-FORWARD" : "FORWARD"} -j DOCKER-INGRESS`,
      "filter -A DOCKER-INGRESS -j RETURN",
    ];
    expect(meshRules(h1)).toEqual([
      ...frame.slice(0, 3),
      "nat -A DOCKER-INGRESS -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.18.0.2:8080",
      ...frame.slice(3, 5),
      "filter -A DOCKER-INGRESS -p tcp -m tcp --dport 8080 -j ACCEPT",
      `filter -A DOCKER-INGRESS ${answers} -j ACCEPT`,
      frame[5],
    ]);
    expect(meshRules(h2)).toEqual(meshRules(h1));
    h1.swarm.removeService(service.id);
    expect(meshRules(h1).length).toBeGreaterThan(frame.length);
    h1.swarm.wait(GOING_NS);
    expect(meshRules(h1)).toEqual(frame);
  });

  it("keep containers from the port, unless one had it before", () => {
    const run = (name: string) => {
      const { id } = h1.createContainer({ name, host: "h1", networks: [{ network: "bridge", aliases: [], gwPriority: 0 }], publish: [{ hostIp: "", hostPort: { from: 8080, to: 8080 }, containerPort: 80, protocol: "tcp" }], expose: [], links: [], extraHosts: [] });
      h1.startContainer(id);
    };
    const service = create(h1, "web", { published: 8080 });
    h1.state();
    expect(() => run("c1")).toThrow(/address already in use/);
    h1.swarm.removeService(service.id);
    h1.swarm.wait(GOING_NS);
    run("c2");
    create(h1, "web", { published: 8080 });
    expect(h1.state().hosts[0]?.world?.listeners).toEqual([]);
  });

  it("follow the ports of a service that is updated", () => {
    const service = create(h1, "web", { published: 8080 });
    meshRules(h1);
    const second: ServicePort = { target: 81, published: 9090, protocol: "udp", mode: "ingress" };
    h1.swarm.updateService(service.id, (spec) => ({ ...spec, ports: [...spec.ports, second] }));
    const translated = meshRules(h1).filter((line) => line.includes("DNAT"));
    expect(translated.map((line) => /-p .* -j/.exec(line)?.[0])).toEqual(["-p udp -m udp --dport 9090 -j", "-p tcp -m tcp --dport 8080 -j"]);
    expect(balancedOn(h1, "ingress-sbox").map(({ mark, ports }) => [mark, ports.length])).toEqual([[258, 2]]);
  });

  it("come behind DOCKER-USER, also when a network follows (20.10)", () => {
    [h1, h2] = daemons("20.10");
    create(h1, "web", { published: 8080 });
    const forward = () => h1.state().hosts[0]!.firewall!.v4.find(({ name }) => name === "filter")!.chains.find(({ name }) => name === "FORWARD")!.rules.slice(0, 3).map(ruleText);
    expect(forward()).toEqual(["-j DOCKER-USER", "-j DOCKER-INGRESS", "-j DOCKER-ISOLATION-STAGE-1"]);
    h1.createNetwork({ name: "app", driver: "bridge", ipam: [], internal: false, options: {} });
    expect(forward()).toEqual(["-j DOCKER-USER", "-j DOCKER-INGRESS", "-j DOCKER-ISOLATION-STAGE-1"]);
  });
});

describe("the rules of sandboxes", () => {
  const lines = (steps: ReturnType<typeof balancerSteps>) => sandboxFirewall(undefined, steps).v4.flatMap((table) => saveLines(table).filter((line) => line.startsWith("-A")).map((line) => `${table.name} ${line}`));
  const own = { ip: 0x0a000002, prefixLength: 24 };
  const web = { service: "web", network: "ingress", virtualIp: 0x0a000004, mark: 256, ports: [{ protocol: "tcp", published: 8080, target: 80 }] } as const;

  it("mark what goes to a service, and send on from the load balancer's own address", () => {
    expect(lines(balancerSteps(own, false, [web, { ...web, virtualIp: 0x0a000008, mark: 257, ports: [] }]))).toEqual([
      "mangle -A PREROUTING -p tcp -m tcp --dport 8080 -j MARK --set-xmark 0x100/0xffffffff",
      "mangle -A INPUT -d 10.0.0.4/32 -j MARK --set-xmark 0x100/0xffffffff",
      "mangle -A INPUT -d 10.0.0.8/32 -j MARK --set-xmark 0x101/0xffffffff",
      "nat -A POSTROUTING -d 10.0.0.0/24 -m ipvs --ipvs -j SNAT --to-source 10.0.0.2",
    ]);
    expect(lines(balancerSteps(own, true, [web])).some((line) => line.includes("SNAT"))).toBe(false);
  });

  it("lead from the published port to the one that a task listens on, and let nothing else in", () => {
    expect(lines(redirectSteps("web", 0x0a000005, web.ports))).toEqual([
      "nat -A PREROUTING -d 10.0.0.5/32 -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80",
      "filter -A INPUT -d 10.0.0.5/32 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
      "filter -A INPUT -d 10.0.0.5/32 -p sctp -j DROP",
      "filter -A INPUT -d 10.0.0.5/32 -p udp -j DROP",
      "filter -A INPUT -d 10.0.0.5/32 -p tcp -j DROP",
      "filter -A OUTPUT -s 10.0.0.5/32 -p tcp -m tcp --sport 80 -m conntrack --ctstate ESTABLISHED -j ACCEPT",
      "filter -A OUTPUT -s 10.0.0.5/32 -p sctp -j DROP",
      "filter -A OUTPUT -s 10.0.0.5/32 -p udp -j DROP",
      "filter -A OUTPUT -s 10.0.0.5/32 -p tcp -j DROP",
    ]);
  });
});
