import { beforeEach, describe, expect, it } from "vitest";
import { formatIpv4 } from "../../net/ip";
import { Daemon } from "../daemon";
import { dnsOf } from "../dns";
import { ruleText } from "../firewall/rule-text";
import { rulesOf } from "../generations";
import type { ContainerSpec } from "../spec";
import type { DockerState } from "../state";
import { emptyWorld } from "../world";
import { SwarmRegistry } from "./registry";

function daemonsOf(): { readonly h1: Daemon; readonly h2: Daemon } {
  const swarms = new SwarmRegistry();
  const make = (name: string, index: number) =>
    new Daemon({
      host: { name, cpus: 1, backlog: 1000 }, rules: rulesOf("20.10"), seed: index, swarms,
      world: { ...emptyWorld(name), uplinks: [{ name: "eth0", mac: `02:00:00:00:02:0${index}`, mtu: 1500, addresses: [`192.0.2.1${index}/24`] }] },
    });
  return { h1: make("h1", 1), h2: make("h2", 2) };
}

let h1: Daemon;
let h2: Daemon;
const both = (): DockerState => {
  const [a, b] = [h1.state(), h2.state()];
  return { generation: a.generation, hosts: [...a.hosts, ...b.hosts], networks: [...a.networks, ...b.networks], containers: [...a.containers, ...b.containers] };
};

function run(daemon: Daemon, name: string, network: string, more: Partial<ContainerSpec> = {}): string {
  const host = daemon === h1 ? "h1" : "h2";
  const { id } = daemon.createContainer({ name, host, networks: [{ network, aliases: [], gwPriority: 0 }], publish: [], expose: [], links: [], extraHosts: [], ...more });
  daemon.startContainer(id);
  return id;
}

const interfaces = (daemon: Daemon, name: string) => daemon.findContainer(name).endpoints.map(({ interfaceName, network, ip }) => `${interfaceName} ${network} ${formatIpv4(ip)}`);
const overlay = (daemon: Daemon, name: string, more = {}) => daemon.createNetwork({ name, driver: "overlay", ipam: [], internal: false, options: {}, attachable: true, ...more });

beforeEach(() => {
  ({ h1, h2 } = daemonsOf());
  h1.swarm.init({});
  h2.swarm.join(h1.swarm.token("worker"));
});

