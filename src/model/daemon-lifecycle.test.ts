import { describe, expect, it } from "vitest";
import { refusalOf } from "../../test/support/docker";
import { formatIpv4, formatIpv6 } from "../net/ip";
import { Daemon } from "./daemon";
import { dnsOf } from "./dns";
import { runOnHost } from "./host-command";
import { containerFiles } from "./inspect/container-files";
import { type DaemonFlags, parseDaemonFlags } from "./flags";
import { renderSave } from "./firewall/index";
import { rulesOf } from "./generations";
import type { ContainerSpec, DockerGeneration, EndpointSpec, NetworkSpec } from "./spec";
import { isBridge } from "./state";
import { emptyWorld, type HostWorld } from "./world";

const GENERATIONS = ["20.10", "29"] as const;
const network = (name: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({ name, driver: "bridge", ipam: [], internal: false, options: {}, ...more });
const subnets = (...blocks: readonly string[]) => ({ ipam: blocks.map((subnet) => ({ subnet, auxAddresses: {} })) });
const on = (name: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({ network: name, aliases: [], gwPriority: 0, ...more });
const publish = (containerPort: number, hostPort?: number) => ({ containerPort, protocol: "tcp" as const, ...(hostPort !== undefined && { hostPort: { from: hostPort, to: hostPort } }) });
const container = (name: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
  name, host: "h1", networks: [], publish: [], expose: [], links: [], extraHosts: [], ...more,
});

function daemonOf(generation: DockerGeneration, more: { flags?: DaemonFlags; world?: Partial<HostWorld> } = {}): Daemon {
  const world = { ...emptyWorld("h1"), ...more.world };
  return new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: 0, world, ...(more.flags && { flags: more.flags }) });
}

function run(daemon: Daemon, spec: ContainerSpec): void {
  daemon.createContainer(spec);
  daemon.startContainer(spec.name);
}

const find = (daemon: Daemon, name: string) => daemon.findContainer(name);
const addressOf = (daemon: Daemon, name: string) => find(daemon, name).endpoints.map(({ ip }) => formatIpv4(ip)).join(" ");
const bridge = (daemon: Daemon, name: string) => daemon.networks().filter(isBridge).find((found) => found.name === name)!;
const portsOf = (daemon: Daemon, name: string) => find(daemon, name).ports.map(({ hostIp, hostPort }) => `${hostIp} ${hostPort}`);

