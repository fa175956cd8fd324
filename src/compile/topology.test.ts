import { describe, expect, it } from "vitest";
import { BRIDGE_NF_IPV4, BRIDGE_NF_IPV6, DeviceKind, RouteType } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import { docker, fromSpec, refusalOf } from "../../test/support/docker";
import { formatIpv4 } from "../net/ip";

const shop = docker("shop", { docker: "20.10", cpus: 3 })
  .network("front", { link: { delay: "1ms", loss: "1%" } })
  .network("back")
  .container("web", { networks: { front: { link: { delay: "5ms", limit: 10 } }, back: {} } })
  .container("db", { networks: ["back"] })
  .container("side", { networkMode: "container:db" })
  .compile();
const { program, devices } = shop;
const device = (name: string) => program.devices[devices.get(name) ?? NONE];

describe("a compiled network", () => {
  it("has a namespace per host and sandbox, and devices with names for people", () => {
    expect(program.names.namespaces).toEqual(["host1", "web", "db"]);
    expect(program.hosts).toEqual([{ cpus: 3, backlog: 1000 }]);
    expect(program.names.devices.filter((name) => !name.includes("veth"))).toEqual([
      "host1:lo", "host1:docker0", "host1:br-front", "host1:br-back", "web:lo", "web:eth0", "web:eth1", "db:lo", "db:eth0",
    ]);
    expect(program.namespaces).toEqual([3, 0, 0].map((bridgeNf) => ({ host: 0, forwarding: 1, ttl: 64, bridgeNf })));
  });

  it("lets bridged packets meet iptables where the daemon needs it, and always under a daemon that loads br_netfilter", () => {
    const bridgeNf = (topology: { compile(): { readonly program: { readonly namespaces: readonly { readonly bridgeNf: number }[] } } }) => topology.compile().program.namespaces[0]?.bridgeNf;
    const icc = (value: string) => ({ options: { "com.docker.network.bridge.enable_icc": value } });
    expect(bridgeNf(docker("x").network("n", icc("true")))).toBe(0);
    expect(bridgeNf(docker("x").network("n", icc("false")))).toBe(BRIDGE_NF_IPV4 | BRIDGE_NF_IPV6);
    expect(bridgeNf(docker("x", { docker: "20.10" }))).toBe(BRIDGE_NF_IPV4 | BRIDGE_NF_IPV6);
  });

  it("is the same for the same description", () => {
    expect(JSON.stringify(docker("x").container("web").compile().program)).toBe(JSON.stringify(docker("x").container("web").compile().program));
  });

  it("cables each interface to a port of its bridge", () => {
    const eth0 = device("web:eth0");
    const port = program.devices[eth0?.peer ?? NONE];
    expect(eth0).toMatchObject({ kind: DeviceKind.Veth, namespace: 1, master: NONE, macHigh: 0x0242, macLow: 0xac130002, mtu: 1500 });
    expect(port).toMatchObject({ kind: DeviceKind.Veth, namespace: 0, master: devices.get("host1:br-back"), peer: devices.get("web:eth0") });
  });

  it("shapes both directions of a cable, the endpoint's properties before the network's", () => {
    const eth1 = device("web:eth1");
    const port = program.devices[eth1?.peer ?? NONE];
    expect(eth1?.link).not.toBe(port?.link);
    for (const link of [eth1?.link, port?.link]) expect(program.links[link ?? NONE]).toMatchObject({ delayNs: 5_000_000, loss: 42_949_673, limit: 10 });
    expect([device("web:eth0")?.link, device("db:eth0")?.link]).toEqual([NONE, NONE]);
    expect(program.links).toHaveLength(2);
  });

  it("has the kernel's routes for each address", () => {
    const routes = program.routes.filter(({ namespace }) => namespace === 2);
    expect(routes.map(({ type, destination, prefix, gateway }) => `${RouteType[type]} ${formatIpv4(destination)}/${prefix} ${formatIpv4(gateway)}`)).toEqual([
      "Local 127.0.0.0/8 0.0.0.0",
      "Local 127.0.0.1/32 0.0.0.0",
      "Broadcast 127.255.255.255/32 0.0.0.0",
      "Unicast 172.19.0.0/16 0.0.0.0",
      "Local 172.19.0.3/32 0.0.0.0",
      "Broadcast 172.19.255.255/32 0.0.0.0",
      "Unicast 0.0.0.0/0 172.19.0.1",
    ]);
  });

  it("has no broadcast route in a /31", () => {
    const { program: tiny } = docker("x").network("p2p", { subnet: "10.0.0.0/31" }).compile();
    expect(tiny.routes.filter(({ destination }) => destination >>> 1 === 0x0a000000 >>> 1).map(({ type }) => RouteType[type])).toEqual(["Unicast", "Local"]);
  });

  it.each([
    ["20.10", 1500],
    ["29", 9000],
  ] as const)("gives a bridge of %s the smallest MTU of its ports, and %i without ports", (generation, idle) => {
    const described = docker("x", { docker: generation }).network("big", { mtu: 9000 }).network("idle", { mtu: 9000 }).container("web", { networks: ["big"] });
    const { program: jumbo, devices: index } = described.compile();
    const mtu = (name: string) => jumbo.devices[index.get(name) ?? NONE]?.mtu;
    expect([mtu("host1:br-big"), mtu("host1:br-idle"), mtu("web:eth0"), mtu("web:lo")]).toEqual([9000, idle, 9000, 65536]);
    expect(jumbo.capacity.frameBytes).toBe(9014);
  });

  it("has room for itself and for what comes later", () => {
    const { capacity } = program;
    expect(capacity).toMatchObject({ frameBytes: 1514, flows: 256, sockets: 512, connections: 1024 });
    expect(capacity.packets).toBeGreaterThanOrEqual(4096);
    expect(capacity.events).toBeGreaterThanOrEqual(capacity.packets + 2 * capacity.flows + 3 * capacity.connections + capacity.neighbours);
  });
});

