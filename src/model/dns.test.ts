import { describe, expect, it } from "vitest";
import { docker } from "../../test/support/docker";
import { decide } from "./decide";
import { dnsOf } from "./dns";
import type { DockerGeneration } from "./spec";

const SIX = "2001:db8:9::53";
const FOUR = "198.51.100.53";

interface Case {
  /** Of the host's resolv.conf. */
  readonly servers?: readonly string[];
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly ipv6?: boolean;
  readonly internal?: boolean;
}

/** Whom the resolver of a container asks, and from where. */
function upstreams(generation: DockerGeneration, { servers = [], ipv6 = false, internal = false, ...own }: Case): string[] {
  const state = decide(docker("shop", { docker: generation }).network("app", { internal }).container("web", { networks: ["app"] }).spec);
  const containers = state.containers.map((container) => ({
    ...container,
    spec: { ...container.spec, ...own },
    endpoints: container.endpoints.map((endpoint) => ({ ...endpoint, ...(ipv6 && { ipv6: 0xfd00n << 112n }) })),
  }));
  const hosts = state.hosts.map((host) => ({ ...host, world: { ...host.world, resolvConf: { nameservers: servers, search: [], options: [] } } }));
  return (dnsOf({ ...state, hosts, containers }, "web")?.upstreams ?? []).map(({ address, from }) => `${from} ${address}`);
}

describe("the servers that Docker's resolver asks", () => {
  it("are of both families since 29, and of IPv4 alone before", () => {
    expect(upstreams("29", { servers: [SIX, FOUR] })).toEqual([`host ${SIX}`, `host ${FOUR}`]);
    expect(upstreams("29", { dns: [SIX, FOUR], servers: ["10.0.0.1"] })).toEqual([`container ${SIX}`, `container ${FOUR}`]);
    expect(upstreams("20.10", { servers: [SIX, FOUR] })).toEqual([`container ${FOUR}`]);
    expect(upstreams("20.10", { dns: [SIX, FOUR] })).toEqual([`container ${FOUR}`]);
    expect(upstreams("20.10", { dns: [SIX], servers: [FOUR] })).toEqual([]);
  });

  it("are three at most, of those that are asked at all", () => {
    const four = [1, 2, 3, 4].map((last) => `10.0.0.${last}`);
    expect(upstreams("20.10", { servers: [SIX, ...four] })).toEqual(four.slice(0, 3).map((address) => `container ${address}`));
    expect(upstreams("29", { servers: [SIX, ...four] })).toEqual([SIX, ...four.slice(0, 2)].map((address) => `host ${address}`));
  });

  it("are Google's in 20.10 where the host has none that it could ask", () => {
    expect(upstreams("20.10", {})).toEqual(["container 8.8.8.8", "container 8.8.4.4"]);
    expect(upstreams("20.10", { servers: [SIX] })).toEqual(["container 8.8.8.8", "container 8.8.4.4"]);
    expect(upstreams("20.10", { servers: [SIX], ipv6: true })).toEqual([]);
    expect(upstreams("29", {})).toEqual([]);
  });

  it("on loopback addresses are the host's, but in 20.10 with settings of the container's own", () => {
    expect(upstreams("20.10", { servers: ["127.0.0.53", FOUR] })).toEqual(["host 127.0.0.53", `container ${FOUR}`]);
    expect(upstreams("20.10", { servers: ["127.0.0.53"], dnsSearch: ["example.test"] })).toEqual(["container 127.0.0.53"]);
    expect(upstreams("29", { servers: ["127.0.0.53"], dnsSearch: ["example.test"] })).toEqual(["host 127.0.0.53"]);
  });

  it("do not include the resolver itself since 29, nor, without a way out, the host's", () => {
    expect(upstreams("29", { dns: ["127.0.0.11", FOUR] })).toEqual([`container ${FOUR}`]);
    expect(upstreams("20.10", { dns: ["127.0.0.11"] })).toEqual(["container 127.0.0.11"]);
    expect(upstreams("29", { servers: ["127.0.0.11"] })).toEqual(["host 127.0.0.11"]);
    expect(upstreams("29", { servers: [FOUR], internal: true })).toEqual([]);
    expect(upstreams("29", { dns: [FOUR], internal: true })).toEqual([`container ${FOUR}`]);
  });
});
