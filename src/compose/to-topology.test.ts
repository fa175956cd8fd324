import { describe, expect, it } from "vitest";
import { readDaemonFile } from "../model/daemon-file";
import { decide } from "../model/decide";
import { loadCompose } from "./load";
import { formatNotice } from "./notice";
import { toTopology, type ComposeTopology } from "./to-topology";

function topology(text: string): ComposeTopology {
  return toTopology(loadCompose({ file: "shop/compose.yaml", text }));
}

const messages = ({ notices }: ComposeTopology) => notices.map(formatNotice);

describe("a Compose project as a topology", () => {
  it("starts one container per replica, after those it depends on, on the default network", () => {
    const { spec } = topology(`
services:
  web: { image: nginx, depends_on: [api], deploy: { replicas: 2 } }
  api: { image: node }
`);
    expect(spec.name).toBe("shop");
    expect(spec.containers.map(({ name }) => name)).toEqual(["shop-api-1", "shop-web-1", "shop-web-2"]);
    expect(spec.networks.map(({ name, driver }) => [name, driver])).toEqual([["shop_default", "bridge"]]);
    expect(spec.containers[1]?.networks).toMatchObject([{ network: "shop_default", aliases: ["web"], gwPriority: 0 }]);
  });

  it("keeps what a network and an endpoint ask for", () => {
    const { spec } = topology(`
services:
  db:
    image: postgres
    hostname: database
    networks:
      back: { ipv4_address: 172.21.0.10, aliases: [store], mac_address: 02:42:ac:15:00:0a, gw_priority: 3, interface_name: data0 }
networks:
  back:
    internal: true
    driver_opts: { com.docker.network.driver.mtu: 1400 }
    ipam: { config: [{ subnet: 172.21.0.0/24, gateway: 172.21.0.254, ip_range: 172.21.0.0/25 }] }
`);
    expect(spec.networks[0]).toMatchObject({
      name: "shop_back",
      internal: true,
      options: { "com.docker.network.driver.mtu": "1400" },
      ipam: [{ subnet: "172.21.0.0/24", gateway: "172.21.0.254", ipRange: "172.21.0.0/25" }],
    });
    expect(spec.containers[0]).toMatchObject({
      hostname: "database",
      networks: [{ ipv4: "172.21.0.10", mac: "02:42:ac:15:00:0a", aliases: ["db", "store"], gwPriority: 3, interfaceName: "data0" }],
    });
  });

  it("creates only networks that are used, those outside of the project first", () => {
    const { spec } = topology(`
services: { web: { image: nginx, networks: [front, shared] } }
networks: { front: {}, unused: {}, shared: { external: true, name: lan } }
`);
    expect(spec.networks.map(({ name }) => name)).toEqual(["lan", "shop_front"]);
  });

  it("turns network modes into those of a container", () => {
    const { spec } = topology(`
services:
  vpn: { image: vpn }
  app: { image: app, network_mode: "service:vpn" }
  metrics: { image: metrics, network_mode: host, ports: ["9100:9100"] }
  job: { image: job, network_mode: none }
  old: { image: old, network_mode: bridge }
  host: { image: x, networks: [machine] }
networks: { machine: { external: true, name: host } }
`);
    const modes = Object.fromEntries(spec.containers.map(({ service, networkMode }) => [service, networkMode]));
    expect(modes).toEqual({ vpn: undefined, app: "container:shop-vpn-1", metrics: "host", job: "none", old: "bridge", host: "host" });
    expect(spec.containers.find(({ service }) => service === "metrics")?.publish).toEqual([]);
  });

  it("publishes and exposes ports, and keeps where they were written", () => {
    const { spec } = topology(`services: { web: { image: x, ports: ["127.0.0.1:8080-8081:80-81/tcp", "53/udp"], expose: [9000] } }`);
    const [first, second, third] = spec.containers[0]?.publish ?? [];
    expect(first).toMatchObject({ containerPort: 80, protocol: "tcp", hostPort: { from: 8080, to: 8080 }, hostIp: "127.0.0.1" });
    expect(second).toMatchObject({ containerPort: 81, hostPort: { from: 8081, to: 8081 } });
    expect(third).toMatchObject({ containerPort: 53, protocol: "udp" });
    expect(third).not.toHaveProperty("hostPort");
    expect(first?.position?.line).toBe(1);
    expect(spec.containers[0]?.expose).toEqual([{ from: 9000, to: 9000, protocol: "tcp" }]);
  });

  it("links every replica of a service, and reports a link out of the project", () => {
    const result = topology(`
services:
  web: { image: x, links: ["db:store"], external_links: [legacy] }
  db: { image: postgres, scale: 2 }
`);
    const web = result.spec.containers.find(({ service }) => service === "web");
    expect(web?.links).toMatchObject([{ container: "shop-db-1", alias: "store" }, { container: "shop-db-2", alias: "store" }]);
    expect(messages(result)).toContainEqual(expect.stringMatching(/"legacy" is no container of this project/));
  });

  it("merges links from the general to the special, property by property", () => {
    const { spec } = topology(`
services: { web: { image: x, networks: [front, back] }, db: { image: y, networks: [back] } }
networks: { front: {}, back: {} }
x-dockwire:
  links: { db: { delay: 2ms }, back: { loss: 0.5, delay: 1ms }, default: { rate: 1Gbit, delay: 50us, limit: 10 } }
`);
    const common = { rateBps: 1e9, delayNs: 50_000, limit: 10 };
    expect(spec.networks.map(({ link }) => link)).toEqual([common, { ...common, loss: 2 ** 31, delayNs: 1_000_000 }]);
    expect(spec.containers.map(({ service, networks }) => [service, networks[0]?.link])).toEqual([["web", undefined], ["db", { delayNs: 2_000_000 }]]);
  });

  it("takes traffic, seed and generation from x-dockwire, and options over them", () => {
    const project = loadCompose({
      file: "shop/compose.yaml",
      text: `
services: { web: { image: x }, db: { image: y } }
x-dockwire:
  seed: 7
  docker: "20.10"
  traffic:
    - { name: orders, from: web, to: db:5432, size: 256, response: 4k, clients: 4, think: 5ms }
    - { from: db, to: web:9000/udp, kind: poisson, rate: 2kpps, size: 64, count: 10, stop: 1s }
`,
    });
    const { spec } = toTopology(project);
    expect([spec.seed, spec.generation]).toEqual([7, "20.10"]);
    expect(spec.traffic).toMatchObject([
      { name: "orders", kind: "request", to: { host: "db", port: 5432, protocol: "tcp" }, sizeBytes: 256, responseBytes: 4096, clients: 4 },
      { name: "db-web", kind: "poisson", to: { protocol: "udp" }, rate: { perSecond: 2000 }, count: 10, stopNs: 1e9 },
    ]);
    expect(spec.traffic[0]).not.toHaveProperty("rate");
    const other = toTopology(project, { seed: 1, generation: "29" });
    expect([other.spec.seed, other.spec.generation]).toEqual([1, "29"]);
  });

  it("reports each key that it cannot follow, with its line", () => {
    const result = topology(`
services:
  web:
    image: x
    dns: 1.1.1.1
    sysctls: { net.ipv4.ip_forward: 1 }
    networks: { six: { ipv6_address: fd00::5 } }
  other: { image: y, dns: 8.8.8.8 }
networks:
  six: { driver: overlay, enable_ipv6: true, ipam: { config: [{ subnet: fd00::/64 }, { subnet: 172.22.0.0/16 }] } }
`);
    const found = messages(result);
    expect(found).toContain("shop/compose.yaml:5:10: services.web.dns: no DNS server is asked: names resolve as Docker's embedded one knows them");
    expect(found).toContainEqual(expect.stringMatching(/^shop\/compose.yaml:10:\d+: networks.six.driver: the driver "overlay" is simulated as a bridge/));
    expect(found.filter((message) => message.includes(".dns:"))).toHaveLength(1);
    expect(result.spec.networks[0]).toMatchObject({ ipv6: true });
    expect(result.spec.networks[0]?.ipam).toMatchObject([{ subnet: "fd00::/64" }, { subnet: "172.22.0.0/16" }]);
  });

  it("keeps macvlan and ipvlan as they are, on a host that has their parents", () => {
    const { spec } = topology(`
services:
  web: { image: x, networks: [wire, tagged] }
networks:
  wire: { driver: macvlan, driver_opts: { parent: eth0 }, ipam: { config: [{ subnet: 192.0.2.0/24, gateway: 192.0.2.1 }] } }
  tagged: { driver: ipvlan, driver_opts: { parent: eth1.20, ipvlan_mode: l3 }, ipam: { config: [{ subnet: 10.9.0.0/24 }] } }
`);
    expect(spec.networks.map(({ driver, options }) => [driver, options.parent])).toEqual([["macvlan", "eth0"], ["ipvlan", "eth1.20"]]);
    expect(spec.hosts[0]?.world?.uplinks.map(({ name }) => name)).toEqual(["eth0", "eth1"]);
  });
});

