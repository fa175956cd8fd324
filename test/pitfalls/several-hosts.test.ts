/**
 * What people lose days with on several hosts (docs/pitfalls.md), as a user would build it: the lab shows it, and the verdict names the
 * cause. On the TypeScript engine in this thread; the differential tests see to the other.
 */
import { describe, expect, it } from "vitest";
import type { Lab } from "../../src/api/lab";
import type { ReachOptions } from "../../src/api/reach";
import type { SwarmNodeOptions, OverlayOptions } from "../../src/api/swarm-options";
import type { Duration } from "../../src/net/units";
import { buildReport } from "../../src/report";
import { docker, swarm } from "../support/docker";
import { startHere } from "../support/lab";

/** A manager with `web` and a worker with `db`, both on the overlay network `back`. */
function pair({ m1 = {}, w1 = {}, back = {} }: { m1?: SwarmNodeOptions; w1?: SwarmNodeOptions; back?: OverlayOptions } = {}) {
  const nodes = swarm("prod").node("m1", m1).node("w1", w1).overlay("back", { attachable: true, ...back });
  return nodes.container("web", { node: "m1", networks: ["back"] }).container("db", { node: "w1", networks: ["back"] });
}

const start = (topology: Pick<ReturnType<typeof pair>, "compile">) => startHere(() => topology.compile());

/** The verdict without the way of the packet. */
async function ask(lab: Lab, from: string, to: string, options: ReachOptions = {}): Promise<string> {
  return String(await lab.reach(from, to, { timeout: "3s", ...options })).split("\n")[0] ?? "";
}

/** A `docker` command that must work. */
async function run(lab: Lab, host: string, line: string): Promise<string> {
  const { exit, stdout, stderr } = await lab.docker(line, { host });
  expect(`${exit} ${stderr}`, line).toBe("0 ");
  return stdout.trim();
}

describe("an underlay that carries less than 1500 bytes", () => {
  it("lets small packets through and large ones vanish, until the network is told (1)", async () => {
    const lab = await start(pair().underlay({ pathMtu: 1400 }));
    expect(await ask(lab, "web", "db:5432")).toMatch(/: ok; /);
    const large = await lab.reach("web", "db:5432", { size: "4k", timeout: "3s" });
    expect(large).toMatchObject({ result: "timeout", dropped: { reason: "PktTooBig", place: "underlay:w1.eth0" } });
    expect(large.cause).toBe(
      "with the headers of its tunnel a packet of network back has 1500 bytes, underlay:w1.eth0 passes 1400 on and tells nobody: " +
        "create the network with --opt com.docker.network.driver.mtu=1400",
    );
    const cured = await start(pair({ back: { mtu: 1400 } }).underlay({ pathMtu: 1400 }));
    expect(await ask(cured, "web", "db:5432", { size: "4k" })).toMatch(/: ok; /);
  });

  it("is a filter on size if it is an agent that drops what is longer than 858 bytes (3)", async () => {
    const lab = await start(pair().underlay({ pathMtu: 858 }));
    const pings = async (size: number) => (await lab.ping("web", "db", { count: 1, size, timeout: "2s" })).received;
    // 858 without the 50 of VXLAN, the 20 of IPv4 and the 8 of ICMP.
    expect([await pings(780), await pings(781)]).toEqual([1, 0]);
    expect(await ask(lab, "web", "db:5432", { size: "1k" })).toContain("underlay:w1.eth0 passes 858 on and tells nobody");
  });

  it("is no trouble where hosts know it: the tunnel says so, and TCP goes by it", async () => {
    const lab = await start(pair().underlay({ mtu: 1400 }));
    expect(await ask(lab, "web", "db:5432", { size: "4k" })).toMatch(/: ok; /);
  });
});