describe.each(GENERATIONS)("a container of Docker %s", (generation) => {
  it("stays created, with a reason and exit code 128, when its first start fails; one that ran is exited, with its own code", () => {
    const daemon = daemonOf(generation);
    run(daemon, container("first", { publish: [publish(80, 8080)] }));
    expect(refusalOf(() => run(daemon, container("second", { publish: [publish(80, 8080)] })))).toMatch(/port is already allocated$/);
    expect(find(daemon, "second")).toMatchObject({ status: "created", exitCode: 128, ports: [], endpoints: [] });
    expect(find(daemon, "second").error).toMatch(/Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/);
    daemon.stopContainer("first");
    run(daemon, container("other", { publish: [publish(80, 8080)] }));
    expect(refusalOf(() => daemon.startContainer("first"))).toMatch(/already allocated$/);
    expect(find(daemon, "first")).toMatchObject({ status: "exited", exitCode: 137 });
  });

  it("starts again as it should have been after a failure, or in Docker 29 without the network where it failed", () => {
    const daemon = daemonOf(generation);
    run(daemon, container("first", { publish: [publish(80, 8080)] }));
    expect(refusalOf(() => run(daemon, container("second", { publish: [publish(80, 8080)] })))).toMatch(/port is already allocated$/);
    daemon.stopContainer("first");
    daemon.startContainer("second");
    const { attachments, ports } = find(daemon, "second");
    expect([attachments.length, ports.length]).toEqual(generation === "29" ? [0, 0] : [1, 2]);
  });

  it("is gone after a failed start if it is to be removed", () => {
    const daemon = daemonOf(generation);
    expect(refusalOf(() => run(daemon, container("lost", { autoRemove: true, networks: [on("nosuch")] })))).toMatch(/network nosuch not found$/);
    expect(daemon.containers()).toEqual([]);
  });

  it("keeps what it is connected to while it is stopped", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("front"));
    daemon.createContainer(container("web"));
    daemon.connect("web", on("front", { aliases: ["www"] }));
    daemon.disconnect("web", "bridge");
    expect(refusalOf(() => daemon.disconnect("web", "bridge"))).toMatch(/^CONFLICT: container [0-9a-f]{64} is not connected to the network bridge$/);
    daemon.startContainer("web");
    expect(find(daemon, "web").attachments.map(({ network: name }) => name)).toEqual(["front"]);
  });

  it("has the old, empty sandbox of a container that stopped, until it is started again itself", () => {
    const daemon = daemonOf(generation);
    run(daemon, container("main"));
    run(daemon, container("side", { networkMode: "container:main" }));
    expect(find(daemon, "side")).toMatchObject({ network: { mode: "container", container: "main", orphaned: false }, sandboxId: find(daemon, "main").sandboxId });
    daemon.restartContainer("main");
    expect(find(daemon, "side").network).toMatchObject({ orphaned: true });
    daemon.restartContainer("side");
    expect(find(daemon, "side").network).toMatchObject({ orphaned: false });
  });

  it("has the files of whoever the container that it joins has them from", () => {
    const world = emptyWorld("h1");
    const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: 0, world, files: containerFiles });
    run(daemon, container("main"));
    run(daemon, container("side", { networkMode: "container:main" }));
    run(daemon, container("third", { networkMode: "container:side" }));
    expect(find(daemon, "third").hostsFile?.at(-1)).toMatch(/^172\.17\.0\.2\t/);
    daemon.removeContainer("main", { force: true });
    expect(find(daemon, "third").hostsFile).toBeUndefined();
  });

  it("is known under its new name after a rename", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("front"));
    run(daemon, container("web", { networks: [on("front")] }));
    run(daemon, container("db", { networks: [on("front")] }));
    daemon.renameContainer("db", "store");
    const dns = dnsOf(daemon.state(), "web");
    expect([dns?.names.has("db"), dns?.names.has("store"), dns?.names.has("store.front")]).toEqual([false, true, true]);
    expect(dns?.reverse.get("3.0.18.172.in-addr.arpa")).toBe("store.front");
    expect(refusalOf(() => daemon.renameContainer("store", "web"))).toMatch(/^CONFLICT: Error when allocating new name: Conflict\. The container name "\/web"/);
    expect(refusalOf(() => daemon.renameContainer("store", "store"))).toBe("INVALID_INPUT: Renaming a container with the same name as its current name");
  });

  it("is not removed while it runs, nor used while it is paused", () => {
    const daemon = daemonOf(generation);
    run(daemon, container("web"));
    expect(refusalOf(() => daemon.removeContainer("web"))).toMatch(
      generation === "29" ? /^CONFLICT: cannot remove container "web": container is running: stop the container/ : /^CONFLICT: You cannot remove a running container [0-9a-f]{64}\. Stop the container/,
    );
    daemon.pauseContainer("web");
    expect(refusalOf(() => daemon.checkExec("web"))).toBe("CONFLICT: Container web is paused, unpause the container before exec");
    daemon.removeContainer("web", { force: true });
    expect(refusalOf(() => daemon.killContainer("web"))).toBe("NOT_FOUND: Cannot kill container: web: No such container: web");
  });

  it("ends at once if its image listens where somebody else does", () => {
    const daemon = daemonOf(generation);
    const image = { name: "web", expose: [], env: [], labels: {}, command: ["serve"], listens: [{ port: 80, protocol: "tcp" as const }] };
    run(daemon, container("one", { networkMode: "host", image }));
    run(daemon, container("two", { networkMode: "host", image }));
    expect(find(daemon, "two")).toMatchObject({ status: "exited", exitCode: 1 });
    expect(refusalOf(() => run(daemon, container("clash", { publish: [publish(80, 80)] })))).toMatch(/address already in use$/);
    daemon.stopContainer("one");
    daemon.startContainer("clash");
  });

  it("shares its networks' fate: they cannot go while it runs, and are missed when it starts without them", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("front"));
    run(daemon, container("web", { networks: [on("front")] }));
    expect(refusalOf(() => daemon.removeNetwork("front"))).toMatch(/has active endpoints/);
    daemon.stopContainer("web");
    const { id } = daemon.findNetwork("front");
    daemon.removeNetwork("front");
    daemon.createNetwork(network("front"));
    expect(refusalOf(() => daemon.startContainer("web"))).toMatch(new RegExp(`network ${id} not found$`));
  });
});