describe("the machine of a project", () => {
  const text = `services:
  web: { image: nginx, ports: ["8080:80"] }
x-dockwire:
  daemon: { bip: 10.90.0.1/24 }
  underlay: { ipv6: true, delay: 1ms }
  hosts:
    host1:
      daemon: { userland-proxy: false, default-address-pools: [{ base: 10.91.0.0/16, size: 24 }] }
      resolv_conf: { nameservers: [192.0.2.53] }
      routes: ["10.8.0.0/16 via 192.0.2.1"]
      listen: [22/tcp]
      rules: "-I DOCKER-USER -s 192.0.2.50 -j DROP"
    host2: { cpus: 4 }
`;

  it("has what x-dockwire says of it, in a world around it", () => {
    const { spec, notices } = toTopology(loadCompose({ file: "shop/compose.yaml", text }));
    expect(spec.hosts).toMatchObject([
      {
        name: "host1",
        daemon: { file: { "userland-proxy": false, "default-address-pools": [{ base: "10.91.0.0/16", size: 24 }] }, subject: "x-dockwire.hosts.host1.daemon" },
        rules: [{ text: "-I DOCKER-USER -s 192.0.2.50 -j DROP", file: "x-dockwire.hosts.host1.rules" }],
        world: {
          uplinks: [{ name: "eth0", addresses: ["192.0.2.11/24", "2001:db8:1::11/64"] }],
          resolvConf: { nameservers: ["192.0.2.53"], search: [], options: [] },
          routes: [{ via: "192.0.2.1" }, { destination: "10.8.0.0/16" }, { via: "2001:db8:1::1" }],
          listeners: [{ protocol: "tcp", port: 22 }],
        },
      },
    ]);
    expect(spec.swarm).toBeUndefined();
    expect(notices).toContainEqual(expect.objectContaining({ kind: "ignored", path: "x-dockwire.hosts.host2", message: "there is one machine, host1 (--nodes makes a swarm of several)" }));
    const { spec: swarm } = toTopology(loadCompose({ file: "shop/compose.yaml", text }), { nodes: 2 });
    expect(swarm.hosts.map(({ daemon, cpus }) => [daemon?.file.bip, daemon?.file["userland-proxy"], cpus])).toEqual([[undefined, false, 2], ["10.90.0.1/24", undefined, 4]]);
  });

  it.each([
    ["daemon: { icc: maybe }", 'f:3:3: x-dockwire.daemon.icc: expected true or false, found "maybe"'],
    ["daemon: { iccc: true }", "f:3:3: x-dockwire.daemon: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: iccc"],
    ["hosts: { host1: { routes: [10.8.0.0/16] } }", 'f:3:30: x-dockwire.hosts.host1.routes[0]: expected a route such as "10.8.0.0/16 via 192.0.2.1", "10.8.0.0/16 dev eth0" or "unreachable 10.9.0.0/16", found "10.8.0.0/16"'],
    ["hosts: { host1: { listen: [http] } }", 'f:3:30: x-dockwire.hosts.host1.listen[0]: expected "[address:]port[/tcp|/udp]", found "http"'],
    ["underlay: { ipv6: perhaps }", 'f:3:21: x-dockwire.underlay.ipv6: expected true or false, found "perhaps"'],
  ])("is refused with its place: %s", (line, sentence) => {
    const text = `services: { web: { image: nginx } }\nx-dockwire:\n  ${line}\n`;
    expect(() => decide(toTopology(loadCompose({ file: "f", text })).spec, { readDaemon: readDaemonFile })).toThrow(sentence);
  });
});