describe("a host in a swarm", () => {
  it("gives a container on an overlay a way out that goes when a bridge gives one, and comes back", () => {
    overlay(h1, "ov");
    h1.createNetwork({ name: "app", driver: "bridge", ipam: [], internal: false, options: {} });
    run(h1, "c1", "ov");
    expect(interfaces(h1, "c1")).toEqual(["eth0 ov 10.0.1.2", "eth1 docker_gwbridge 172.18.0.3"]);
    h1.connect("c1", { network: "app", aliases: [], gwPriority: 0 });
    expect(interfaces(h1, "c1")).toEqual(["eth0 ov 10.0.1.2", "eth2 app 172.19.0.2"]);
    h1.disconnect("c1", "app");
    expect(interfaces(h1, "c1")).toEqual(["eth0 ov 10.0.1.2", "eth3 docker_gwbridge 172.18.0.3"]);
    expect(formatIpv4(h1.findContainer("c1").gateway?.ip ?? 0)).toBe("172.18.0.1");
  });

  it("gives none to a container on an internal overlay", () => {
    overlay(h1, "shut", { internal: true });
    run(h1, "c1", "shut");
    expect(interfaces(h1, "c1")).toEqual(["eth0 shut 10.0.1.2"]);
  });

  it("knows an overlay while it uses it", () => {
    overlay(h1, "ov");
    expect(() => h2.findNetwork("ov")).toThrow("network ov not found");
    run(h2, "c2", "ov");
    expect(h2.findNetwork("ov")).toMatchObject({ scope: "swarm", mtu: 1450, port: 4789, peers: [{ address: "192.0.2.12" }] });
    h2.removeContainer("c2", { force: true });
    h2.swarm.settle();
    expect(() => h2.findNetwork("ov")).toThrow("network ov not found");
    expect(h1.findNetwork("ov")).toMatchObject({ isLocal: false });
  });

  it("knows the names of containers on the others", () => {
    overlay(h1, "ov");
    run(h1, "c1", "ov");
    run(h2, "c2", "ov");
    expect(dnsOf(both(), "c2")?.names.get("c1")?.ipv4.map(formatIpv4)).toEqual(["10.0.1.2"]);
    expect(dnsOf(both(), "c1")?.reverse.get("4.1.0.10.in-addr.arpa")).toBe("c2.ov");
  });

  it("knows the names of services: the virtual address, and each task's", () => {
    const { id } = overlay(h1, "ov");
    h1.swarm.createService({ name: "web", replicas: 2, endpointMode: "vip", ports: [], networks: [{ network: id, aliases: [] }], labels: {}, container: {} });
    run(h1, "client", "ov");
    const names = dnsOf(both(), "client")?.names;
    expect([names?.get("web"), names?.get("tasks.web")].map((entry) => entry?.ipv4.map(formatIpv4).sort())).toEqual([["10.0.1.2"], ["10.0.1.3", "10.0.1.4"]]);
  });

  it("is asked by its swarm to run tasks, and no one else can make networks for it but a manager", () => {
    expect(() => overlay(h2, "ov")).toThrow("Cannot create a multi-host network from a worker node");
    expect(() => h2.swarm.nodes()).toThrow("Worker nodes can't be used to view or modify cluster state");
    h1.swarm.createService({ name: "web", replicas: undefined, endpointMode: "vip", ports: [{ protocol: "tcp", target: 80, published: 8820, mode: "host" }], networks: [], labels: {}, container: {} });
    expect(both().containers.map(({ host, ports }) => [host, ports[0]?.hostPort])).toEqual([["h1", 8820], ["h2", 8820]]);
  });

  it("refuses to join twice, and loses its overlays when it leaves, but not docker_gwbridge", () => {
    overlay(h1, "ov");
    run(h2, "c2", "ov");
    expect(() => h2.swarm.join(h1.swarm.token("worker"))).toThrow("This node is already part of a swarm");
    h2.swarm.leave(false);
    expect(h2.findContainer("c2")).toMatchObject({ running: true, endpoints: [], attachments: [] });
    expect(h2.networks().map(({ name }) => name)).toEqual(["none", "host", "bridge", "docker_gwbridge"]);
    expect(() => h1.swarm.leave(false)).toThrow("Removing the last manager erases all current state of the swarm");
  });

  it("lets only encrypted frames of an encrypted overlay in, also once it is gone, until a plain one gets its number", () => {
    overlay(h1, "sec", { options: { encrypted: "" } });
    const inputRules = () => h1.firewall.snapshot().v4.find(({ name }) => name === "filter")?.chains.find(({ name }) => name === "INPUT")?.rules.map(ruleText);
    run(h1, "c1", "sec");
    const match = (policy: string) => `-p udp -m policy --dir in --pol ${policy} -m udp --dport 4789 -m u32 --u32 "0x0>>0x16&0x3c@0xc&0xffffff00=0x100100"`;
    expect(inputRules()).toEqual([`${match("none")} -j DROP`, `${match("ipsec")} -j ACCEPT`]);
    h1.removeContainer("c1", { force: true });
    h1.swarm.settle();
    h1.removeNetwork("sec");
    expect(inputRules()).toHaveLength(2);
    overlay(h1, "plain", { options: { "com.docker.network.driver.overlay.vxlanid_list": "4097" } });
    run(h1, "c1", "plain");
    expect(inputRules()).toEqual([]);
  });

  it("has set up no network when its daemon starts anew, and soon that of ingress", () => {
    overlay(h1, "ov");
    run(h1, "c1", "ov");
    const setUp = () => h1.networks().flatMap((network) => (network.driver === "overlay" && network.isLocal ? [network.name] : []));
    expect(setUp()).toEqual(["ingress", "ov"]);
    h1.restart();
    expect(setUp()).toEqual([]);
    h1.swarm.settle();
    expect(setUp()).toEqual(["ingress"]);
  });

  it("allots IPv6 subnets of overlays and lets nobody in", () => {
    overlay(h1, "six", { ipv6: true, ipam: [{ subnet: "fd00:5::/64", auxAddresses: {} }] });
    expect(h1.findNetwork("six")).toMatchObject({ enableIpv6: true, ipam: { config: [{ subnet: "fd00:5::/64", gateway: "fd00:5::1" }] } });
    expect(() => run(h1, "c1", "six")).toThrow("attaching to network failed");
  });

  it("makes the MTU of an encrypted overlay shorter", () => {
    overlay(h1, "sec", { options: { encrypted: "" } });
    overlay(h1, "tuned", { options: { "com.docker.network.driver.mtu": "1300" } });
    expect([h1.findNetwork("sec"), h1.findNetwork("tuned")]).toMatchObject([{ mtu: 1424, encrypted: true }, { mtu: 1250, encrypted: false }]);
  });
});
