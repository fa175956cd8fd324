/** What callers may write, and what those hear of who write it without types. */
import { describe, expect, it } from "vitest";
import { docker, swarm } from "../../test/support/docker";

const loose = docker("shop").network("back") as unknown as Record<string, (...args: unknown[]) => { compile(): unknown }>;
const nodes = swarm("prod").node("m1") as unknown as Record<string, (...args: unknown[]) => unknown>;

describe("options", () => {
  it("take one thing where several may be", () => {
    const { containers } = docker("shop").network("back").container("web", { networks: "back", publish: "8080:80", expose: "9000" }).container("api", { links: "web" }).spec;
    expect(containers[0]).toMatchObject({ networks: [{ network: "back" }], publish: [{ containerPort: 80 }], expose: [{ from: 9000 }] });
    expect(containers[1]?.links).toEqual([{ container: "web", alias: "web" }]);
    const [service] = swarm("prod").node("m1").overlay("back").service("web", { networks: "back", publish: "8080:80" }).spec.swarm?.services ?? [];
    expect(service).toMatchObject({ networks: [{ network: "back" }], ports: [{ target: 80, published: 8080 }] });
  });

  it.each([
    ["a container's", () => loose.container!("web", { network: ["back"] }), 'containers.web: there is no option "network"'],
    ["an endpoint's", () => loose.container!("web", { networks: { back: { ip: "172.18.0.9" } } }), 'containers.web.networks.back: there is no option "ip"'],
    ["a network's", () => loose.network!("front", { subnets: ["10.0.0.0/24"] }), 'networks.front: there is no option "subnets"'],
    ["a cable's", () => loose.network!("front", { link: { latency: "5ms" } }), 'networks.front.link: there is no option "latency"'],
    ["the underlay's", () => loose.underlay!({ ip6: true }), 'underlay: there is no option "ip6"'],
    ["a host's", () => loose.host!("h1", { ip: "192.0.2.11/24" }), 'host h1: there is no option "ip"'],
    ["a daemon's", () => docker("shop", { version: "29" } as object), 'options: there is no option "version"'],
    ["a service's", () => nodes.service!("web", { ports: ["8080:80"] }), 'services.web: there is no option "ports"'],
    ["a node's", () => nodes.node!("w1", { roles: "worker" }), 'host w1: there is no option "roles"'],
    ["a request's", () => (docker("shop").container("web").traffic("t", "web").to("web:80/tcp") as unknown as typeof loose).request!({ client: 4 }), 'request: there is no option "client"'],
  ])("that are none are refused: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