describe("a firewall between nodes", () => {
  it("that stops VXLAN is named with its rule and port (2)", async () => {
    const lab = await start(pair({ w1: { rules: "-A INPUT -p udp --dport 4789 -j DROP" } }));
    const verdict = await lab.reach("web", "db:5432", { timeout: "3s" });
    expect(verdict).toMatchObject({
      result: "timeout",
      dropped: { reason: "NetfilterDrop", place: "w1:eth0" },
      rule: "filter INPUT: -A INPUT -p udp -m udp --dport 4789 -j DROP",
      cause: "the packet filter of w1 stops VXLAN (UDP port 4789), in which overlay networks go from node to node",
    });
    // Names resolve all the same: that is gossip.
    expect(verdict.address).toMatch(/^10\.0\.1\./);
    await lab.iptables("-D INPUT -p udp --dport 4789 -j DROP", { host: "w1" });
    expect(await ask(lab, "web", "db:5432")).toMatch(/: ok; /);
  });

  it("does not meet VXLAN on another port", async () => {
    const lab = await start(pair({ w1: { rules: "-A INPUT -p udp --dport 4789 -j DROP" } }).init({ dataPathPort: 7789 }));
    expect(await ask(lab, "web", "db:5432")).toMatch(/: ok; /);
  });
});

describe("an encrypted overlay network", () => {
  const back = { encrypted: true };

  it("needs ESP between nodes, not VXLAN (27)", async () => {
    const vxlan = await start(pair({ back, w1: { rules: "-A INPUT -i eth0 -p udp --dport 4789 -m policy --dir in --pol none -j DROP" } }));
    expect(await ask(vxlan, "web", "db:5432")).toMatch(/: ok; /);
    const lab = await start(pair({ back, w1: { rules: "-A INPUT -p 50 -j DROP" } }));
    expect(await lab.reach("web", "db:5432", { timeout: "3s" })).toMatchObject({
      dropped: { reason: "NetfilterDrop", place: "w1:eth0" },
      cause: "the packet filter of w1 stops ESP (IP protocol 50), in which encrypted overlay networks go from node to node",
    });
  });

  it("does not survive NAT: what is not encrypted any more is refused by Docker's own rule (27)", async () => {
    const lab = await start(pair({ back, m1: { rules: "-t nat -A POSTROUTING -o eth0 -d 192.0.2.12 -j SNAT --to-source 192.0.2.77" } }));
    const verdict = await lab.reach("web", "db:5432", { timeout: "3s" });
    expect(verdict.rule).toMatch(/^filter INPUT: -A INPUT -p udp -m policy --dir in --pol none .* -j DROP$/);
    expect(verdict.cause).toBe("w1 takes frames of network back only encrypted, and this one came in the clear: NAT has changed its addresses, or its node has no key");
  });
});

describe("a node whose packets come from another address than it advertises", () => {
  it("is not heard, whether it has two addresses or NAT is on the way (4)", async () => {
    const cause =
      "h2 knows h1 by another address than the one that its frames of network back come from (another route, or NAT): " +
      "advertise that one (docker swarm init --advertise-addr, --data-path-addr)";
    const hosts = docker("homes").host("h1", { moreAddresses: ["192.0.2.111/24"] }).host("h2");
    const lab = await startHere(() => hosts.compile());
    await run(lab, "h1", "swarm init --advertise-addr 192.0.2.111");
    await run(lab, "h2", `swarm join --token ${await run(lab, "h1", "swarm join-token -q worker")} 192.0.2.111:2377`);
    await run(lab, "h1", "network create -d overlay --attachable back");
    for (const [host, name] of [["h1", "web"], ["h2", "db"]] as const) await run(lab, host, `run -d --name ${name} --network back nginx`);
    await lab.run({ for: "1s" });
    const verdict = await lab.reach("web", "db:80", { timeout: "3s" });
    expect(verdict).toMatchObject({ result: "timeout", dropped: { reason: "VxlanEntryExists", place: "h2:eth0" }, cause });
    const translated = await start(pair({ m1: { rules: "-t nat -A POSTROUTING -o eth0 -p udp --dport 4789 -j SNAT --to-source 192.0.2.77" } }));
    expect(await ask(translated, "web", "db:5432")).toContain(cause.replace("h1", "m1").replace("h2", "w1"));
  });
});

