import { describe, expect, it } from "vitest";
import { parseCidr } from "../net/cidr";
import { Host } from "./host";
import { runOnHost } from "./host-command";
import { emptyWorld } from "./world";

const commanded = (host: Host) => ({ host, firewall: { apply: () => undefined } });

function host(...commands: readonly string[]): Host {
  const found = new Host({ ...emptyWorld("host1"), uplinks: [{ name: "eth0", mac: "02:00:00:00:00:01", mtu: 1500, addresses: ["192.0.2.11/24"] }] });
  for (const command of commands) runOnHost(commanded(found), command.split(" "));
  return found;
}

const reserves = (found: Host, subnet: string) => found.isReserved(parseCidr(subnet, "subnet"));

describe("what users of a host do to it", () => {
  it("keeps Docker away from link routes and from subnets of interfaces, not from routes via a gateway", () => {
    const found = host("ip route add 172.18.0.0/16 via 192.0.2.1", "ip addr add 172.20.9.1/24 dev eth0", "ip route add 172.21.0.0/16 dev eth0");
    expect(["172.18.0.0/16", "172.20.0.0/16", "172.21.0.0/16", "172.22.0.0/16"].map((subnet) => reserves(found, subnet))).toEqual([false, true, true, false]);
  });

  it("does not keep it away with blackholes and global device routes", () => {
    const found = host("ip route add blackhole 172.18.0.0/16", "ip route add 172.19.0.0/16 dev eth0 scope global");
    expect([reserves(found, "172.18.0.0/16"), reserves(found, "172.19.0.0/16")]).toEqual([false, false]);
  });

  it("is undone by the opposite command", () => {
    const found = host("ip -4 route add 172.18.0.0/16 dev eth0", "ip route del 172.18.0.0/16", "ip address add 10.0.0.1 dev eth0", "ip addr del 10.0.0.1/32 dev eth0");
    expect(found.world.routes).toEqual([]);
    expect(found.world.uplinks[0]?.addresses).toEqual(["192.0.2.11/24"]);
    expect(() => runOnHost(commanded(found), ["ip", "route", "del", "10.9.0.0/24"])).toThrow("No such process");
  });

  it("makes interfaces, and turns forwarding on", () => {
    const found = host("ip link add dummy0 type dummy", "ip link add link eth0 name eth0.20 type vlan id 20", "sysctl -w net.ipv4.ip_forward=1");
    expect([found.hasDevice("dummy0"), found.device("eth0.20")?.vlan]).toEqual([true, { id: 20, link: "eth0" }]);
    expect(found.macOf("eth0.20")).toBe("02:00:00:00:00:01");
    expect(found.world.ipForward).toBe(true);
  });
});
