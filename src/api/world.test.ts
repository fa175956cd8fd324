import { describe, expect, it } from "vitest";
import { docker, refusalOf } from "../../test/support/docker";
import type { DockerTopology } from "./docker";
import type { Lab } from "./lab";
import { startHere } from "../../test/support/lab";

function start(topology: DockerTopology): Promise<Lab> {
  return startHere(() => topology.compile());
}

async function received(lab: Lab, from: string, to: string): Promise<number> {
  return (await lab.ping(from, to, { count: 1, timeout: "5s" })).received;
}

describe("several hosts", () => {
  const two = docker("two").host("h1", { address: "192.0.2.11/24", cpus: 1 }).host("h2");

  it("are on one switch with a router, a neighbour and the internet", async () => {
    const lab = await start(two);
    expect(await received(lab, "h1", "h2")).toBe(1);
    expect(await received(lab, "h2", "lan")).toBe(1);
    expect(await received(lab, "h1", "internet")).toBe(1);
    expect(await received(lab, "internet", "h1")).toBe(1);
    expect(await received(lab, "lan", "203.0.113.7")).toBe(0);
  });

  it("have cables that do what is said of them", async () => {
    const lab = await start(two.underlay({ delay: "1ms", mtu: 1400 }));
    const { rtt } = await lab.ping("h1", "h2", { count: 2, interval: "100ms" });
    // Two cables each way.
    expect(rtt!.min / 1e6).toBeCloseTo(4, 0);
    expect(two.underlay({ mtu: 1400 }).compile().render()).toContain("mtu 1400");
  });

  it("run the containers that name them, the first one those that name none", () => {
    const { state } = two.container("web").container("db", { host: "h2" }).compile();
    expect(state.containers.map(({ name, host }) => `${host}/${name}`)).toEqual(["h1/web", "h2/db"]);
  });

  it("are refused twice, and where a machine has the name", () => {
    expect(refusalOf(() => two.host("h1"))).toMatch(/^CONFLICT: host h1/);
    expect(refusalOf(() => two.container("lan").compile())).toMatch(/^CONFLICT: container lan/);
  });
});

describe("an underlay with several subnets", () => {
  const sites = docker("sites")
    .host("h1")
    .host("h2", { address: "198.18.0.11/24", link: { delay: "1ms" } })
    .underlay({ router: { delay: "10ms" }, pathMtu: 1400 });

  it("is a switch for each, with the router between them and its own delay", async () => {
    const { spec } = sites;
    expect(spec.underlay?.segments.map(({ name }) => name)).toEqual(["underlay", "backbone", "underlay2"]);
    const lab = await start(sites);
    const { rtt } = await lab.ping("h1", "h2", { count: 2, interval: "100ms" });
    // Twice the router's two cables, and the cable of h2.
    expect(rtt!.min / 1e6).toBeCloseTo(2 * (10 + 10 + 1), 0);
    expect(await received(lab, "lan", "h2")).toBe(1);
  });

  it("loses what is too long for its switches, and tells nobody", async () => {
    const lab = await start(sites);
    const sent = async (size: number) => (await lab.ping("h1", "lan", { count: 1, size, timeout: "2s" })).received;
    expect([await sent(1372), await sent(1373)]).toEqual([1, 0]);
  });

  it("says which quantities cannot be", () => {
    expect(refusalOf(() => sites.underlay({ pathMtu: 10 }))).toBe("INVALID_INPUT: underlay.pathMtu: expected a whole number from 68, found 10");
    expect(refusalOf(() => sites.host("h3", { mtu: 1.5 }))).toBe("INVALID_INPUT: h3.mtu: expected a whole number from 68, found 1.5");
  });
});

describe("the world", () => {
  it("is there if traffic asks for it", async () => {
    const topology = docker("curious").container("web").traffic("up", "host1").to("internet:80/tcp").rate("10/s").during("0s", "1s");
    const lab = await start(topology);
    const { flows } = await lab.run({ for: "2s" });
    expect(flows[0]).toMatchObject({ address: "198.51.100.10", delivered: 10 });
  });

  it("is not there if nobody does", () => {
    const { program } = docker("plain").container("web").compile();
    expect(program.names.namespaces).toEqual(["host1", "web"]);
    expect(docker("plain").container("internet").container("web").traffic("t", "web").to("172.17.0.2").spec.underlay).toBeUndefined();
  });
});