describe("a NIC whose checksum offload breaks VXLAN", () => {
  it("makes the other node throw everything away, on the usual port (31)", async () => {
    const lab = await start(pair({ m1: { badOffload: true } }));
    const verdict = await lab.reach("web", "db:5432", { timeout: "3s" });
    expect(verdict).toMatchObject({ result: "timeout", dropped: { reason: "UdpCsum", place: "w1:eth0" } });
    expect(verdict.cause).toBe(
      "w1 throws VXLAN of network back away because its checksum is wrong: the NIC of m1 breaks it (checksum offload); ethtool -K eth0 tx off there",
    );
    const moved = await start(pair({ m1: { badOffload: true } }).init({ dataPathPort: 7789 }));
    expect(await ask(moved, "web", "db:5432")).toMatch(/: ok; /);
  });
});

describe("two containers with one MAC on different nodes", () => {
  it("take each other's frames (13)", async () => {
    const mac = "02:42:0a:00:01:77";
    const twins = pair().container("red", { node: "w1", networks: { back: { mac } } }).container("blue", { node: "m1", networks: { back: { mac } } });
    const lab = await start(twins);
    expect(await ask(lab, "web", "blue:80")).toMatch(/: ok; /);
    expect(await ask(lab, "red", "web:80")).toMatch(/: ok; /);
    expect(await ask(lab, "web", "blue:80")).toContain(`blue and red have one MAC on network back (${mac}): frames go to whoever of them spoke last`);
  });
});

describe("broadcasts and multicast", () => {
  it("of an overlay network reach containers of the same node alone (28)", async () => {
    const lab = await start(pair().container("near", { node: "m1", networks: ["back"] }).traffic("hello", "web").to("10.0.1.255:9999/udp").rate("10/s"));
    expect(await ask(lab, "web", "10.0.1.255:9999/udp")).toBe(
      "web → 10.0.1.255:9999/udp: timeout; NoTxTarget at m1/overlay/back:vxlan0; " +
        "broadcasts and multicast of network back do not leave m1: only containers of the same node hear them",
    );
    expect(await ask(lab, "web", "224.0.0.251:5353/udp")).toContain(
      "multicast takes the default route, which leads to docker_gwbridge and not into an overlay network; between nodes no overlay carries it",
    );
    const received = async (device: string) => (await lab.run({ for: "1s" })).devices.find(({ name }) => name === device)?.rxPackets ?? 0;
    const before = [await received("near:eth0"), await received("db:eth0")];
    expect([(await received("near:eth0")) > before[0]!, (await received("db:eth0")) > before[1]!]).toEqual([true, false]);
  });
});

describe("docker_gwbridge", () => {
  it("takes the next pool that is free, and another one only before the node joins (29)", async () => {
    const lab = await startHere(() => docker("bridges").host("h1").host("h2").compile());
    const subnet = (host: string) => run(lab, host, "network inspect -f {{range.IPAM.Config}}{{.Subnet}}{{end}} docker_gwbridge");
    await run(lab, "h1", "network create --subnet 172.18.0.0/16 taken");
    await run(lab, "h1", "swarm init");
    expect(await subnet("h1")).toBe("172.19.0.0/16");
    const refused = await lab.docker("network rm docker_gwbridge", { host: "h1" });
    expect(refused).toMatchObject({ exit: 1 });
    expect(refused.stderr).toMatch(/network docker_gwbridge .*has active endpoints/);
    await run(lab, "h2", "network create --subnet 10.11.0.0/16 docker_gwbridge");
    await run(lab, "h2", `swarm join --token ${await run(lab, "h1", "swarm join-token -q worker")} 192.0.2.11:2377`);
    expect(await subnet("h2")).toBe("10.11.0.0/16");
  });

  it("hides what else has its subnet: the company's network is looked for on the bridge (29, 11)", async () => {
    const lab = await startHere(() => docker("bridges").host("h1").compile());
    expect(await ask(lab, "h1", "198.51.100.10:443")).toMatch(/: ok; /);
    await run(lab, "h1", "network create --subnet 198.51.100.0/24 docker_gwbridge");
    await run(lab, "h1", "swarm init");
    expect(await ask(lab, "h1", "198.51.100.10:443", { timeout: "5s" })).toContain("nobody on network docker_gwbridge has the address 198.51.100.10");
  });
});

