import { describe, expect, it } from "vitest";
import { rulesOf } from "./generations";
import { Host } from "./host";
import { HostPorts, type PortTarget } from "./host-ports";
import type { DockerGeneration, PublishSpec } from "./spec";
import { emptyWorld, type HostWorld } from "./world";

const port = (containerPort: number, hostPort?: number | readonly [number, number], more: Partial<PublishSpec> = {}): PublishSpec => ({
  containerPort,
  protocol: "tcp",
  ...(hostPort !== undefined && { hostPort: typeof hostPort === "number" ? { from: hostPort, to: hostPort } : { from: hostPort[0], to: hostPort[1] } }),
  ...more,
});

const TARGET: PortTarget = { defaultIp: "0.0.0.0", address4: "172.17.0.2", address6: "172.17.0.2", families: { 4: true, 6: true }, userlandProxy: true, routed: { 4: false, 6: false } };
const uplink = { name: "eth0", mac: "02:00:00:00:00:01", mtu: 1500, addresses: ["192.0.2.1/24"] };

function portsOf(generation: DockerGeneration, world: Partial<HostWorld> = { ipv6: false }): HostPorts {
  return new HostPorts(rulesOf(generation), new Host({ ...emptyWorld("host1"), uplinks: [uplink], ...world }));
}

function take(ports: HostPorts, ...publish: readonly PublishSpec[]): string[] | string {
  const taken = ports.take(publish, TARGET);
  if ("reason" in taken) return taken.reason;
  return taken.map(({ hostIp, hostPort, containerPort, protocol }) => `${hostIp}:${hostPort}->${containerPort}/${protocol}`);
}

describe.each<DockerGeneration>(["20.10", "29"])("host ports of Docker %s", (generation) => {
  const fresh = () => portsOf(generation);

  it("are ephemeral from 32768 up, and not used again at once", () => {
    const ports = fresh();
    const first = ports.take([port(80)], TARGET);
    if (!("reason" in first)) ports.release(first);
    expect(take(ports, port(80))).toEqual(["0.0.0.0:32769->80/tcp"]);
  });

  it("count separately by protocol", () => {
    expect(take(fresh(), port(53), port(53, undefined, { protocol: "udp" }))).toEqual(["0.0.0.0:32768->53/tcp", "0.0.0.0:32768->53/udp"]);
  });

  it("are refused when they are taken, and what the container got so far is free again", () => {
    const ports = fresh();
    take(ports, port(80, 8080));
    expect(take(ports, port(81, 8081), port(80, 8080))).toBe("Bind for 0.0.0.0:8080 failed: port is already allocated");
    expect(take(ports, port(81, 8081))).toEqual(["0.0.0.0:8081->81/tcp"]);
  });

  it("are picked in turn from a range, until it is used up", () => {
    const ports = fresh();
    expect([1, 2, 3].map(() => take(ports, port(80, [8000, 8001])))).toEqual([["0.0.0.0:8000->80/tcp"], ["0.0.0.0:8001->80/tcp"], "all ports are allocated"]);
  });

  it("may be the same on two addresses, but not on one and on all", () => {
    const ports = fresh();
    expect(take(ports, port(80, 8080, { hostIp: "127.0.0.1" }))).toEqual(["127.0.0.1:8080->80/tcp"]);
    expect(take(ports, port(80, 8080, { hostIp: "192.0.2.1" }))).toEqual(["192.0.2.1:8080->80/tcp"]);
    expect(take(ports, port(80, 8080))).toMatch(/already (allocated|in use)/);
  });
});

describe("the order in which one container's ports are served", () => {
  const publish = [port(80), port(443, 8443), port(90, 8090), port(100)];

  it("starts with the largest in 20.10", () => {
    expect(take(portsOf("20.10"), ...rulesOf("20.10").ports.order(publish))).toEqual([
      "0.0.0.0:8443->443/tcp", "0.0.0.0:8090->90/tcp", "0.0.0.0:32768->100/tcp", "0.0.0.0:32769->80/tcp",
    ]);
  });

  it("starts with the fixed ones, then the smallest, in 29", () => {
    expect(take(portsOf("29"), ...publish)).toEqual([
      "0.0.0.0:8090->90/tcp", "0.0.0.0:8443->443/tcp", "0.0.0.0:32768->80/tcp", "0.0.0.0:32769->100/tcp",
    ]);
  });
});

describe("bindings of one container port that differ only in the address, in 29", () => {
  it("get one number, whatever was asked for in between", () => {
    const on = (hostIp: string) => port(80, undefined, { hostIp });
    const taken = take(portsOf("29"), on("192.0.2.1"), port(70, undefined, { hostIp: "127.0.0.1" }), on("127.0.0.1"), port(80, 8080, { protocol: "udp" }));
    expect(taken).toEqual(["0.0.0.0:8080->80/udp", "127.0.0.1:32768->70/tcp", "127.0.0.1:32769->80/tcp", "192.0.2.1:32769->80/tcp"]);
  });

  it("cannot be twice the same: the kernel refuses the second, in a range ten times", () => {
    expect(take(portsOf("29"), port(80, 8080), port(80, 8080))).toBe("failed to bind host port 0.0.0.0:8080/tcp: address already in use");
    const range = port(80, [9600, 9605]);
    expect(take(portsOf("29"), range, range)).toBe("failed to bind host port 0.0.0.0:9603/tcp: address already in use");
  });
});

describe("bindings of both families", () => {
  it("may have different numbers in 20.10, and have the same in 29", () => {
    const outcome = (generation: DockerGeneration) => {
      const ports = portsOf(generation, { ipv6: true });
      take(ports, port(80, undefined, { hostIp: "0.0.0.0" }));
      return take(ports, port(80));
    };
    expect(outcome("20.10")).toEqual(["0.0.0.0:32769->80/tcp", ":::32768->80/tcp"]);
    expect(outcome("29")).toEqual(["0.0.0.0:32769->80/tcp", ":::32769->80/tcp"]);
  });

  it("need the proxy for IPv6 in front of a container without it", () => {
    const ports = portsOf("20.10", { ipv6: true });
    const bound = ports.take([port(80, 8080)], { ...TARGET, address6: undefined, userlandProxy: false });
    expect("reason" in bound ? bound.reason : bound.map(({ hostIp }) => hostIp)).toEqual(["0.0.0.0"]);
  });
});

describe("a port that a process of the host has", () => {
  const listeners = [{ protocol: "tcp", address: "*", port: 7000, process: "sshd" }] as const;

  it("is refused in the kernel's words", () => {
    const outcome = (generation: DockerGeneration, hostIp?: string) => take(portsOf(generation, { listeners }), port(80, 7000, hostIp ? { hostIp } : {}));
    expect(outcome("20.10")).toBe("Error starting userland proxy: listen tcp4 0.0.0.0:7000: bind: address already in use");
    expect(outcome("20.10", "::1")).toBe("Error starting userland proxy: listen tcp6 [::1]:7000: bind: address already in use");
    expect(outcome("20.10", "1.2.3.4")).toBe("Error starting userland proxy: listen tcp4 1.2.3.4:7000: bind: cannot assign requested address");
    expect(outcome("29")).toBe("failed to bind host port 0.0.0.0:7000/tcp: address already in use");
  });

  it("is passed over when any port will do", () => {
    const busy = [{ protocol: "tcp", address: "0.0.0.0", port: 32768, process: "sshd" }] as const;
    expect(take(portsOf("20.10", { listeners: busy }), port(80))).toEqual(["0.0.0.0:32769->80/tcp", ":::32768->80/tcp"]);
  });
});