describe.each(GENERATIONS)("networks of Docker %s", (generation) => {
  it("are made from templates, which stay as long as they are used", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("tmpl", { ...subnets("10.73.0.0/24"), configOnly: true, options: { "com.docker.network.driver.mtu": "1300" } }));
    daemon.createNetwork(network("real", { configFrom: "tmpl" }));
    expect(bridge(daemon, "real")).toMatchObject({ configFrom: "tmpl", mtu: 1300, subnet: { prefixLength: 24 } });
    expect(refusalOf(() => daemon.createNetwork(network("bad", { configFrom: "nosuch" })))).toBe('NOT_FOUND: configuration network "nosuch" does not exist');
    expect(refusalOf(() => daemon.createNetwork(network("bad", { configFrom: "tmpl", ...subnets("10.74.0.0/24") })))).toMatch(/^CONFLICT: user.specified configurations are not supported/);
    expect(refusalOf(() => daemon.removeNetwork("tmpl"))).toBe('CONFLICT: error while removing network: configuration network "tmpl" is in use');
    expect(refusalOf(() => run(daemon, container("web", { networks: [on("tmpl")] })))).toMatch(/cannot create endpoint on configuration-only network$/);
  });

  it("are pruned if nobody uses them and their labels fit", () => {
    const daemon = daemonOf(generation);
    for (const name of ["used", "free", "kept"]) daemon.createNetwork(network(name, name === "kept" ? { labels: { keep: "yes" } } : {}));
    run(daemon, container("web", { networks: [on("used")] }));
    expect(daemon.pruneNetworks({ withoutLabels: ["keep"] })).toEqual(["free"]);
    expect(daemon.pruneNetworks({ labels: ["keep=no"] })).toEqual([]);
    expect(daemon.pruneNetworks()).toEqual(["kept"]);
  });

  it("give IPv6 addresses one after the other", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(network("six", { ipv6: true, ...subnets("fd00:dead:beef::/64") }));
    run(daemon, container("one", { networks: [on("six")] }));
    run(daemon, container("two", { networks: [on("six", { ipv6: "fd00:dead:beef::77" })] }));
    const shown = (name: string) => find(daemon, name).endpoints.map(({ ipv6, gateway6 }) => [formatIpv6(ipv6!), formatIpv6(gateway6!)]);
    expect([shown("one"), shown("two")]).toEqual([[["fd00:dead:beef::2", "fd00:dead:beef::1"]], [["fd00:dead:beef::77", "fd00:dead:beef::1"]]]);
    expect(find(daemon, "one").gateway6).toMatchObject({ network: "six" });
  });

  it("may not overlap, but for ranges of one subnet, which the driver refuses", () => {
    const daemon = daemonOf(generation);
    const ranged = (ipRange: string) => ({ ipam: [{ subnet: "10.70.0.0/16", ipRange, auxAddresses: {} }] });
    daemon.createNetwork(network("r1", ranged("10.70.1.0/24")));
    expect(refusalOf(() => daemon.createNetwork(network("r2", ranged("10.70.2.0/24"))))).toMatch(/^CONFLICT: cannot create network .* networks have overlapping IPv4$/);
    expect(refusalOf(() => daemon.createNetwork(network("r3", ranged("10.70.1.0/24"))))).toMatch(/Pool overlaps with other one on this address space$/);
    expect(refusalOf(() => daemon.createNetwork(network("r4", subnets("10.70.0.0/16"))))).toMatch(/Pool overlaps with other one on this address space$/);
  });

  it("keep out of subnets of the host and of its name servers", () => {
    const world = { resolvConf: { nameservers: ["172.18.0.53"], search: [], options: [] } };
    const daemon = daemonOf(generation, { world });
    runOnHost(daemon, ["ip", "link", "add", "dummy0", "type", "dummy"]);
    runOnHost(daemon, ["ip", "addr", "add", "172.19.3.4/24", "dev", "dummy0"]);
    daemon.createNetwork(network("front"));
    expect(formatIpv4(bridge(daemon, "front").subnet.network)).toBe("172.20.0.0");
  });
});

describe.each(GENERATIONS)("a daemon of Docker %s that starts again", (generation) => {
  it("brings back what its policies say, begins its searches anew, and makes the network bridge anew", () => {
    const daemon = daemonOf(generation);
    for (const name of ["one", "two"]) daemon.createNetwork(network(name));
    daemon.removeNetwork("one");
    run(daemon, container("always", { restart: "always", publish: [publish(80)] }));
    run(daemon, container("never"));
    run(daemon, container("stopped", { restart: "unless-stopped" }));
    daemon.stopContainer("stopped");
    const before = bridge(daemon, "bridge");
    daemon.restart();
    expect(["always", "never", "stopped"].map((name) => find(daemon, name).status)).toEqual(["running", "exited", "exited"]);
    expect(portsOf(daemon, "always")).toEqual(["0.0.0.0 32768", ":: 32768"]);
    const after = bridge(daemon, "bridge");
    expect([after.id === before.id, after.subnet, after.bridge.mac]).toEqual([false, before.subnet, before.bridge.mac]);
    expect(after.ipam.config).toEqual([{ subnet: "172.17.0.0/16", gateway: "172.17.0.1" }]);
    daemon.createNetwork(network("three"));
    expect(formatIpv4(bridge(daemon, "three").subnet.network)).toBe("172.18.0.0");
  });
});

