import { describe, expect, it } from "vitest";
import { rulesOf } from "./generations";
import { HostPorts } from "./host-ports";
import type { DockerGeneration, PublishSpec } from "./spec";

const port = (containerPort: number, hostPort?: number | readonly [number, number], more: Partial<PublishSpec> = {}): PublishSpec => ({
  containerPort,
  protocol: "tcp",
  ...(hostPort !== undefined && { hostPort: typeof hostPort === "number" ? { from: hostPort, to: hostPort } : { from: hostPort[0], to: hostPort[1] } }),
  ...more,
});

function take(ports: HostPorts, ...publish: readonly PublishSpec[]): string[] | string {
  const taken = ports.take(publish, "0.0.0.0");
  if ("reason" in taken) return taken.reason;
  return taken.map(({ hostIp, hostPort, containerPort, protocol }) => `${hostIp}:${hostPort}->${containerPort}/${protocol}`);
}

describe.each<DockerGeneration>(["20.10", "29"])("host ports of Docker %s", (generation) => {
  const fresh = () => new HostPorts(rulesOf(generation));

  it("are ephemeral from 32768 up, and not used again at once", () => {
    const ports = fresh();
    const first = ports.take([port(80)], "0.0.0.0");
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
    expect(take(new HostPorts(rulesOf("20.10")), ...publish)).toEqual([
      "0.0.0.0:8443->443/tcp", "0.0.0.0:8090->90/tcp", "0.0.0.0:32768->100/tcp", "0.0.0.0:32769->80/tcp",
    ]);
  });

  it("starts with the fixed ones, then the smallest, in 29", () => {
    expect(take(new HostPorts(rulesOf("29")), ...publish)).toEqual([
      "0.0.0.0:8090->90/tcp", "0.0.0.0:8443->443/tcp", "0.0.0.0:32768->80/tcp", "0.0.0.0:32769->100/tcp",
    ]);
  });
});
