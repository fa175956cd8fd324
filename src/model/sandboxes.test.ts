import { describe, expect, it } from "vitest";
import { Daemon } from "./daemon";
import { parseDaemonFlags } from "./flags";
import { rulesOf } from "./generations";
import type { ContainerSpec, EndpointSpec, NetworkSpec } from "./spec";
import type { Chance } from "./chance";

const network = (name: string, subnet: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({ name, driver: "bridge", ipam: [{ subnet, auxAddresses: {} }], internal: false, options: {}, ...more });
const on = (name: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({ network: name, aliases: [], gwPriority: 0, ...more });
const container = (name: string, networks: readonly string[], more: Partial<ContainerSpec> = {}): ContainerSpec => ({
  name, host: "h1", networks: networks.map((each) => on(each)), publish: [], expose: [], links: [], extraHosts: [], ...more,
});

function daemonOf(chance?: Chance): Daemon {
  return new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf("29"), seed: 0, ...(chance && { chance }) });
}

const joined = (daemon: Daemon) => daemon.findContainer("web").endpoints.map(({ network: name }) => name);
const portsOf = (daemon: Daemon) => daemon.findContainer("web").ports.map(({ hostIp, hostPort }) => `${hostIp} ${hostPort}`);
const proxiesOf = (daemon: Daemon) => daemon.state().hosts[0]!.proxies.map(({ hostIp, containerIp }) => `${hostIp} to ${containerIp}`).sort();

describe("the networks of a container of Docker 29 that starts", () => {
  const orders = (make: (daemon: Daemon) => void) =>
    [0, 1, 2].map((outcome) => {
      const counts: number[] = [];
      const daemon = daemonOf({
        choose: (count) => {
          counts.push(count);
          return outcome;
        },
      });
      for (const [index, name] of ["zeta", "alpha", "mid"].entries()) daemon.createNetwork(network(name, `10.${index}.0.0/24`));
      make(daemon);
      daemon.startContainer("web");
      expect(counts).toEqual([3]);
      return joined(daemon).join(" ");
    });

  it("are joined by name, beginning with any of them", () => {
    expect(orders((daemon) => daemon.createContainer(container("web", ["zeta", "mid", "alpha"])))).toEqual(["alpha mid zeta", "mid zeta alpha", "zeta alpha mid"]);
  });

  it("are joined in the order in which they were connected, beginning with any of them", () => {
    const connected = orders((daemon) => {
      daemon.createContainer(container("web", ["mid"]));
      for (const name of ["zeta", "alpha"]) daemon.connect("web", on(name));
    });
    expect(connected).toEqual(["mid zeta alpha", "zeta alpha mid", "alpha mid zeta"]);
  });

  it("are joined by their places, of which a new one takes the first that another has left", () => {
    const replaced = orders((daemon) => {
      daemon.createContainer(container("web", ["mid"]));
      daemon.createNetwork(network("gone", "10.9.0.0/24"));
      for (const name of ["gone", "zeta"]) daemon.connect("web", on(name));
      daemon.disconnect("web", "gone");
      daemon.connect("web", on("alpha"));
    });
    expect(replaced).toEqual(["mid alpha zeta", "alpha zeta mid", "zeta mid alpha"]);
  });

  it("have numbers that are not given twice, not even after a name that is taken", () => {
    const daemon = daemonOf();
    for (const [index, name] of ["one", "two", "three"].entries()) daemon.createNetwork(network(name, `10.${index}.0.0/24`));
    daemon.createContainer(container("web", ["one"]));
    daemon.startContainer("web");
    expect(() => daemon.connect("web", on("two", { interfaceName: "eth0" }))).toThrow(/renaming interface "(veth[0-9a-f]{7})" to "eth0": file exists/);
    daemon.connect("web", on("three"));
    expect(daemon.findContainer("web").endpoints.map(({ interfaceName, index }) => `${interfaceName} ${index}`)).toEqual(["eth0 1", "eth1 3"]);
  });

  it("get ephemeral ports anew whenever a better way out is joined", () => {
    const numbers = [0, 1].map((outcome) => {
      const daemon = daemonOf({ choose: () => outcome });
      for (const [index, name] of ["alpha", "beta"].entries()) daemon.createNetwork(network(name, `10.${index}.0.0/24`));
      daemon.createContainer(container("web", ["alpha", "beta"], { publish: [{ containerPort: 80, protocol: "tcp", hostIp: "0.0.0.0" }] }));
      daemon.startContainer("web");
      return portsOf(daemon);
    });
    expect(numbers).toEqual([["0.0.0.0 32768"], ["0.0.0.0 32769"]]);
  });
});