describe("a client that remembers a task's address", () => {
  it("asks where nobody is any more, once the task has moved (30)", async () => {
    const nodes = swarm("prod").node("m1").node("w1").node("w2").overlay("back", { attachable: true });
    const lab = await start(nodes.service("api", { networks: ["back"], endpointMode: "dnsrr" }).container("web", { node: "m1", networks: ["back"] }));
    const first = await lab.reach("web", "api:80");
    expect(first).toMatchObject({ reachable: true, server: "api.1" });
    const node = lab.describe().containers.find(({ name }) => name.startsWith("api."))?.host ?? "";
    await run(lab, "m1", `node update --availability drain ${node}`);
    await lab.run({ for: "30s" });
    const again = await lab.reach("web", "api:80");
    expect(again).toMatchObject({ reachable: true, server: "api.1" });
    expect(again.address).not.toBe(first.address);
    const stale = await lab.reach("web", `${first.address}:80`);
    expect(stale).toMatchObject({ reachable: false, result: "timeout" });
    expect(stale.cause).toBe(`nobody on network back has the address ${first.address}: who still asks there remembers a container that is gone`);
  });
});

describe("a service without tasks", () => {
  it("has no name, and the verdict says why", async () => {
    const nodes = swarm("prod").node("m1").overlay("back", { attachable: true }).service("api", { networks: ["back"], replicas: 0 });
    const lab = await start(nodes.container("web", { networks: ["back"] }));
    expect(await ask(lab, "web", "api:80")).toBe('web → api:80: unresolvable; web cannot resolve "api": service api has no task that runs there');
    await run(lab, "m1", "service scale --detach api=1");
    expect(await ask(lab, "web", "api:80")).toMatch(/: ok; api\.1 saw /);
  });
});

describe("a network that falls apart", () => {
  it("is told from a firewall, and a node that is down from both", async () => {
    const lab = await start(pair());
    await lab.partition(["m1"], ["w1"]);
    expect((await lab.reach("web", "db:5432", { timeout: "3s" })).cause).toBe("the network between the machines is partitioned: m1 | w1");
    await lab.heal();
    expect(await ask(lab, "web", "db:5432")).toMatch(/: ok; /);
    await lab.fail("w1");
    expect((await lab.reach("web", "db:5432", { timeout: "3s" })).cause).toBe("w1 is down, or its interface eth0 is");
    expect((await lab.reach("lan", "w1:22")).cause).toBe("w1 does not answer: it is down, or cut off");
  });
});

describe("gossip that does not come through", () => {
  it("leaves a node without word of what is new, while the managers' view is whole", async () => {
    const nodes = swarm("prod").node("m1").node("w1").overlay("back", { attachable: true });
    const lab = await start(nodes.container("web", { node: "m1", networks: ["back"] }));
    for (const protocol of ["tcp", "udp"]) await lab.iptables(`-I INPUT -p ${protocol} --dport 7946 -j DROP`, { host: "m1" });
    await run(lab, "w1", "run -d --name db --network back nginx");
    expect(await run(lab, "m1", "node ls --format {{.Hostname}}={{.Status}}")).toBe("m1=Ready\nw1=Ready");
    expect(await lab.reach("web", "db:80")).toMatchObject({ result: "unresolvable", reason: expect.stringContaining("word of db on w1 has not come to m1 (gossip: 7946/tcp and udp)") });
    const [, address = ""] = /"IPAddress": "(10[^"]+)"/.exec(await run(lab, "w1", "inspect db")) ?? [];
    const verdict = await lab.reach("web", `${address}:80`);
    expect(verdict).toMatchObject({ result: "host-unreachable", dropped: { reason: "NeighFailed", place: "web:eth0" } });
    expect(verdict.cause).toBe(`m1 has not heard that db on w1 has ${address}: does gossip come through (7946/tcp and udp)?`);
    for (const protocol of ["tcp", "udp"]) await lab.iptables(`-D INPUT -p ${protocol} --dport 7946 -j DROP`, { host: "m1" });
    await lab.run({ for: "60s" });
    expect(await ask(lab, "web", "db:80")).toMatch(/: ok; /);
  });
});

