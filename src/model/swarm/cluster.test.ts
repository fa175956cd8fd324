import { describe, expect, it } from "vitest";
import { formatCidr, parseCidr } from "../../net/cidr";
import { formatIpv4 } from "../../net/ip";
import type { NetworkSpec } from "../spec";
import { Cluster, type ClusterOptions } from "./cluster";
import type { ClusterNetwork, ClusterNode, ClusterTask, NodeAgent } from "./objects";
import type { ServicePort, ServiceSpec } from "./service-spec";

/** Writes down what it is told. */
class Recorder implements NodeAgent {
  readonly heard: string[] = [];
  joinNetwork({ spec }: ClusterNetwork, address: bigint): void {
    this.heard.push(`join ${spec.name} ${formatIpv4(Number(address))}`);
  }
  leaveNetwork({ spec }: ClusterNetwork): void {
    this.heard.push(`leave ${spec.name}`);
  }
  secureNetwork({ spec }: ClusterNetwork): void {
    this.heard.push(`secure ${spec.name}`);
  }
  runTask({ service, slot }: ClusterTask): undefined {
    this.heard.push(`run ${service?.spec.name}.${slot}`);
    return undefined;
  }
  disableTask(): number {
    return 0;
  }
  stopTask({ service, slot }: ClusterTask): void {
    this.heard.push(`stop ${service?.spec.name}.${slot}`);
  }
  removeTask({ service, slot }: ClusterTask): void {
    this.heard.push(`remove ${service?.spec.name}.${slot}`);
  }
}

function swarm(options: Partial<ClusterOptions> = {}, names: readonly string[] = ["h1", "h2"]) {
  const cluster = new Cluster({ seed: 1, ...options });
  const agents = names.map(() => new Recorder());
  const nodes = names.map((hostname, index): ClusterNode =>
    cluster.roster.add({ hostname, role: index === 0 ? "manager" : "worker", address: `192.0.2.${11 + index}`, port: 2377, dataPathAddress: `192.0.2.${11 + index}`, agent: agents[index]! }),
  );
  cluster.settle();
  return { cluster, agents, nodes, h1: nodes[0]!, h2: nodes[1]! };
}