describe("flags of the daemon", () => {
  it("number the default bridge, its containers and the pools", () => {
    const argv = ["--bip", "10.90.0.1/24", "--fixed-cidr", "10.90.0.64/28", "--mtu", "1400", "--default-address-pool", "base=10.91.0.0/23,size=24", "--ip", "192.0.2.11"];
    const daemon = daemonOf("20.10", { flags: parseDaemonFlags(argv, "20.10"), world: { uplinks: [{ name: "eth0", mac: "02:00:00:00:00:01", mtu: 1500, addresses: ["192.0.2.11/24"] }] } });
    run(daemon, container("web", { publish: [publish(80, 8500)] }));
    expect([addressOf(daemon, "web"), portsOf(daemon, "web")]).toEqual(["10.90.0.64", ["192.0.2.11 8500"]]);
    for (const name of ["one", "two"]) daemon.createNetwork(network(name));
    expect(refusalOf(() => daemon.createNetwork(network("three")))).toMatch(/^NOT_FOUND: could not find an available, non-overlapping IPv4 address pool/);
  });

  it("give the default bridge of 20.10 IPv6 addresses made from MACs", () => {
    const daemon = daemonOf("20.10", { flags: parseDaemonFlags(["--ipv6", "--fixed-cidr-v6", "fd00:bb::/64"], "20.10") });
    run(daemon, container("web"));
    expect(find(daemon, "web").endpoints.map(({ ipv6 }) => formatIpv6(ipv6!))).toEqual(["fd00:bb::242:ac11:2"]);
  });

  it("leave containers without a network where there is no default bridge", () => {
    const daemon = daemonOf("20.10", { flags: parseDaemonFlags(["--bridge=none"], "20.10") });
    run(daemon, container("web"));
    expect(find(daemon, "web")).toMatchObject({ status: "running", networkDisabled: true, endpoints: [] });
    daemon.createNetwork(network("app"));
    daemon.connect("web", on("app"));
    run(daemon, container("other", { networks: [on("app")] }));
    expect(find(daemon, "web")).toMatchObject({ endpoints: [], unplugged: [{ network: "app", interfaceName: "" }] });
    const zone = dnsOf(daemon.state(), "other")?.zones?.[0];
    expect(zone?.names.get("web")?.ipv4.map(formatIpv4)).toEqual(["172.17.0.2"]);
  });
});

