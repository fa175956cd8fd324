import { describe, expect, it } from "vitest";
import { startHere } from "../../test/support/lab";
import type { Lab } from "../api/lab";
import { compile, layersFor } from "../api/spec";
import { loadCompose } from "./load";
import { formatNotice } from "./notice";
import { stackReader } from "./stack-file";
import { toTopology, type ComposeTopology } from "./to-topology";

const project = (text: string) => loadCompose({ file: "shop/stack.yaml", text });
const deployed = (text: string, nodes?: number): ComposeTopology => toTopology(project(text), nodes === undefined ? {} : { nodes });
const start = (text: string, nodes: number): Promise<Lab> =>
  startHere(async () => {
    const { spec } = deployed(text, nodes);
    return compile(spec, await layersFor(spec));
  });

const SHOP = `
services:
  web:
    image: nginx
    depends_on: [api]
    ports: ["8080:80", { target: 81, published: 8081, mode: host }]
    networks: [front, back]
    deploy:
      replicas: 2
      labels: { tier: front }
      update_config: { parallelism: 2, delay: 1s, order: start-first, failure_action: rollback, monitor: 3s, max_failure_ratio: 0.1 }
      rollback_config: { parallelism: 0 }
      restart_policy: { condition: on-failure, delay: 2s, max_attempts: 3, window: 60s }
      resources: { limits: { cpus: "0.5", memory: 64M, pids: 9 }, reservations: { cpus: 0.1 } }
  api:
    image: example/api:2
    expose: ["8000"]
    networks: { back: { aliases: [backend] } }
    deploy: { mode: global, endpoint_mode: dnsrr, placement: { constraints: [node.labels.zone == b], preferences: [{ spread: node.labels.zone }], max_replicas_per_node: 5 } }
networks:
  front:
  back: { internal: true, ipam: { config: [{ subnet: 10.77.0.0/24 }] } }
x-dockwire:
  underlay: { delay: 50us, mtu: 1600, path_mtu: 1500 }
  hosts: { host2: { labels: { zone: b } }, host3: { labels: { zone: b }, delay: 1ms, mtu: 1500, role: manager, availability: drain } }
`;