describe("published ports of Docker 29", () => {
  const published = { publish: [{ containerPort: 80, protocol: "tcp" as const, hostPort: { from: 8080, to: 8080 } }] };

  it("of each family go with its own default route", () => {
    const daemon = daemonOf();
    daemon.createNetwork(network("six", "fd00:1::/64", { ipv4: false, ipv6: true }));
    daemon.createNetwork(network("four", "10.0.0.0/24"));
    daemon.createContainer(container("web", ["six"], published));
    daemon.startContainer("web");
    expect(portsOf(daemon)).toEqual([":: 8080"]);
    daemon.connect("web", on("four"));
    expect(proxiesOf(daemon)).toEqual(["0.0.0.0 to 10.0.0.2", ":: to fd00:1::2"]);
    daemon.disconnect("web", "six");
    expect(proxiesOf(daemon)).toEqual(["0.0.0.0 to 10.0.0.2", ":: to 10.0.0.2"]);
  });

  it("stay where they were when the network that is joined cannot have them", () => {
    const daemon = daemonOf();
    daemon.createNetwork(network("aa", "10.1.0.0/24", { options: { "com.docker.network.bridge.host_binding_ipv4": "10.9.9.9" } }));
    daemon.createNetwork(network("bb", "10.2.0.0/24"));
    daemon.createContainer(container("web", ["bb"], published));
    daemon.startContainer("web");
    const before = portsOf(daemon);
    expect(() => daemon.connect("web", on("aa"))).toThrow("cannot assign requested address");
    expect(portsOf(daemon)).toEqual(before);
    expect(proxiesOf(daemon)).toHaveLength(before.length);
  });
});

describe("a macvlan network of Docker 29 without a gateway", () => {
  it("counts as a way out, and gives no default route", () => {
    const daemon = daemonOf();
    daemon.createNetwork({ ...network("mac", "192.0.2.0/24"), driver: "macvlan" });
    daemon.createContainer(container("web", ["mac"]));
    daemon.startContainer("web");
    expect(daemon.findContainer("web").gateway).toBeUndefined();
  });
});

describe("a container of Docker 29", () => {
  it("may not have sysctls of single interfaces", () => {
    const create = () => daemonOf().createContainer(container("web", ["bridge"], { sysctls: { "net.ipv4.conf.eth0.forwarding": "1" } }));
    expect(create).toThrow("interface specific sysctl setting \"net.ipv4.conf.eth0.forwarding\" must be supplied using driver option 'com.docker.network.endpoint.sysctls'");
  });
});

describe("default options of networks", () => {
  it("are those of their driver, where others are not given", () => {
    const flags = parseDaemonFlags(["--default-network-opt=bridge=com.docker.network.driver.mtu=1400"], "29");
    const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf("29"), seed: 0, flags });
    const mtuOf = (options: Record<string, string>) => {
      const { id } = daemon.createNetwork(network(`n${options.mtu ?? ""}`, options.mtu ? "10.1.0.0/24" : "10.2.0.0/24", { options: options.mtu ? { "com.docker.network.driver.mtu": options.mtu } : {} }));
      const found = daemon.findNetwork(id);
      return "mtu" in found ? found.mtu : undefined;
    };
    expect([mtuOf({}), mtuOf({ mtu: "1280" })]).toEqual([1400, 1280]);
    expect(() => parseDaemonFlags(["--default-network-opt=bridge"], "29")).toThrow("should be root-key=key=value");
  });
});