describe("a description", () => {
  it("needs a host with a name of its own", () => {
    expect(refusalOf(() => docker("x").container("host1").compile())).toBe("CONFLICT: container host1: the host has the same name");
    const { spec } = docker("x").container("web");
    const [host] = spec.hosts;
    expect(refusalOf(() => fromSpec({ ...spec, hosts: [] }).compile())).toBe("INVALID_INPUT: hosts: expected at least one host, found none");
    expect(refusalOf(() => fromSpec({ ...spec, hosts: [{ ...host!, name: "host2" }] }).compile())).toBe('NOT_FOUND: container web: no host is called "host1"');
  });
});

describe("what reports print", () => {
  it("names networks, addresses, interfaces and ports", () => {
    const description = docker("shop", { docker: "20.10" })
      .network("back", { subnet: "10.9.0.0/24" })
      .container("db", { networks: { back: { aliases: ["postgres"] } }, publish: ["5432:5432"] })
      .compile()
      .describe();
    expect(description).toMatchObject({ name: "shop", generation: "20.10", hosts: [{ name: "host1", cpus: 2 }], flows: [] });
    expect(description.networks.map(({ name, subnet, gateway, device: bridge }) => [name, subnet, gateway, bridge])).toEqual([
      ["bridge", "172.17.0.0/16", "172.17.0.1", "host1:docker0"],
      ["back", "10.9.0.0/24", "10.9.0.1", "host1:br-back"],
    ]);
    expect(description.containers[0]).toMatchObject({
      name: "db",
      networkMode: "networks",
      networks: [{ network: "back", ipv4: "10.9.0.2", prefixLength: 24, mac: "02:42:0a:09:00:02", gateway: "10.9.0.1", device: "db:eth0", isDefaultRoute: true }],
      ports: [
        { hostIp: "0.0.0.0", hostPort: 5432, containerPort: 5432, protocol: "tcp" },
        { hostIp: "::", hostPort: 5432, containerPort: 5432, protocol: "tcp" },
      ],
    });
  });
});
