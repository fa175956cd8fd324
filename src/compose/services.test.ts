import { describe, expect, it } from "vitest";
import { SimulationError } from "../errors";
import { loadCompose, type LoadOptions } from "./load";
import { endpointAliases, type ComposeService } from "./project";

const load = (text: string, options: LoadOptions = {}) => loadCompose({ file: "f", text }, { projectName: "p", ...options });

/** The service `web` with these properties, beside services `db` and `cache` and networks `front` and `back`. */
function web(properties: string, options: LoadOptions = {}): ComposeService {
  const project = load(`services:\n  web:\n    image: a\n    ${properties}\n  db: {image: b}\n  cache: {image: c}\nnetworks: {front: , back: }`, options);
  const service = project.services.find(({ name }) => name === "web");
  if (!service) throw new Error("expected a service web");
  return service;
}

/** The message of what `act` throws. */
function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof SimulationError ? error.message : String(error);
  }
  return "nothing was thrown";
}

describe("networks of a service", () => {
  const joined = (properties: string) => web(properties).networks.map((attachment) => attachment.network);

  it("are default when none is named", () => {
    expect(joined("hostname: h")).toEqual(["default"]);
    expect(joined("networks: []")).toEqual(["default"]);
    expect(joined("networks: {}")).toEqual(["default"]);
    expect(joined("network_mode: none")).toEqual([]);
  });

  it("come in Compose's order: priority, then name", () => {
    expect(joined("networks: [front, back]")).toEqual(["back", "front"]);
    expect(joined("networks: {back: , front: {priority: 1}}")).toEqual(["front", "back"]);
  });

  it("keep everything that the long form says", () => {
    const [front] = web(
      "networks: {front: {aliases: [www, www, x], ipv4_address: 10.0.0.5, ipv6_address: 'FD00::05', link_local_ips: [169.254.0.1], " +
        "mac_address: 02-42-AC-14-00-05, driver_opts: {k: 1}, priority: 3, gw_priority: -2, interface_name: eth7}}",
    ).networks;
    expect(front).toEqual({
      network: "front", place: { path: "services.web.networks.front", position: { file: "f", line: 4, column: 16 } },
      aliases: ["www", "x"], ipv4Address: "10.0.0.5", ipv6Address: "fd00::5", linkLocalIps: ["169.254.0.1"],
      macAddress: "02:42:ac:14:00:05", driverOptions: { k: "1" }, priority: 3, gatewayPriority: -2, interfaceName: "eth7",
    });
  });

  it("give the service's own MAC address to the primary one", () => {
    const service = web("mac_address: '02:42:00:00:00:01'\n    networks: {front: {priority: 1}, back: }");
    expect(service.networks.map((attachment) => attachment.macAddress)).toEqual(["02:42:00:00:00:01", undefined]);
  });

  it("answer to the names of the container, the service and the aliases", () => {
    const service = web("scale: 2\n    networks: {front: {aliases: [www, web]}}");
    const names = service.containers.map((container) => service.networks.map((attachment) => endpointAliases(service, container, attachment)));
    expect(names).toEqual([[["p-web-1", "web", "www"]], [["p-web-2", "web", "www"]]]);
  });
});

describe("network_mode", () => {
  it.each([
    ["bridge", { kind: "bridge" }],
    ["default", { kind: "bridge" }],
    ["host", { kind: "host" }],
    ["none", { kind: "none" }],
    ["service:db", { kind: "service", service: "db" }],
    ["container:x", { kind: "container", container: "x" }],
    ["mynet", { kind: "network", network: "mynet" }],
  ])("may be %s", (text, mode) => {
    expect(web(`network_mode: ${text}`)).toMatchObject({ networkMode: mode, networks: [] });
  });

  it("implies a dependency on the service whose network is shared", () => {
    expect(web("network_mode: service:db").dependsOn).toMatchObject([{ service: "db", by: "network_mode", restart: true }]);
  });
});