describe("a Compose file on a swarm", () => {
  it("becomes services of the swarm with all that deploy says", () => {
    const { spec } = deployed(SHOP, 3);
    expect(spec.swarm?.services[0]).toMatchObject({
      name: "shop_web", replicas: 2, endpointMode: "vip",
      ports: [{ target: 80, published: 8080, protocol: "tcp", mode: "ingress" }, { target: 81, published: 8081, protocol: "tcp", mode: "host" }],
      networks: [{ network: "shop_back", aliases: ["web"] }, { network: "shop_front", aliases: ["web"] }],
      labels: { tier: "front", "com.docker.stack.image": "nginx", "com.docker.stack.namespace": "shop" },
      update: { parallelism: 2, delay: 1e9, order: "start-first", failureAction: "rollback", monitor: 3e9, maxFailureRatio: 0.1 },
      rollback: { parallelism: 0 },
      restart: { condition: "on-failure", delay: 2e9, maxAttempts: 3, window: 60e9 },
      limits: { nanoCpus: 5e8, memoryBytes: 64 * 1024 ** 2, pids: 9 }, reservations: { nanoCpus: 1e8 },
    });
    expect(spec.swarm?.services[1]).toMatchObject({
      name: "shop_api", replicas: undefined, endpointMode: "dnsrr", networks: [{ network: "shop_back", aliases: ["backend", "api"] }],
      placement: { constraints: ["node.labels.zone == b"], preferences: ["node.labels.zone"], maxPerNode: 5 },
      container: { image: { name: "example/api:2" }, expose: [{ from: 8000, to: 8000, protocol: "tcp" }] },
    });
    expect(spec.swarm?.networks).toMatchObject([{ name: "shop_front", driver: "overlay" }, { name: "shop_back", driver: "overlay", internal: true, ipam: [{ subnet: "10.77.0.0/24" }] }]);
  });

  it("runs on machines as x-dockwire has them, and one more manager if it says so", () => {
    const { spec } = deployed(SHOP, 3);
    expect(spec.swarm?.nodes.map(({ host, role, labels, availability }) => [host, role, labels?.zone, availability])).toEqual([
      ["host1", "manager", undefined, undefined], ["host2", "worker", "b", undefined], ["host3", "manager", "b", "drain"],
    ]);
    expect(spec.hosts.map(({ world }) => world?.uplinks[0])).toMatchObject([{ addresses: ["192.0.2.11/24"], mtu: 1600, pathMtu: 1500 }, { mtu: 1600 }, { mtu: 1500, link: { delayNs: 1e6 } }]);
    expect(spec.underlay?.segments[0]?.link).toEqual({ delayNs: 50e3 });
    expect(spec.traffic.map(({ from, to }) => [from, to.host, to.port])).toEqual([["shop_web", "api", 8000]]);
  });

  it("is what x-dockwire.nodes asks for, too, and --nodes wins", () => {
    const text = `${SHOP.replace("host3: {", "host2b: {").replace(/, host2b.*$/m, " }")}  nodes: 2\n`;
    expect([deployed(text), deployed(text, 4)].map(({ spec }) => spec.hosts.length)).toEqual([2, 4]);
    expect(deployed(text.replace("  nodes: 2\n", "")).spec.swarm).toBeUndefined();
  });

  it("sends what it says over the overlays, and publishes on every node", async () => {
    const lab = await start(SHOP.replace(/^ {2}hosts:.*$/m, "  hosts: { host2: { labels: { zone: b } } }"), 2);
    expect(lab.describe().containers.map(({ name, host }) => `${name.split(".")[0]} ${host}`).sort()).toEqual(["shop_api host2", "shop_web host1", "shop_web host2"]);
    expect(await lab.reach("shop_web.1", "api:8000")).toMatchObject({ result: "ok", server: "shop_api.host2" });
    expect(await lab.reach("shop_web.1", "nobody:80")).toMatchObject({ result: "unresolvable" });
    const { traffic } = await lab.run({ for: "100ms" });
    expect(traffic.map(({ from, sent, answered }) => [from, sent > 0, sent - answered <= 1]).sort()).toEqual([["shop_web.1", true, true], ["shop_web.2", true, true]]);
  });

  it("is deployed by docker stack deploy in a lab that runs", async () => {
    const lab = await start("services: { seed: { image: x, deploy: { replicas: 0 } } }", 2);
    const stdin = "version: '3.8'\nservices: { web: { image: nginx, ports: ['8080:80'], deploy: { replicas: 2 } } }\n";
    const stderr = "Since --detach=false was not specified, tasks will be created in the background.\nIn a future release, --detach=false will become the default.\n";
    expect(await lab.docker("stack deploy -c - app", { stdin, stacks: stackReader })).toEqual({ exit: 0, stdout: "Creating network app_default\nCreating service app_web\n", stderr });
    expect((await lab.docker("stack services app --format '{{.Name}} {{.Replicas}} {{.Ports}}'")).stdout).toBe("app_web 2/2 *:8080->80/tcp\n");
    expect(await lab.reach("app_web.1", "tasks.web:80")).toMatchObject({ result: "ok" });
    expect((await lab.docker("stack rm app")).stdout).toBe("Removing service app_web\nRemoving network app_default\n");
    await expect(lab.docker("stack deploy -c - app", { stdin })).rejects.toThrow("expected a reader of Compose files");
  });

  it.each([
    ["services: { web: { image: nginx, deploy: { mode: both } } }", 'shop/stack.yaml:1:50: service web: Unknown mode: both'],
    ["services: { web: { image: nginx, deploy: { mode: global, replicas: 2 } } }", "shop/stack.yaml:1:68: service web: replicas can only be used with replicated mode"],
    ["services: { web: { image: nginx, deploy: { restart_policy: { condition: often } } } }", 'shop/stack.yaml:1:73: services.web.deploy.restart_policy.condition: expected "none", "on-failure" or "any", found "often"'],
    ["services: { web: { image: nginx, deploy: { endpoint_mode: both } } }", 'shop/stack.yaml:1:59: services.web.deploy.endpoint_mode: expected "vip" or "dnsrr", found "both"'],
    ["services: { web: { image: nginx } }\nx-dockwire: { hosts: { host3: { mtu: 1400 } } }", 'shop/stack.yaml:2:24: x-dockwire.hosts.host3: expected one of host1 to host2, found "host3"'],
    ["services: { web: { image: nginx } }\nx-dockwire: { hosts: { db: { mtu: 1400 } } }", 'shop/stack.yaml:2:24: x-dockwire.hosts.db: expected host1, host2 and so on, found "db"'],
    ["services: { web: { image: nginx } }\nx-dockwire: { hosts: { host1: { role: worker } } }", "shop/stack.yaml:2:24: x-dockwire.hosts.host1: expected a manager as the first node, found a worker"],
    ["services: { web: { image: nginx, ports: ['8000-8001:80'] } }", "shop/stack.yaml:1:42: expected one published port for each port of a service's tasks, found a range"],
  ])("%s is refused with its place", (text, sentence) => {
    expect(() => deployed(text, 2)).toThrow(sentence);
  });

  it.each([
    ["services: { web: { image: nginx, ports: ['80:80'] }, api: { image: x, ports: ['80:81'] } }", /^shop\/stack.yaml:1:54: service shop_api: rpc error: code = InvalidArgument desc = port '80' is already in use by service 'shop_web' \([0-9a-z]{25}\) as an ingress port$/],
    ["services: { web: { image: nginx, deploy: { placement: { constraints: [bad] } } } }", /^shop\/stack.yaml:1:13: service shop_web: rpc error: code = Unknown desc = constraint expected one operator from ==, !=$/],
    ["services: { web: { image: nginx, ports: ['80:80'], deploy: { endpoint_mode: dnsrr } } }", /^shop\/stack.yaml:1:13: .*port published with ingress mode can't be used with dnsrr mode$/],
  ])("%s is refused by the managers, with its place", async (text, sentence) => {
    await expect(start(text, 2)).rejects.toThrow(sentence);
  });

  it("refuses networks that only one machine has, as Docker does, at their driver", () => {
    const text = "services:\n  web: { image: nginx, networks: [back] }\nnetworks:\n  back:\n    driver: bridge\n";
    expect(() => deployed(text, 3)).toThrow(/^shop\/stack\.yaml:5:13: networks\.back\.driver: The network shop_back cannot be used with services\. Only networks scoped to the swarm can be used/);
    expect(deployed(text).spec.networks[0]?.driver).toBe("bridge");
    expect(deployed(text.replace("bridge", "overlay"), 3).spec.swarm?.networks[0]?.driver).toBe("overlay");
  });

  it("names what docker stack deploy ignores, with its line", () => {
    const { notices } = deployed("services:\n  web:\n    image: nginx\n    build: .\n    network_mode: host\n    restart: always\n", 2);
    expect(notices.map(formatNotice)).toEqual([
      "shop/stack.yaml:1:1: services: none of them talks to another one or publishes a port: x-dockwire.traffic can say who sends what",
      "shop/stack.yaml:4:12: services.web.build: docker stack deploy ignores it",
      "shop/stack.yaml:5:19: services.web.network_mode: docker stack deploy ignores it",
      "shop/stack.yaml:6:14: services.web.restart: docker stack deploy ignores it",
    ]);
  });

  it("hands on variables without a value by their names, and modes of files in octal", () => {
    const [service] = stackReader("version: '3.8'\nservices: {web: {image: x, environment: {A: '1', B: }, configs: [{source: c, mode: 0400}]}}\nconfigs: {c: {external: true}}\n", "app").services();
    expect(service?.container.env).toEqual(["A=1", "B"]);
    expect(service?.configs).toMatchObject([{ name: "c", mode: 0o400 }]);
  });

  it("refuses what the format does not have in the words of the client", () => {
    expect(() => stackReader("version: '3.8'\nnosuch: 1\nservices: {web: {image: x}}\n", "app")).toThrow("(root) Additional property nosuch is not allowed");
    expect(() => stackReader("version: '3.99'\nservices: {web: {image: x}}\n", "app", "29")).toThrow("unsupported Compose file version: 3.99");
    expect(() => stackReader("version: '3'\nservices: [a]\n", "app")).toThrow(/^services must be a mapping$/);
    expect(() => stackReader("version: '3'\nservices: {web: {image: x, ports: ['80', 'x:80']}}\n", "app")).toThrow(/^services\.web\.ports\.1 Does not match format 'ports'$/);
    const withoutImage = "version: '3'\nservices: {web: {networks: [a]}}\nnetworks: {a: }\n";
    expect(() => stackReader(withoutImage, "app", "29")).toThrow(/^invalid image reference for service web: no image specified$/);
    expect(stackReader(withoutImage, "app", "20.10").serviceNames).toEqual(["app_web"]);
  });
});
