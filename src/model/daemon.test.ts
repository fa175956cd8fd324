import { describe, expect, it } from "vitest";
import { refusalOf } from "../../test/support/docker";
import { formatIpv4 } from "../net/ip";
import { Daemon } from "./daemon";
import { rulesOf } from "./generations";
import { isBridge } from "./state";
import type { ContainerSpec, DockerGeneration, EndpointSpec, NetworkSpec } from "./spec";

const network = (name: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({ name, driver: "bridge", ipam: [], internal: false, options: {}, ...more });
const subnet = (text: string, more: object = {}) => ({ ipam: [{ subnet: text, auxAddresses: {}, ...more }] });
const endpoint = (name: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({ network: name, aliases: [], gwPriority: 0, ...more });
const container = (name: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
  name,
  host: "host1",
  networks: [],
  publish: [],
  expose: [],
  links: [],
  extraHosts: [],
  ...more,
});

function daemonOf(generation: DockerGeneration): Daemon {
  return new Daemon({ host: { name: "host1", cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: 0 });
}

function run(daemon: Daemon, spec: ContainerSpec): void {
  const [first, ...others] = spec.networks;
  daemon.createContainer({ ...spec, networks: first ? [first] : [] });
  for (const other of others) daemon.connect(spec.name, other);
  daemon.startContainer(spec.name);
}

const stateOf = (daemon: Daemon, name: string) => daemon.containers().find((candidate) => candidate.name === name);
const interfaces = (daemon: Daemon, name: string) => stateOf(daemon, name)?.endpoints.map((e) => `${e.interfaceName} ${e.network} ${formatIpv4(e.ip)}`);
const gatewayOf = (daemon: Daemon, name: string) => stateOf(daemon, name)?.gateway?.network;
const bridgesOf = (daemon: Daemon) => daemon.networks().filter(isBridge);
const subnetsOf = (daemon: Daemon) => bridgesOf(daemon).map(({ subnet: { network: ip } }) => formatIpv4(ip));

describe.each<DockerGeneration>(["20.10", "29"])("a daemon of Docker %s", (generation) => {
  it("has the default bridge from the start", () => {
    const [bridge] = bridgesOf(daemonOf(generation));
    expect(bridge).toMatchObject({ name: "bridge", isDefault: true, gateway: 0xac110001, bridge: { device: "docker0", displayName: "docker0" }, mtu: 1500 });
  });

  it("names bridges after their network's ID", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("front"));
    const [, front] = bridgesOf(daemon);
    expect(front?.bridge).toMatchObject({ device: `br-${front?.id.slice(0, 12)}`, displayName: "br-front" });
  });

  it("joins containers to the default bridge unless they say otherwise", () => {
    const daemon = daemonOf(generation);
    run(daemon, container("web"));
    run(daemon, container("db"));
    expect([...interfaces(daemon, "web")!, ...interfaces(daemon, "db")!]).toEqual(["eth0 bridge 172.17.0.2", "eth0 bridge 172.17.0.3"]);
  });

  it("gives an address back when a container stops", () => {
    const daemon = daemonOf(generation);
    run(daemon, container("web"));
    daemon.stopContainer("web");
    run(daemon, container("db"));
    daemon.startContainer("web");
    expect([...interfaces(daemon, "web")!, ...interfaces(daemon, "db")!]).toEqual(["eth0 bridge 172.17.0.3", "eth0 bridge 172.17.0.2"]);
  });

  it("refuses what is reserved, taken, or no network", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("front"));
    expect(refusalOf(() => daemon.createNetwork(network("host")))).toBe("CONFLICT: operation is not permitted on predefined host network");
    expect(refusalOf(() => daemon.createNetwork(network("front")))).toBe("CONFLICT: network with name front already exists");
    expect(refusalOf(() => daemon.createNetwork(network("x1", { driver: "nosuch" })))).toBe('NOT_FOUND: plugin "nosuch" not found');
    expect(refusalOf(() => daemon.createNetwork(network("x1", { driver: "host" })))).toBe('CONFLICT: only one instance of "host" network is allowed');
    expect(refusalOf(() => daemon.removeNetwork("bridge"))).toBe("CONFLICT: bridge is a pre-defined network and cannot be removed");
    expect(refusalOf(() => run(daemon, container("web", { networks: [endpoint("back")] })))).toMatch(/^NOT_FOUND: .*network back not found$/);
  });

  it("has no overlay networks outside of a swarm", () => {
    expect(refusalOf(() => daemonOf(generation).createNetwork(network("x1", { driver: "overlay" })))).toMatch(/^CONFLICT: This node is not a swarm manager\. /);
  });

  it("refuses container names that Docker refuses, and names in use", () => {
    const daemon = daemonOf(generation);
    const shape = "INVALID_INPUT: Invalid container name (%), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed";
    for (const name of ["a", "-web", "we b", ""]) expect(refusalOf(() => daemon.createContainer(container(name)))).toBe(shape.replace("%", name));
    daemon.createContainer(container("web"));
    expect(refusalOf(() => daemon.createContainer(container("web")))).toMatch(/^CONFLICT: Conflict\. The container name "\/web" is already in use by container "[0-9a-f]{64}"\./);
  });

  it("gives back what a failed start or create took", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("aa", subnet("10.0.0.0/29")));
    run(daemon, container("first", { networks: [endpoint("aa")], publish: [{ containerPort: 80, protocol: "tcp", hostPort: { from: 80, to: 80 } }] }));
    const second = container("second", { networks: [endpoint("aa")], publish: [{ containerPort: 80, protocol: "tcp", hostPort: { from: 80, to: 80 } }] });
    expect(refusalOf(() => run(daemon, second))).toMatch(/^CONFLICT: .*endpoint second \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:80 failed: port is already allocated$/);
    run(daemon, container("third", { networks: [endpoint("aa")] }));
    expect(interfaces(daemon, "third")).toEqual(["eth0 aa 10.0.0.3"]);
    expect(refusalOf(() => daemon.createNetwork(network("bad", { ...subnet("10.1.0.0/24"), options: { "com.docker.network.driver.mtu": "abc" } })))).toMatch(/strconv.Atoi/);
    daemon.createNetwork(network("good", subnet("10.1.0.0/24")));
  });

  it("reads a network's blocks", () => {
    const daemon = daemonOf(generation);
    const block = { gateway: "10.2.0.9", ipRange: "10.2.0.64/26", auxAddresses: { nas: "10.2.0.64", DefaultGatewayIPv4: "10.2.0.254" } };
    daemon.createNetwork(network("lan", subnet("10.2.0.0/24", block)));
    run(daemon, container("web", { networks: [endpoint("lan")] }));
    expect(interfaces(daemon, "web")).toEqual(["eth0 lan 10.2.0.65"]);
    expect(stateOf(daemon, "web")?.gateway).toEqual({ network: "lan", ip: 0x0a0200fe });
    expect(bridgesOf(daemon)[1]?.gateway).toBe(0x0a020009);
    const twice = network("x1", subnet("10.3.0.0/24", { gateway: "10.3.0.1", auxAddresses: { nas: "10.3.0.1" } }));
    expect(refusalOf(() => daemon.createNetwork(twice))).toBe("CONFLICT: failed to allocate secondary ip address (nas:10.3.0.1): Address already in use");
    const edge = network("x1", subnet("10.3.0.0/24", { gateway: "10.3.0.0" }));
    expect(refusalOf(() => daemon.createNetwork(edge))).toBe("CONFLICT: failed to allocate gateway (10.3.0.0): Address already in use");
  });

  it("numbers static addresses as asked, and refuses those that are taken", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("lan", subnet("10.2.0.0/29")));
    run(daemon, container("web", { networks: [endpoint("lan", { ipv4: "10.2.0.2" })] }));
    run(daemon, container("db", { networks: [endpoint("lan")] }));
    expect(interfaces(daemon, "db")).toEqual(["eth0 lan 10.2.0.3"]);
    for (const ipv4 of ["10.2.0.2", "10.2.0.1", "10.2.0.0", "10.2.0.7"]) {
      const taken = container("same", { networks: [endpoint("lan", { ipv4 })] });
      expect(refusalOf(() => run(daemon, taken))).toMatch(/^CONFLICT: .*Address already in use$/);
      daemon.removeContainer("same", { force: true });
    }
    for (const name of ["c4", "c5", "c6"]) run(daemon, container(name, { networks: [endpoint("lan")] }));
    const full = refusalOf(() => run(daemon, container("c7", { networks: [endpoint("lan")] })));
    expect(full).toMatch(/^CONFLICT: .*no available IPv4 addresses on this network's address pools: lan \([0-9a-f]{64}\)$/);
  });

  it("shares a sandbox that runs, and refuses settings that belong to its owner", () => {
    const daemon = daemonOf(generation);
    run(daemon, container("main"));
    run(daemon, container("side", { networkMode: "container:main" }));
    expect(stateOf(daemon, "side")).toMatchObject({ network: { mode: "container", container: "main" }, endpoints: [] });
    const shared = (more: Partial<ContainerSpec>) => refusalOf(() => run(daemon, container("x1", { networkMode: "container:main", ...more })));
    expect(shared({ publish: [{ containerPort: 80, protocol: "tcp" }] })).toBe("INVALID_INPUT: conflicting options: port publishing and the container type network mode");
    expect(shared({ hostname: "x" })).toBe("INVALID_INPUT: conflicting options: hostname and the network mode");
    expect(refusalOf(() => run(daemon, container("self", { networkMode: "container:self" })))).toMatch(/cannot join own network/);
    daemon.stopContainer("main");
    expect(refusalOf(() => run(daemon, container("late", { networkMode: "container:main" })))).toMatch(/^CONFLICT: cannot join network.* of a non running container: /);
    expect(refusalOf(() => run(daemon, container("lost", { networkMode: "container:nosuch" })))).toMatch(/^NOT_FOUND: .*No such container: nosuch$/);
  });

  it("has no network in the modes host and none, and publishes nothing", () => {
    const daemon = daemonOf(generation);
    for (const networkMode of ["host", "none"] as const) {
      run(daemon, container(`in-${networkMode}`, { networkMode, publish: [{ containerPort: 80, protocol: "tcp" }] }));
      expect(stateOf(daemon, `in-${networkMode}`)).toMatchObject({ endpoints: [], ports: [], gateway: undefined });
    }
    expect(refusalOf(() => daemon.connect("in-host", endpoint("bridge")))).toMatch(/^INVALID_INPUT: container sharing network namespace/);
    expect(refusalOf(() => daemon.connect("in-none", endpoint("bridge")))).toMatch(/private \(none\) mode$/);
    expect(refusalOf(() => run(daemon, container("both", { networkMode: "host", networks: [endpoint("bridge")] })))).toBe(
      "INVALID_INPUT: the network mode host excludes networks (bridge)",
    );
  });

  it("moves the default route to the network that sorts first, and never to an internal one", () => {
    const daemon = daemonOf(generation);
    for (const name of ["zeta", "alpha"]) daemon.createNetwork(network(name));
    daemon.createNetwork(network("aaa", { internal: true }));
    run(daemon, container("mid", { networks: [endpoint("zeta"), endpoint("aaa")], publish: [{ containerPort: 80, protocol: "tcp" }] }));
    expect(gatewayOf(daemon, "mid")).toBe("zeta");
    expect(stateOf(daemon, "mid")?.ports[0]?.hostPort).toBe(32768);
    daemon.connect("mid", endpoint("alpha"));
    expect(gatewayOf(daemon, "mid")).toBe("alpha");
    expect(stateOf(daemon, "mid")?.ports[0]?.hostPort).toBe(32769);
    daemon.disconnect("mid", "alpha");
    expect(gatewayOf(daemon, "mid")).toBe("zeta");
    daemon.disconnect("mid", "zeta");
    // 20.10 moves ports even to an internal network when another one is left.
    expect(stateOf(daemon, "mid")?.ports.map(({ hostPort }) => hostPort)).toEqual(generation === "20.10" ? [32771, 32771] : []);
    expect(refusalOf(() => daemon.disconnect("mid", "zeta"))).toMatch(/is not connected to network zeta$/);
  });
});