describe("dependencies", () => {
  it("of the short form wait for the start", () => {
    expect(web("depends_on: [db]").dependsOn).toMatchObject([
      { service: "db", condition: "service_started", restart: false, required: true, by: "depends_on", place: { position: { line: 4, column: 18 } } },
    ]);
  });

  it("of the long form say what they wait for", () => {
    expect(web("depends_on: {db: {condition: service_healthy, restart: true, required: false}}").dependsOn).toMatchObject([
      { service: "db", condition: "service_healthy", restart: true, required: false },
    ]);
  });

  it("follow from links and shared volumes", () => {
    expect(web("links: [db:database]\n    volumes_from: ['cache:ro', 'container:x']").dependsOn).toMatchObject([
      { service: "db", by: "links" }, { service: "cache", by: "volumes_from" },
    ]);
  });

  it("are left out when optional and disabled", () => {
    const text = "services: {web: {image: a, depends_on: {x: {condition: service_started, required: false}}}, x: {image: b, profiles: [p]}}";
    expect(load(text).services[0]?.dependsOn).toEqual([]);
    expect(load(text, { profiles: ["p"] }).services[0]?.dependsOn).toHaveLength(1);
  });

  it("set the order of start, otherwise that of the text", () => {
    const project = load("services: {a: {image: a, depends_on: [c]}, b: {image: b}, c: {image: c, depends_on: [d]}, d: {image: d}}");
    expect(project.startOrder).toEqual(["d", "c", "a", "b"]);
  });
});

it("reads everything else that concerns the network and the start", () => {
  const service = web([
    "hostname: h", "domainname: d.example", "links: [db, 'cache:c']", "external_links: ['x:y', z]",
    "extra_hosts: ['a:10.0.0.1', 'b=::1', 'c:[fd00::1],10.0.0.2', 'a=10.0.0.3', 'gw:host-gateway']",
    "dns: 1.1.1.1", "dns_search: [a.example, b.example]", "dns_opt: ['ndots:1']", "cap_add: [NET_ADMIN, NET_ADMIN]", "cap_drop: [ALL]",
    "privileged: true", "sysctls: [net.ipv4.ip_forward=1, net.core.somaxconn=2]", "expose: [3000]",
    "environment: [A=1, B, C=x=y, D]", "env_file: [a.env, {path: b.env, required: false}]", "restart: always", "attach: false",
    "labels: {a: 1, b: true, c: }",
  ].join("\n    "), { env: { B: "from-env" } });
  expect(service).toMatchObject({
    hostname: "h", domainname: "d.example",
    links: [{ service: "db", alias: "db" }, { service: "cache", alias: "c" }],
    externalLinks: [{ container: "x", alias: "y" }, { container: "z", alias: "z" }],
    extraHosts: [
      { host: "a", addresses: ["10.0.0.1", "10.0.0.3"] }, { host: "b", addresses: ["::1"] }, { host: "c", addresses: ["fd00::1", "10.0.0.2"] },
      { host: "gw", addresses: ["host-gateway"] },
    ],
    dns: ["1.1.1.1"], dnsSearch: ["a.example", "b.example"], dnsOptions: ["ndots:1"], capAdd: ["NET_ADMIN"], capDrop: ["ALL"], privileged: true,
    sysctls: { "net.ipv4.ip_forward": "1", "net.core.somaxconn": "2" }, expose: [{ from: 3000, to: 3000, protocol: "tcp" }],
    environment: { A: "1", B: "from-env", C: "x=y", D: null },
    envFiles: [{ path: "a.env", required: true }, { path: "b.env", required: false }], restart: "always", attach: false,
    labels: { a: "1", b: "true", c: "" },
  });
  expect(web("extra_hosts: {a: 10.0.0.1, b: [10.0.0.2, '::1']}").extraHosts).toMatchObject([
    { host: "a", addresses: ["10.0.0.1"] }, { host: "b", addresses: ["10.0.0.2", "::1"] },
  ]);
});

