import { describe, expect, it } from "vitest";
import { refusalOf } from "../../../test/support/docker";
import { Daemon } from "../daemon";
import { rulesOf } from "../generations";
import type { DockerGeneration, NetworkSpec } from "../spec";
import { hasParent } from "../state";
import { emptyWorld } from "../world";

const world = { ...emptyWorld("host1"), uplinks: [{ name: "eth0", mac: "02:00:00:00:02:0b", mtu: 1500, addresses: ["192.0.2.11/24"] }] };

function daemonOf(generation: DockerGeneration): Daemon {
  return new Daemon({ host: { name: "host1", cpus: 1, backlog: 1000 }, rules: rulesOf(generation), seed: 0, world });
}

const lan = (driver: string, subnet: string, options: Record<string, string>, more: Partial<NetworkSpec> = {}): NetworkSpec => {
  return { name: `net${subnet}`, driver, ipam: [{ subnet, auxAddresses: {} }], internal: false, options, ...more };
};
const run = (daemon: Daemon, name: string, network: string) => {
  daemon.createContainer({ name, host: "host1", networks: [{ network, aliases: [], gwPriority: 0 }], publish: [], expose: [], links: [], extraHosts: [] });
  daemon.startContainer(name);
  return daemon.findContainer(name);
};
const parentOf = (daemon: Daemon) => daemon.networks().filter(hasParent).map(({ parent }) => parent);

describe.each<DockerGeneration>(["20.10", "29"])("networks on an interface of the host, in Docker %s", (generation) => {
  it("make VLAN interfaces and dummies of their own, and remove them again", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(lan("macvlan", "10.1.0.0/24", { parent: "eth0.10" }));
    daemon.createNetwork(lan("macvlan", "10.2.0.0/24", {}));
    expect(parentOf(daemon)).toMatchObject([{ device: "eth0.10", kind: "vlan", vlan: { id: 10, link: "eth0" }, created: true }, { kind: "dummy", created: true }]);
    expect(parentOf(daemon)[1]?.device).toMatch(/^dm-[0-9a-f]{12}$/);
    expect(daemon.networks().at(-1)?.internal).toBe(true);
    daemon.removeNetwork("net10.1.0.0/24");
    daemon.createNetwork(lan("ipvlan", "10.1.0.0/24", { parent: "eth0.10" }));
  });

  it.each([
    [{ parent: "lo" }, "loopback interface is not a valid macvlan parent link"],
    [{ parent: "nosuch0" }, "invalid subinterface vlan name nosuch0, example formatting is eth0.10"],
    [{ parent: "eth0.100x" }, "unable to parse a valid vlan id from: 100x (ex. eth0.10 for vlan 10)"],
    [{ parent: "eth0.4095" }, "vlan id must be between 1-4094, received: 4095"],
    [{ parent: "eth0", macvlan_mode: "wrong" }, "requested macvlan mode 'wrong' is not valid, 'bridge' mode is the macvlan driver default"],
  ])("refuse %o", (options, daemon) => {
    expect(refusalOf(() => daemonOf(generation).createNetwork(lan("macvlan", "10.1.0.0/24", options)))).toMatch(new RegExp(`: ${daemon.replace(/[.()]/g, "\\$&")}$`));
  });

  it("have endpoints without a cable, with a default route of their own", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork({ ...lan("macvlan", "192.0.2.0/24", { parent: "eth0" }), ipam: [{ subnet: "192.0.2.0/24", gateway: "192.0.2.1", ipRange: "192.0.2.64/27", auxAddresses: {} }] });
    expect(run(daemon, "m1", "net192.0.2.0/24")).toMatchObject({
      endpoints: [{ interfaceName: "eth0", ip: 0xc0000240, prefixLength: 24, vethName: "" }], gateway: { ip: 0xc0000201 }, embeddedDns: true, showsExposed: false,
    });
  });

  it("give ipvlan the MAC of the parent, and l3 a route without a gateway", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(lan("ipvlan", "10.3.0.0/24", { parent: "eth0", ipvlan_mode: "l3" }));
    expect(run(daemon, "i1", "net10.3.0.0/24")).toMatchObject({ endpoints: [{ mac: 0x02000000020b, gateway: undefined }], gateway: { ip: 0 } });
  });

  it("give no default route when they are internal", () => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(lan("macvlan", "10.4.0.0/24", { parent: "eth0" }, { internal: true }));
    expect(run(daemon, "m1", "net10.4.0.0/24").gateway).toBeUndefined();
  });
});

describe("a parent that another network has", () => {
  const outcome = (generation: DockerGeneration, driver: string, first: Record<string, string>, second: Record<string, string>) => {
    const daemon = daemonOf(generation);
    daemon.createNetwork(lan(driver, "10.1.0.0/24", { parent: "eth0", ...first }));
    return refusalOf(() => daemon.createNetwork(lan(driver, "10.2.0.0/24", { parent: "eth0", ...second }))).replace(/[0-9a-f]{64}/, "FULL").replace(/[0-9a-f]{12}/, "ID");
  };

  it("is refused in 20.10, and shared in 29 but by passthru and ipvlan", () => {
    const taken = (name: string) => `CONFLICT: network ${name}-ID is already using parent interface eth0`;
    expect(outcome("20.10", "macvlan", {}, {})).toBe(taken("dm"));
    expect(outcome("29", "macvlan", {}, {})).toBe("nothing thrown");
    expect(outcome("29", "ipvlan", {}, {})).toBe(taken("di"));
    const pass = { macvlan_mode: "passthru" };
    expect(outcome("29", "macvlan", {}, pass)).toMatch(/cannot use mode passthru, macvlan network FULL is already using parent interface eth0$/);
    expect(outcome("29", "macvlan", pass, {})).toMatch(/macvlan network FULL is already using parent interface eth0 in mode passthru$/);
  });
});
