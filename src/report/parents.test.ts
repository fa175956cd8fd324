import { describe, expect, it } from "vitest";
import type { ReportTopology } from "./json";
import { parentNotices } from "./parents";
import type { ReportTraffic } from "./report";

function endpoint(container: string, ipv4: string, mac: string) {
  const names = { network: "wire", interfaceName: "eth0", device: `${container}:eth0`, hostDevice: "h1:eth0" };
  return { ...names, ipv4, prefixLength: 24, mac, gateway: "192.0.2.1", isDefaultRoute: true, dnsNames: [] };
}

function topology(driver: string, endpoints: readonly (readonly [container: string, host: string, ipv4: string, mac: string])[]): ReportTopology {
  return {
    name: "wire",
    generation: "20.10",
    hosts: [{ name: "h1", cpus: 1 }, { name: "h2", cpus: 1 }],
    networks: [{ name: "wire", host: "h1", driver, internal: false, subnet: "192.0.2.0/24", gateway: "192.0.2.1", bridge: "eth0", mtu: 1500, encrypted: false, vnis: [] }],
    services: [],
    containers: endpoints.map(([name, host, ipv4, mac]) => ({ name, label: name, host, networkMode: "networks", networks: [endpoint(name, ipv4, mac)], ports: [] })),
    flows: [],
  };
}

const traffic = (from: string, to: string, reason: "NeighFailed" | "PortSecurity", delivered = 0) =>
  ({ from, to, delivered, drops: [{ reason, packets: 3 }] }) as unknown as ReportTraffic;
const kinds = (...input: Parameters<typeof parentNotices>) => parentNotices(...input).map(({ kind }) => kind);
const pair = topology("macvlan", [["m1", "h1", "192.0.2.128", "02:42:c0:00:02:80"], ["m2", "h1", "192.0.2.129", "02:42:c0:00:02:81"]]);

describe("what a report says of macvlan and ipvlan", () => {
  it("is why a container and its own host do not hear each other, in both directions and by address", () => {
    const [said] = parentNotices(pair, [traffic("m1", "h1", "NeighFailed")]);
    expect(said).toMatchObject({ kind: "host-isolation", path: "networks.wire" });
    expect(said!.message).toMatch(/^m1 and its host h1 cannot reach each other: what leaves through eth0 never comes back/);
    expect(kinds(pair, [traffic("h1", "192.0.2.129:80/tcp", "NeighFailed")])).toEqual(["host-isolation"]);
  });

  it("is nothing where traffic arrives, goes elsewhere, or leaves from a bridge", () => {
    expect(kinds(pair, [traffic("m1", "h1", "NeighFailed", 1)])).toEqual([]);
    expect(kinds(pair, [traffic("m1", "h2", "NeighFailed")])).toEqual([]);
    expect(kinds(topology("bridge", [["m1", "h1", "192.0.2.128", "02:42:c0:00:02:80"]]), [traffic("m1", "h1", "NeighFailed")])).toEqual([]);
  });

  it("is that ipvlan shows several addresses behind one MAC", () => {
    const ipvlan = topology("ipvlan", [["i1", "h1", "192.0.2.128", "02:00:00:00:02:0b"], ["i2", "h1", "192.0.2.129", "02:00:00:00:02:0b"]]);
    expect(parentNotices(ipvlan, [])[0]!.message).toBe(
      "h1:eth0 stands for 2 addresses with one MAC, 02:00:00:00:02:0b: 192.0.2.128 (i1), 192.0.2.129 (i2)",
    );
  });

  it("is that two hosts gave out one address", () => {
    const twice = topology("macvlan", [["m1", "h1", "192.0.2.2", "02:42:c0:00:02:02"], ["h2/m1", "h2", "192.0.2.2", "02:42:c0:00:02:02"]]);
    expect(kinds({ ...twice, containers: twice.containers.map((each) => ({ ...each, networks: each.networks.map((network) => ({ ...network, hostDevice: `${each.host}:eth0` })) })) }, [])).toEqual(["same-address"]);
  });

  it("is that a switch refuses a second MAC", () => {
    expect(kinds(pair, [traffic("m1", "lan", "PortSecurity")])).toEqual(["port-security"]);
  });
});