it("reads deploy, which also sets the number of replicas", () => {
  const service = web(
    "deploy: {mode: replicated, replicas: '2', endpoint_mode: dnsrr, labels: [a=b], placement: {constraints: [x], preferences: [{spread: y}], " +
      "max_replicas_per_node: 1}, update_config: {parallelism: 1, delay: 1m30s, order: start-first}}",
  );
  expect(service.containers.map(({ name }) => name)).toEqual(["p-web-1", "p-web-2"]);
  expect(service.deploy).toMatchObject({
    mode: "replicated", replicas: 2, endpointMode: "dnsrr", labels: { a: "b" }, placement: { constraints: ["x"], spread: ["y"], maxReplicasPerNode: 1 },
    updateConfig: {
      parallelism: 1, delayNs: 90e9, monitorNs: undefined, failureAction: undefined, maxFailureRatio: undefined, order: "start-first",
    },
  });
  expect(web("deploy: {replicas: 0}").containers).toEqual([]);
  expect(web("container_name: the.web").containers).toEqual([{ name: "the.web", index: 1 }]);
  expect(web("deploy:").containers).toHaveLength(1);
});

describe("mistakes", () => {
  it.each([
    ["networks: [bakc]", `f:4:16: service "web" refers to undefined network "bakc", did you mean "back"?`],
    ["networks: {nowhere: }", `f:4:16: service "web" refers to undefined network "nowhere"`],
    ["networks: [front, front]", `f:4:23: services.web.networks[1]: expected every item once, found "front" also as item 0`],
    ["network_mode: host\n    networks: [front]", "f:5:5: service web declares mutually exclusive `network_mode` and `networks`"],
    ["network_mode: service:bd", `f:4:19: service "bd" not found for network_mode 'service:bd', did you mean "db"?`],
    ["network_mode: 'x:y'", `f:4:19: services.web.network_mode: expected "bridge", "host", "none", "service:NAME", "container:NAME" or the name of a network, found "x:y"`],
    ["network_mode: service:db\n    ports: ['80']", "f:5:5: conflicting options: port publishing and the container type network mode"],
    ["depends_on: [dbb]", `f:4:18: service "web" depends on undefined service "dbb", did you mean "db"?`],
    ["depends_on: [web]", "f:4:18: dependency cycle detected: web -> web"],
    ["depends_on: {db: {condition: started}}", `f:4:34: services.web.depends_on.db.condition: expected "service_started", "service_healthy" or "service_completed_successfully", found "started"`],
    ["depends_on: {db: }", "f:4:18: services.web.depends_on.db: expected a mapping, found nothing"],
    ["links: [nowhere]", `f:4:13: service "web" depends on undefined service "nowhere"`],
    ["links: ['db:a:b']", `f:4:13: services.web.links[0]: expected "name" or "name:alias", found "db:a:b"`],
    ["scale: -1", "f:4:12: services.web.scale: expected an integer of at least 0, found -1"],
    ["scale: 2\n    deploy: {replicas: 3}", "f:5:24: services.web: can't set distinct values on 'scale' and 'deploy.replicas'"],
    ["scale: 2\n    container_name: x1", "f:5:21: services.web: can't set container_name and scale as container name must be unique"],
    ["container_name: -x", `f:4:21: services.web.container_name: expected letters, digits, and after the first any of "_.-", found "-x"`],
    ["container_name: p-db-1", `f:5:3: the container name "p-db-1" of service "db" is already in use by service "web"`],
    ["mac_address: 02:42", `f:4:18: services.web.mac_address: expected a MAC address such as "02:42:ac:14:00:05", found "02:42"`],
    ["mac_address: 02:42:00:00:00:01\n    networks: {back: {mac_address: 02:42:00:00:00:02}}", "f:4:18: the service-level mac_address should have the same value as network back"],
    ["networks: {back: {ipv4_address: 10.0.0}}", `f:4:37: services.web.networks.back.ipv4_address: expected an IPv4 address such as "172.20.0.5", found "10.0.0"`],
    ["networks: {back: {priority: high}}", `f:4:33: services.web.networks.back.priority: expected a number, found "high"`],
    ["networks: {back: {alias: [x]}}", `f:4:23: services.web.networks.back: additional property "alias" is not allowed, did you mean "aliases"?`],
    ["extra_hosts: [a]", `f:4:19: services.web.extra_hosts[0]: expected "host=address" or "host:address", found "a"`],
    ["extra_hosts: {a: localhost}", `f:4:22: services.web.extra_hosts.a: expected an IP address or "host-gateway", found "localhost"`],
    ["dns: [1.1.1]", `f:4:11: services.web.dns[0]: expected an IPv4 or IPv6 address, found "1.1.1"`],
    ["privileged: maybe", `f:4:17: services.web.privileged: expected true or false, found "maybe"`],
    ["deploy: {update_config: {delay: 10}}", "f:4:37: services.web.deploy.update_config.delay: expected a string, found 10"],
    ["deploy: {update_config: {delay: soon}}", `f:4:37: services.web.deploy.update_config.delay: expected a duration such as "50us", "1.5s" or "1m30s", found "soon"`],
    ["deploy: {endpoint_mode: dns}", `f:4:29: services.web.deploy.endpoint_mode: expected "vip" or "dnsrr", found "dns"`],
    ["prots: ['80']", `f:4:5: services.web: additional property "prots" is not allowed, did you mean "ports"?`],
    ["ports: '80'", `f:4:12: services.web.ports: expected a list, found "80"`],
    ["ports:", "f:4:5: services.web.ports: expected a list, found nothing"],
    ["ports: [{taget: 80}]", `f:4:14: services.web.ports[0]: additional property "taget" is not allowed, did you mean "target"?`],
    ["hostname: 5", "f:4:15: services.web.hostname: expected a string, found 5"],
    ["healthcheck: {intervall: 5s}", `f:4:19: services.web.healthcheck: additional property "intervall" is not allowed, did you mean "interval"?`],
    ["volumes: [{type: bnid}]", `f:4:22: services.web.volumes[0].type: expected "bind", "volume", "tmpfs", "cluster", "npipe" or "image", found "bnid"`],
    ["environment: [A: 1]", "f:4:19: services.web.environment[0]: expected a string, found a mapping"],
  ])("in %j is named with its place", (properties, message) => {
    expect(messageOf(() => web(properties))).toBe(message);
  });

  it("in a circle of dependencies is named where it closes", () => {
    expect(() => load("services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, links: [c]}\n  c: {image: c, depends_on: [b]}")).toThrow(
      "f:4:30: dependency cycle detected: b -> c -> b",
    );
  });

  it("tells a dependency that is disabled from one that does not exist", () => {
    expect(() => load("services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, profiles: [x, y]}")).toThrow(
      `f:2:30: service "a" depends on undefined service "b", its profiles (x, y) are not enabled`,
    );
  });

  it.each([
    ["servces: {}", `f:1:1: additional property "servces" is not allowed, did you mean "services"?`],
    ["services:", "f:1:1: services: expected a mapping, found nothing"],
    ["services: {web: }", "f:1:12: services.web: expected a mapping, found nothing"],
    ["services: {web: [a]}", "f:1:12: services.web: expected a mapping, found a list"],
    ["services: {'a b': {image: x}}", `f:1:12: services: additional property "a b" is not allowed`],
    ["version: 3.8\nservices: {}", "f:1:10: version: expected a string, found 3.8"],
    ["- a", "f:1:1: expected a mapping at the top level, found a list"],
    ["text", `f:1:1: expected a mapping at the top level, found "text"`],
    ["# nothing", "f:1:1: expected a description with services, found an empty one"],
    ["{}", "f:1:1: expected a description with services, found an empty one"],
    ["services: {web: {image: a}}\nsecrets: {s: {fil: x}}", `f:2:15: secrets.s: additional property "fil" is not allowed, did you mean "file"?`],
  ])("at the top level in %j is named with its place", (text, message) => {
    expect(messageOf(() => load(text))).toBe(message);
  });
});