describe("Docker 29", () => {
  it("has IPv6 pools of its own, and subnets of a size that is asked for", () => {
    const daemon = daemonOf("29");
    daemon.createNetwork(network("six", { ipv6: true }));
    expect(bridge(daemon, "six").ipam.config[1]?.subnet).toMatch(/^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}::\/64$/);
    daemon.createNetwork(network("small", subnets("0.0.0.0/24")));
    expect(bridge(daemon, "small").ipam.config).toEqual([{ subnet: "172.19.0.0/24", gateway: "172.19.0.1" }]);
    expect(refusalOf(() => daemon.createNetwork(network("none4", { ipv4: false })))).toBe("INVALID_INPUT: IPv4 or IPv6 must be enabled");
  });

  it("opens ports of routed networks without binding them, and keeps isolated ones from their host", () => {
    const daemon = daemonOf("29");
    const mode = (value: string) => ({ options: { "com.docker.network.bridge.gateway_mode_ipv4": value } });
    daemon.createNetwork(network("routed", { ...subnets("10.1.0.0/24"), ...mode("routed") }));
    run(daemon, container("web", { networks: [on("routed")], publish: [publish(80, 8080)] }));
    // Access to an IPv6 address of the host is translated all the same, by the proxy.
    expect(daemon.state().hosts[0]?.proxies.map(({ hostIp, hostPort }) => `${hostIp} ${hostPort}`)).toEqual([":: 8080"]);
    expect(renderSave(daemon.firewall.snapshot(), 4, { tables: ["filter"] })).toMatch(/-A DOCKER -d 10\.1\.0\.2\/32 .* --dport 80 -j ACCEPT/);
    expect(refusalOf(() => daemon.createNetwork(network("alone", mode("isolated"))))).toBe("INVALID_INPUT: gateway mode 'isolated' can only be used for an internal network");
    expect(refusalOf(() => daemon.createNetwork(network("odd", mode("odd"))))).toMatch(/unknown gateway mode odd/);
    daemon.createNetwork(network("alone", { internal: true, ...subnets("10.2.0.0/24"), ...mode("isolated") }));
    run(daemon, container("db", { networks: [on("alone")] }));
    expect([addressOf(daemon, "db"), find(daemon, "db").gateway]).toEqual(["10.2.0.1", undefined]);
  });

  it("refuses addresses and aliases on predefined networks when the container is created", () => {
    const daemon = daemonOf("29");
    const created = (more: Partial<EndpointSpec>) => refusalOf(() => daemon.createContainer(container("web", { networks: [on("bridge", more)] })));
    expect(created({ ipv4: "172.17.0.9" })).toBe("INVALID_INPUT: invalid config for network bridge: invalid endpoint settings:\nuser-specified IP address is supported on user-defined networks only");
    expect(created({ aliases: ["www"] })).toBe("INVALID_INPUT: invalid config for network bridge: invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks");
    expect(daemon.containers()).toEqual([]);
  });

  it("chooses the IPv4 and the IPv6 route separately", () => {
    const daemon = daemonOf("29");
    daemon.createNetwork(network("four", subnets("10.1.0.0/24")));
    daemon.createNetwork(network("six", { ipv6: true, ...subnets("10.2.0.0/24", "fd00:2::/64") }));
    daemon.createContainer(container("web", { networks: [on("four", { gwPriority: 1 }), on("six")] }));
    daemon.startContainer("web");
    expect([find(daemon, "web").gateway?.network, find(daemon, "web").gateway6?.network]).toEqual(["four", "six"]);
  });
});

describe("ports of 20.10", () => {
  it("follow the default route even to an internal network, and are forgotten with the last one", () => {
    const daemon = daemonOf("20.10");
    daemon.createNetwork(network("outer"));
    daemon.createNetwork(network("inner", { internal: true }));
    run(daemon, container("web", { networks: [on("outer")], publish: [publish(80)] }));
    daemon.connect("web", on("inner"));
    daemon.disconnect("web", "outer");
    expect(portsOf(daemon, "web")).toEqual(["0.0.0.0 32769", ":: 32769"]);
    daemon.disconnect("web", "inner");
    expect(portsOf(daemon, "web")).toEqual([]);
  });

  it("are listened to by a proxy each", () => {
    const daemon = daemonOf("20.10");
    run(daemon, container("web", { publish: [publish(80, 8080)] }));
    expect(daemon.state().hosts[0]?.proxies).toEqual(
      ["0.0.0.0", "::"].map((hostIp) => ({ container: "web", protocol: "tcp", hostIp, hostPort: 8080, containerIp: "172.17.0.2", containerPort: 80, isMute: false })),
    );
  });

  it("are kept by the daemon itself where there is no proxy", () => {
    const daemon = daemonOf("20.10", { flags: parseDaemonFlags(["--userland-proxy=false"], "20.10") });
    run(daemon, container("web", { publish: [publish(80, 8080)] }));
    expect(daemon.state().hosts[0]?.proxies).toMatchObject([{ hostIp: "0.0.0.0", hostPort: 8080, isMute: true }]);
  });
});

describe("macvlan of 20.10", () => {
  it("gives no two devices of a parent one MAC, nor that of the parent", () => {
    const uplink = { ...emptyWorld("h1").uplinks[0], name: "eth0", mac: "02:00:00:00:02:0b", mtu: 1500, addresses: ["192.0.2.11/24"] };
    const daemon = daemonOf("20.10", { world: { uplinks: [uplink] } });
    daemon.createNetwork(network("wire", { driver: "macvlan", ...subnets("192.0.2.0/24"), options: { parent: "eth0" } }));
    const started = (name: string, mac: string) => refusalOf(() => run(daemon, container(name, { networks: [on("wire", { mac })] })));
    run(daemon, container("m1", { networks: [on("wire", { mac: "02:aa:aa:aa:aa:01" })] }));
    expect(started("m2", "02:aa:aa:aa:aa:01")).toMatch(/failed to add interface (veth[0-9a-f]{7}) to sandbox: error setting interface \\"\1\\" MAC to \\"02:aa:aa:aa:aa:01\\": address already in use"/);
    expect(started("m3", "02:00:00:00:02:0b")).toMatch(/address already in use/);
    daemon.stopContainer("m1");
    daemon.startContainer("m2");
  });
});