describe("a macvlan network on a VLAN of the uplink", () => {
  it("tags what leaves, and hears what is tagged for it alone", async () => {
    const trunk = docker("trunk", { docker: "20.10" })
      .host("h1")
      .host("h2")
      .network("red", { host: "h1", driver: "macvlan", subnet: "10.1.0.0/24", ipRange: "10.1.0.0/28", parent: "eth0.10" })
      .network("blue", { host: "h1", driver: "macvlan", subnet: "10.2.0.0/24", parent: "eth0.20" })
      .network("far", { host: "h2", driver: "macvlan", subnet: "10.1.0.0/24", ipRange: "10.1.0.64/28", parent: "eth0.10" })
      .container("red1", { host: "h1", networks: ["red"] })
      .container("blue1", { host: "h1", networks: ["blue"] })
      .container("far1", { host: "h2", networks: { far: { ipv4: "10.1.0.70" } } });
    const lab = await start(trunk);
    expect(await received(lab, "red1", "10.1.0.70")).toBe(1);
    expect(await received(lab, "blue1", "10.1.0.70")).toBe(0);
    expect(trunk.compile().render()).toContain("eth0.10@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP");
    expect(trunk.compile().render()).toContain("    vlan protocol 802.1Q id 10 <REORDER_HDR>");
  });
});

describe("an ipvlan network", () => {
  const network = (mode: string) =>
    docker("plane", { docker: "20.10" })
      .host("h1")
      .network("plane", { driver: "ipvlan", subnet: "192.0.2.0/24", gateway: "192.0.2.1", ipRange: "192.0.2.128/27", parent: "eth0", options: { ipvlan_mode: mode } })
      .container("one", { networks: ["plane"] })
      .container("two", { networks: ["plane"] });

  it("in mode l2 has the MAC of the host's interface for all containers", async () => {
    const lab = await start(network("l2"));
    expect(await received(lab, "one", "two")).toBe(1);
    expect(await received(lab, "one", "lan")).toBe(1);
    expect(await received(lab, "lan", "192.0.2.129")).toBe(1);
    expect(await received(lab, "one", "h1")).toBe(0);
    const macs = network("l2").compile().describe().containers.map(({ networks }) => networks[0]!.mac);
    expect(new Set(macs)).toEqual(new Set(["02:00:c0:00:02:0b"]));
  });

  it("in mode l3 leaves by the host's routes, without ARP of its own, and is not found by others without a route", async () => {
    const lab = await start(network("l3"));
    expect(await received(lab, "one", "two")).toBe(1);
    expect(await received(lab, "one", "lan")).toBe(0);
    expect(network("l3").compile().render()).toContain("<BROADCAST,MULTICAST,NOARP,UP,LOWER_UP>");
  });
});

describe("an ipvlan network without layer 2", () => {
  const routed = (mode: "l3" | "l3s") =>
    docker("routed")
      .underlay({ ipv6: true })
      .host("h1")
      .host("h2", { routes: ["10.7.0.0/24 via 192.0.2.11", "fd07::/64 via 2001:db8:1::11"] })
      .network("cell", { driver: "ipvlan", subnet: "10.7.0.0/24", subnet6: "fd07::/64", parent: "eth0", options: { ipvlan_mode: mode } })
      .container("one", { networks: ["cell"] })
      .container("two", { networks: ["cell"] });

  it.each(["l3", "l3s"] as const)("in mode %s reaches hosts that have a route back, in both families", async (mode) => {
    const lab = await start(routed(mode));
    expect(await received(lab, "one", "two")).toBe(1);
    expect(await received(lab, "one", "h2")).toBe(1);
    expect(await received(lab, "one", "2001:db8:1::12")).toBe(1);
    expect(await received(lab, "h2", "fd07::2")).toBe(1);
    // The gateway has no route back.
    expect(await received(lab, "one", "lan")).toBe(0);
  });

  it("obeys its host's rules on the way out, and in mode l3s on the way in", async () => {
    for (const [mode, answers] of [["l3", 1], ["l3s", 0]] as const) {
      const lab = await start(routed(mode));
      await lab.iptables("-A INPUT -i eth0 -d 10.7.0.0/24 -j DROP", { host: "h1" });
      expect(await received(lab, "one", "h2")).toBe(answers);
      await lab.iptables("-A OUTPUT -s 10.7.0.0/24 -j DROP", { host: "h1" });
      expect(await received(lab, "one", "h2")).toBe(0);
      expect(await received(lab, "one", "2001:db8:1::12")).toBe(1);
    }
  });
});

describe("a macvlan network", () => {
  const wire = docker("wire", { docker: "20.10" })
    .network("wire", { driver: "macvlan", subnet: "192.0.2.0/24", gateway: "192.0.2.1", ipRange: "192.0.2.128/27", parent: "eth0" })
    .container("m1", { networks: ["wire"] })
    .container("m2", { networks: ["wire"] });

  it("puts containers beside the host's neighbours, but not its host", async () => {
    const lab = await start(wire);
    expect(await received(lab, "m1", "m2")).toBe(1);
    expect(await received(lab, "m1", "lan")).toBe(1);
    expect(await received(lab, "internet", "192.0.2.128")).toBe(1);
    expect(await received(lab, "m1", "host1")).toBe(0);
    expect(await received(lab, "host1", "192.0.2.129")).toBe(0);
  });

  it("is told to those who look at interfaces as ip(8) tells it", () => {
    const text = wire.compile().render();
    expect(text).toContain("2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP");
    expect(text).toContain("    macvlan mode bridge\n    inet 192.0.2.128/24 brd 192.0.2.255 scope global eth0");
    expect(text).toContain("2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n    link/ether 02:00:c0:00:02:0b");
  });

  it("does not work where the switch takes one MAC per port", async () => {
    const lab = await start(wire.underlay({ portSecurity: true }));
    expect(await received(lab, "m1", "m2")).toBe(1);
    expect(await received(lab, "m1", "lan")).toBe(0);
    expect(await received(lab, "host1", "lan")).toBe(1);
    const { drops } = await lab.run({ for: "1ms" });
    expect(drops.find(({ reason }) => reason === "PortSecurity")?.place).toBe("underlay:host1.eth0");
  });
});