describe("joining a swarm", () => {
  it("does not come to an end if the manager's port 2377/tcp is closed", async () => {
    const hosts = docker("shut").host("h1", { rules: "-A INPUT -p tcp --dport 2377 -j DROP" }).host("h2");
    const lab = await startHere(() => hosts.compile());
    await run(lab, "h1", "swarm init");
    const { exit, stderr } = await lab.docker(`swarm join --token ${await run(lab, "h1", "swarm join-token -q worker")} 192.0.2.11:2377`, { host: "h2" });
    expect([exit, stderr.trim()]).toEqual([
      1,
      "Error response from daemon: Timeout was reached before node joined. The attempt to join the swarm will continue in the background. " +
        'Use the "docker info" command to see the current swarm status of your node.',
    ]);
    expect(await ask(lab, "h2", "h1:2377")).toContain("filter INPUT: -A INPUT -p tcp -m tcp --dport 2377 -j DROP");
  });
});

describe("the routing mesh", () => {
  it("hides the client's address from the task, but not in mode host (7)", async () => {
    const publish = ["8080:80", { target: 80, published: 8081, mode: "host" }] as const;
    const lab = await start(swarm("prod").node("m1").node("w1").service("front", { mode: "global", publish }));
    const meshed = await lab.reach("lan", "m1:8080");
    // The load balancer of the ingress network on m1.
    expect(meshed).toMatchObject({ reachable: true, peer: "10.0.0.2" });
    expect(meshed.note).toMatch(/^m1\/ingress-sbox chose front\.\S+ and asks as 10\.0\.0\.2, so that front\.\S+ does not see the client's own address; publish with mode=host to let it$/);
    const own = await lab.reach("lan", "m1:8081");
    expect(own).toMatchObject({ reachable: true, peer: "192.0.2.50" });
    expect(own.note).toBeUndefined();
  });

  it("needs VXLAN between the nodes: half of the questions reach a task of the same node, half do not (2)", async () => {
    const nodes = swarm("prod").node("m1").node("w1", { rules: "-A INPUT -p udp --dport 4789 -j DROP" });
    const lab = await start(nodes.service("front", { mode: "global", publish: ["8080:80"] }));
    const verdicts = [await ask(lab, "lan", "m1:8080"), await ask(lab, "lan", "m1:8080")].sort();
    expect(verdicts[0]).toMatch(/: ok; front\.m1 saw /);
    expect(verdicts[1]).toContain("the packet filter of w1 stops VXLAN (UDP port 4789), in which overlay networks go from node to node");
  });
});

describe("a connection through a virtual address that is silent for more than 15 minutes", () => {
  async function talk(think: Duration, endpointMode: "vip" | "dnsrr") {
    const nodes = swarm("prod").node("m1").node("w1").overlay("back", { attachable: true }).service("db", { networks: ["back"], endpointMode });
    const lab = await start(nodes.container("web", { node: "m1", networks: ["back"] }).traffic("slow", "web").to("db:5432/tcp").request({ think, timeout: "10s" }));
    const result = await lab.run({ for: "40m" });
    const report = buildReport({ topology: lab.describe(), result });
    return { ...result.traffic[0]!, drops: report.drops };
  }

  it("is forgotten by IPVS and reset (8)", async () => {
    const forgotten = await talk("16m", "vip");
    expect(forgotten).toMatchObject({ errors: 1, lastError: "ConnectionReset" });
    const drop = forgotten.drops.find(({ reason }) => reason === "NoSocket");
    expect(drop).toMatchObject({ place: "m1/lb-back:eth0", meaning: "the load balancer does not know this connection any more" });
  });

  it.each([["14m", "vip"], ["16m", "dnsrr"]] as const)("is not if it speaks every %s, or %s", async (think, mode) => {
    expect(await talk(think, mode)).toMatchObject({ errors: 0, timeouts: 0 });
  });
});