const overlay = (name: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({ name, driver: "overlay", ipam: [], internal: false, options: {}, attachable: true, ...more });
const service = (name: string, more: Partial<ServiceSpec> = {}): ServiceSpec => ({ name, replicas: 1, endpointMode: "vip", ports: [], networks: [], labels: {}, container: {}, ...more });
const published = (port: number, mode: "ingress" | "host" = "ingress"): ServicePort => ({ protocol: "tcp", target: 80, published: port, mode });
const text = (value: bigint | undefined) => (value === undefined ? undefined : formatIpv4(Number(value)));
const tasksOf = ({ cluster }: { readonly cluster: Cluster }, name: string) => cluster.orchestrator.tasksOf(cluster.orchestrator.get(name));

describe("the networks of a swarm", () => {
  it("get subnets and numbers one after the other, ingress first, and numbers are not used again", () => {
    const { cluster } = swarm();
    const first = cluster.createNetwork(overlay("first"));
    cluster.removeNetwork(first);
    const seen = [...cluster.networks, cluster.createNetwork(overlay("second"))].map(({ spec, subnets }) => [spec.name, ...(subnets ?? []).map(({ subnet, vni }) => `${formatCidr(subnet)} ${vni}`)]);
    expect(seen).toEqual([["ingress", "10.0.0.0/24 4096"], ["second", "10.0.2.0/24 4098"]]);
  });

  it("come from the pools of the swarm, in blocks of its length", () => {
    const { cluster } = swarm({ pools: [parseCidr("10.200.0.0/25", "pool"), parseCidr("10.9.0.0/26", "pool")], maskLength: 26 });
    const made = ["a", "b", "c"].map((name) => cluster.createNetwork(overlay(name)).subnets?.map(({ subnet }) => formatCidr(subnet)));
    expect(made).toEqual([["10.200.0.64/26"], ["10.9.0.0/26"], undefined]);
  });

  it("are made even if their subnet is taken, but without addresses", () => {
    const { cluster } = swarm();
    cluster.createNetwork(overlay("a", { ipam: [{ subnet: "10.123.0.0/24", auxAddresses: {} }] }));
    expect(cluster.createNetwork(overlay("b", { ipam: [{ subnet: "10.123.0.0/25", auxAddresses: {} }] })).subnets).toBeUndefined();
  });

  it("have one ingress, which nobody can be attached to", () => {
    const { cluster } = swarm();
    expect(() => cluster.createNetwork(overlay("b", { ingress: true, attachable: false }))).toThrow(`code = AlreadyExists desc = ingress network (${cluster.ingress?.id}) is already present`);
    expect(() => cluster.createNetwork(overlay("b", { ingress: true }))).toThrow("code = InvalidArgument desc = ingress network cannot be attachable");
    expect(() => cluster.attach(cluster.nodes[0]!, "ingress", undefined)).toThrow("code = PermissionDenied desc = network ingress not manually attachable");
  });
});

describe("attached containers", () => {
  it("get the next address, and their node one for its load balancer", () => {
    const { cluster, h1, h2, agents } = swarm();
    cluster.createNetwork(overlay("ov"));
    const given = [h1, h2, h1].map((node) => text(cluster.attach(node, "ov", undefined).address));
    expect(given).toEqual(["10.0.1.2", "10.0.1.4", "10.0.1.6"]);
    expect(agents.map(({ heard }) => heard)).toEqual([["join ingress 10.0.0.2", "join ov 10.0.1.3"], ["join ingress 10.0.0.3", "join ov 10.0.1.5"]]);
  });

  it("do not get an address that was just given back", () => {
    const { cluster, h1 } = swarm();
    cluster.createNetwork(overlay("ov"));
    cluster.detach(cluster.attach(h1, "ov", undefined).task);
    expect(text(cluster.attach(h1, "ov", undefined).address)).toBe("10.0.1.4");
  });

  it("hold their network, which leaves a node when the last one has", () => {
    const { cluster, h1, h2, agents } = swarm();
    const network = cluster.createNetwork(overlay("ov"));
    const { task } = cluster.attach(h1, "ov", undefined);
    const other = cluster.attach(h2, "ov", "10.0.1.100");
    expect(() => cluster.attach(h2, "ov", "10.0.1.100")).toThrow("context deadline exceeded");
    expect(() => cluster.removeNetwork(network)).toThrow(`network ${network.id} is in use by task ${task.id}`);
    cluster.detach(task);
    cluster.settle();
    expect(agents[0]?.heard.at(-1)).toBe("leave ov");
    expect(agents[1]?.heard.at(-1)).toBe("join ov 10.0.1.4");
    cluster.detach(other.task);
    cluster.removeNetwork(network);
    expect(cluster.findNetwork("ov")).toBeUndefined();
  });
});

describe("services", () => {
  it("have a virtual address before their tasks, which spread over the nodes", () => {
    const made = swarm();
    const network = made.cluster.createNetwork(overlay("ov"));
    const { virtualIps } = made.cluster.orchestrator.create(service("web", { replicas: 3, networks: [{ network: network.id, aliases: [] }] }));
    expect(text(virtualIps.get(network))).toBe("10.0.1.2");
    expect(tasksOf(made, "web").map(({ addresses }) => text(addresses.get(network)))).toEqual(["10.0.1.3", "10.0.1.4", "10.0.1.5"]);
    expect(new Set(tasksOf(made, "web").map(({ node }) => node)).size).toBe(2);
  });

  it("are on ingress with their published ports, whose numbers nobody else can have", () => {
    const { cluster } = swarm();
    const first = cluster.orchestrator.create(service("web", { ports: [published(8830)] }));
    expect(text(first.virtualIps.get(cluster.ingress!))).toBe("10.0.0.4");
    expect(() => cluster.orchestrator.create(service("clash", { ports: [published(8830)] }))).toThrow(
      `code = InvalidArgument desc = port '8830' is already in use by service 'web' (${first.id}) as an ingress port`,
    );
    expect(cluster.orchestrator.services.map(({ spec }) => spec.name)).toEqual(["web"]);
    expect(cluster.orchestrator.create(service("random", { ports: [published(0)] })).ports[0]?.published).toBe(30000);
    expect(() => cluster.orchestrator.create(service("d", { endpointMode: "dnsrr", ports: [published(1)] }))).toThrow("port published with ingress mode can't be used with dnsrr mode");
  });

  it("that are global have a task on each node, and wait where their port is taken", () => {
    const made = swarm();
    made.cluster.orchestrator.create(service("web", { replicas: undefined, ports: [published(8820, "host")] }));
    made.cluster.orchestrator.create(service("clash", { replicas: undefined, ports: [published(8820, "host")] }));
    expect(tasksOf(made, "web").map(({ isRunning }) => isRunning)).toEqual([true, true]);
    expect(tasksOf(made, "clash").map(({ isRunning, error }) => [isRunning, error])).toEqual(Array(2).fill([false, "host-mode port already in use on 1 node"]));
  });

  it("lose whole slots when they shrink, and keep what they replace", () => {
    const made = swarm();
    const { orchestrator } = made.cluster;
    const web = orchestrator.create(service("web", { replicas: 3 }));
    orchestrator.update(web, { ...web.spec, ports: [published(8811)] });
    orchestrator.update(web, { ...web.spec, replicas: 2 });
    made.cluster.clock.advance(60e9);
    expect(tasksOf(made, "web").map(({ slot, wanted }) => `${slot} ${wanted}`).sort()).toEqual(["2 running", "2 shutdown", "3 running", "3 shutdown"]);
    orchestrator.remove(web);
    made.cluster.clock.advance(2e9);
    expect([...made.cluster.tasks]).toEqual([]);
  });

  it("get other tasks for those of a node that left", () => {
    const made = swarm();
    const { orchestrator } = made.cluster;
    orchestrator.create(service("web", { replicas: 2 }));
    made.cluster.roster.leave(made.h2);
    made.cluster.clock.advance(60e9);
    const live = tasksOf(made, "web").filter(({ wanted }) => wanted === "running");
    expect(live.map(({ slot, node }) => [slot, node?.hostname]).sort()).toEqual([[1, "h1"], [2, "h1"]]);
  });

  it("keep ingress in being", () => {
    const { cluster } = swarm();
    const web = cluster.orchestrator.create(service("web", { ports: [published(8801)] }));
    expect(() => cluster.removeNetwork(cluster.ingress!)).toThrow(`code = FailedPrecondition desc = ingress network cannot be removed because service ${web.id} depends on it`);
    cluster.orchestrator.remove(web);
    cluster.removeNetwork(cluster.ingress!);
    expect(() => cluster.orchestrator.create(service("early", { ports: [published(8800)] }))).toThrow("service needs ingress network, but no ingress network is present");
  });
});

describe("join tokens", () => {
  it("say the role, and are refused if they are none", () => {
    const { cluster } = swarm();
    expect(cluster.security.roleOf(cluster.security.token("worker"))).toBe("worker");
    expect(cluster.security.roleOf(cluster.security.token("manager"))).toBe("manager");
    expect(() => cluster.security.roleOf("SWMTKN-1-0-0")).toThrow("invalid join token");
  });
});