describe("a host", () => {
  it("has a daemon.json, its own or that of all", () => {
    const all = docker("shop", { daemon: { bip: "10.90.0.1/24" } });
    expect(all.container("web").compile().describe().containers[0]?.networks[0]?.ipv4).toBe("10.90.0.2");
    const two = all.host("h1").host("h2", { daemon: { bip: "10.91.0.1/24" } }).container("one", { host: "h1" }).container("two", { host: "h2" });
    expect(two.compile().describe().containers.map(({ networks }) => networks[0]?.ipv4)).toEqual(["10.90.0.2", "10.91.0.2"]);
    expect(refusalOf(() => docker("shop").host("h1", { daemon: { mtu: 0.5 } }).compile())).toBe("INVALID_INPUT: host h1: daemon.mtu: expected a whole number, found 0.5");
  });

  it("has ports that are taken, and routes that pools keep away from", () => {
    const host = docker("shop").host("h1", { listen: ["8080/tcp"], routes: ["172.18.0.0/15 dev eth0"] });
    expect(refusalOf(() => host.container("web", { publish: ["8080:80"] }).compile())).toMatch(/failed to bind host port 0\.0\.0\.0:8080\/tcp: address already in use/);
    expect(host.network("net").compile().describe().networks.map(({ subnet }) => subnet)).toContain("172.20.0.0/16");
  });

  it("has a resolv.conf, which containers of the default bridge get", async () => {
    const lab = await start(docker("shop").host("h1", { resolvConf: { nameservers: ["192.0.2.53"], search: ["corp.example"] } }).container("web"));
    expect((await lab.docker("exec web cat /etc/resolv.conf")).stdout).toMatch(/nameserver 192\.0\.2\.53\nsearch corp\.example/);
  });
});

describe("an underlay with IPv6", () => {
  const dual = docker("dual").host("h1").host("h2", { address: "198.18.0.11/24" }).underlay({ ipv6: true });

  it("gives every machine an address that reads like its other one, and routes between them", async () => {
    const lab = await start(dual);
    for (const [from, to] of [["lan", "2001:db8:1::11"], ["h1", "2001:db8:ffff::10"], ["internet", "2001:db8:2::11"], ["h2", "2001:db8:1::50"]] as const) {
      expect([from, to, await received(lab, from, to)]).toEqual([from, to, 1]);
    }
    expect((await lab.reach("lan", "h2", { family: 6 })).address).toBe("2001:db8:2::11");
  });

  it("has published ports on both families: with a proxy the server sees its gateway, with an address of its own the client", async () => {
    const shop = dual
      .network("old")
      .network("new", { subnet6: "fd00:5::/64" })
      .container("web", { networks: ["old"], publish: ["8080:80"] })
      .container("api", { networks: ["new"], publish: ["9090:80"] });
    const lab = await start(shop);
    const seen = async (to: string) => (await lab.reach("lan", to, { family: 6 })).peer;
    expect(await seen("h1:8080")).toBe("172.18.0.1");
    expect(await seen("h1:9090")).toBe("2001:db8:1::50");
    const both = await lab.reach("internet", "h1:9090");
    expect([both.peer, both.overIpv6?.peer]).toEqual(["198.51.100.10", "2001:db8:ffff::10"]);
    expect((await lab.reach("api", "internet:80", { family: 6 })).peer).toBe("2001:db8:1::11");
  });

  it("takes the subnet and the router that a host names", () => {
    const { spec } = docker("own").host("h1", { address6: "2001:db8:aa::7/56", gateway6: "2001:db8:aa::fe" });
    const [gw, lan] = spec.underlay!.machines;
    expect(gw!.uplinks[0]!.addresses).toEqual(["192.0.2.1/24", "2001:db8:aa::fe/56"]);
    expect(lan!.uplinks[0]!.addresses).toEqual(["192.0.2.50/24", "2001:db8:aa::50/56"]);
    expect(spec.hosts[0]!.world!.routes.map(({ via }) => via)).toEqual(["192.0.2.1", "2001:db8:aa::fe"]);
  });
});