describe("the two generations", () => {
  it("reuse a released subnet later (20.10) or at once (29)", () => {
    const outcome = (generation: DockerGeneration) => {
      const daemon = daemonOf(generation);
      daemon.createNetwork(network("aa"));
      daemon.removeNetwork("aa");
      daemon.createNetwork(network("bb"));
      return subnetsOf(daemon);
    };
    expect(outcome("20.10")).toEqual(["172.17.0.0", "172.19.0.0"]);
    expect(outcome("29")).toEqual(["172.17.0.0", "172.18.0.0"]);
  });

  it("make MACs from addresses (20.10) or at random (29)", () => {
    const macOf = (generation: DockerGeneration) => {
      const daemon = daemonOf(generation);
      run(daemon, container("web"));
      return stateOf(daemon, "web")?.endpoints[0]?.mac ?? 0;
    };
    expect(macOf("20.10")).toBe(0x0242ac110002);
    expect(macOf("29")).not.toBe(0x0242ac110002);
    expect(Math.floor(macOf("29") / 2 ** 40) & 3).toBe(2);
  });

  it("number interfaces in gateway order and never again (20.10), or in the order of connecting and lowest first (29)", () => {
    const outcome = (generation: DockerGeneration) => {
      const daemon = daemonOf(generation);
      daemon.createNetwork(network("zeta"));
      daemon.createNetwork(network("alpha", { internal: true }));
      run(daemon, container("mid", { networks: [endpoint("alpha"), endpoint("zeta")] }));
      const before = interfaces(daemon, "mid")?.map((text) => text.split(" ").slice(0, 2).join(" "));
      daemon.disconnect("mid", "alpha");
      daemon.connect("mid", endpoint("bridge"));
      return [before, interfaces(daemon, "mid")?.map((text) => text.split(" ").slice(0, 2).join(" "))];
    };
    expect(outcome("20.10")).toEqual([["eth0 zeta", "eth1 alpha"], ["eth0 zeta", "eth2 bridge"]]);
    expect(outcome("29")).toEqual([["eth0 alpha", "eth1 zeta"], ["eth1 zeta", "eth0 bridge"]]);
  });

  it("give an internal network a default route (20.10) or none (29)", () => {
    const gateway = (generation: DockerGeneration) => {
      const daemon = daemonOf(generation);
      daemon.createNetwork(network("inner", { internal: true }));
      run(daemon, container("web", { networks: [endpoint("inner")] }));
      return gatewayOf(daemon, "web");
    };
    expect(gateway("20.10")).toBe("inner");
    expect(gateway("29")).toBeUndefined();
  });

  it("take a static address in a subnet of their own choice (29) or not (20.10)", () => {
    const outcome = (generation: DockerGeneration) => {
      const daemon = daemonOf(generation);
      daemon.createNetwork(network("auto"));
      return refusalOf(() => run(daemon, container("web", { networks: [endpoint("auto", { ipv4: "172.18.0.9" })] })));
    };
    expect(outcome("20.10")).toBe("INVALID_INPUT: user specified IP address is supported only when connecting to networks with user configured subnets");
    expect(outcome("29")).toBe("nothing thrown");
  });

  it("know gateway priorities and interface names (29) or not (20.10)", () => {
    const two = [endpoint("bridge"), endpoint("front", { gwPriority: 1, interfaceName: "up0" })];
    const daemon = daemonOf("29");
    daemon.createNetwork(network("front"));
    run(daemon, container("web", { networks: two }));
    expect(gatewayOf(daemon, "web")).toBe("front");
    expect(interfaces(daemon, "web")).toEqual(["eth0 bridge 172.17.0.2", "up0 front 172.18.0.2"]);
    const older = daemonOf("20.10");
    expect(refusalOf(() => run(older, container("web", { networks: two })))).toBe("INVALID_INPUT: interface_name requires Docker Engine v28.1 or later");
  });

  it("clear the host bits of a subnet (20.10) or refuse them (29)", () => {
    const hostBits = network("lan", subnet("10.44.0.5/24"));
    const daemon = daemonOf("20.10");
    daemon.createNetwork(hostBits);
    expect(subnetsOf(daemon)).toEqual(["172.17.0.0", "10.44.0.0"]);
    expect(refusalOf(() => daemonOf("29").createNetwork(hostBits))).toBe("INVALID_INPUT: invalid network config:\ninvalid subnet 10.44.0.5/24: it should be 10.44.0.0/24");
  });

  it("list everything that is wrong with a network (29)", () => {
    const wrong = network("lan", subnet("10.44.0.0/24", { gateway: "10.45.0.1", ipRange: "10.46.0.0/25", auxAddresses: { nas: "10.47.0.1" } }));
    expect(refusalOf(() => daemonOf("29").createNetwork(wrong)).split("\n")).toEqual([
      "INVALID_INPUT: invalid network config:",
      "* invalid ip-range 10.46.0.0/25: parent subnet 10.44.0.0/24 doesn't contain ip-range",
      "* invalid gateway 10.45.0.1: parent subnet 10.44.0.0/24 doesn't contain this address",
      "* invalid auxiliary address nas: parent subnet 10.44.0.0/24 doesn't contain this address",
    ]);
  });

  it("use both addresses of a /31 (29) or none (20.10)", () => {
    const outcome = (generation: DockerGeneration) => {
      const daemon = daemonOf(generation);
      return refusalOf(() => daemon.createNetwork(network("tiny", subnet("10.43.0.0/31"))));
    };
    expect(outcome("29")).toBe("nothing thrown");
    expect(outcome("20.10")).toBe("CONFLICT: failed to allocate gateway (): No available addresses on this pool");
  });

  it("name what is in the way of removing a network", () => {
    const outcome = (generation: DockerGeneration) => {
      const daemon = daemonOf(generation);
      daemon.createNetwork(network("used"));
      run(daemon, container("web", { networks: [endpoint("used")] }));
      return refusalOf(() => daemon.removeNetwork("used")).replace(/[0-9a-f]{64}|[0-9a-f]{12}/, "ID");
    };
    expect(outcome("20.10")).toBe("CONFLICT: error while removing network: network used id ID has active endpoints");
    expect(outcome("29")).toBe('CONFLICT: error while removing network: network used has active endpoints (name:"web" id:"ID")');
  });
});
