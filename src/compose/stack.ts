import type { NetworkSpec, SwarmServiceSpec } from "../api/spec";
import { type Place, placed } from "./node";
import { implicitDefault } from "./networks";
import type { Notices } from "./notice";
import type { ComposeNetwork, ComposeProject, ComposeService, PublishedPort, ResourceAmounts, UpdateRules } from "./project";

/** docker/cli cli/compose/convert/compose.go: LabelNamespace; service.go: LabelImage. */
const NAMESPACE_LABEL = "com.docker.stack.namespace";
const IMAGE_LABEL = "com.docker.stack.image";

/** What `docker stack deploy` would make. */
export interface Stack {
  readonly networks: readonly NetworkSpec[];
  /** By the names that networks have in the swarm. */
  readonly services: readonly SwarmServiceSpec[];
}

/** Keys that a swarm does not follow (docker/cli cli/compose/types: UnsupportedProperties, DeprecatedProperties). */
const IGNORED = [
  "build", "cgroup_parent", "container_name", "devices", "domainname", "expose", "external_links", "ipc", "links", "mac_address", "network_mode", "pid", "privileged", "restart", "scale",
  "security_opt", "shm_size", "userns_mode",
] as const;

/** Of these, those that it calls deprecated. */
const DEPRECATED: readonly string[] = ["container_name", "expose"];

/** Keys of a network of a service that are about one container, which a task is not. */
const IGNORED_ON_NETWORKS = ["ipv4_address", "ipv6_address", "mac_address", "link_local_ips", "gw_priority", "interface_name"] as const;

/**
 * The project as `docker stack deploy` would create it: networks are overlays unless the file says otherwise, and every service is one
 * of the swarm.
 *
 * @throws SimulationError at the key for what a swarm cannot have.
 */
export function stackOf(project: ComposeProject, notices: Notices): Stack {
  return { networks: stackNetworks(project, notices), services: stackServices(project, notices) };
}

/** Those that its services are on. */
export function stackNetworks(project: ComposeProject, notices: Notices): NetworkSpec[] {
  const used = [...new Set(project.services.flatMap((service) => networksOf(service, project).map(({ network }) => network)))];
  const order = [...project.networks.filter((network) => used.includes(network)), ...used.filter((network) => !project.networks.includes(network))];
  return order.filter((network) => predefined(network) === undefined).map((network) => networkOf(network, project, notices));
}

export function stackServices(project: ComposeProject, notices: Notices): SwarmServiceSpec[] {
  for (const service of project.services) reportIgnored(service, project, notices);
  return project.services.map((service) => serviceOf(service, networksOf(service, project), project, notices));
}

interface Joined {
  readonly network: ComposeNetwork;
  readonly aliases: readonly string[];
}

/** In the order of their names; `network_mode` is ignored, so a service with one is on the default network. */
function networksOf(service: ComposeService, project: ComposeProject): Joined[] {
  const joined = service.networks.flatMap(({ network: key, aliases }) => project.networks.filter((network) => network.key === key).map((network) => ({ network, aliases })));
  if (joined.length === 0) {
    const network = project.networks.find(({ key }) => key === "default") ?? implicitDefault(project.name);
    return [{ network, aliases: [] }];
  }
  return joined.sort((a, b) => (a.network.name < b.network.name ? -1 : 1));
}

/** Networks of each node that services can have. */
function predefined({ external, name }: ComposeNetwork): "bridge" | "host" | undefined {
  return external && (name === "bridge" || name === "host") ? name : undefined;
}

function networkOf(network: ComposeNetwork, project: ComposeProject, notices: Notices): NetworkSpec {
  const at = (...path: (string | number)[]) => project.place("networks", network.key, ...path);
  const driver = network.driver ?? "overlay";
  if (network.external) notices.add("ignored", at("external"), "the external network is created as an overlay network of its own");
  const ipam = network.ipam.config.flatMap(({ subnet, gateway, ipRange, auxAddresses, place }) => {
    if (subnet === undefined && gateway === undefined && ipRange === undefined) return [];
    return [{ ...(subnet !== undefined && { subnet }), ...(gateway !== undefined && { gateway }), ...(ipRange !== undefined && { ipRange }), auxAddresses, ...positioned(place) }];
  });
  return {
    name: network.name,
    driver,
    ipam,
    internal: network.internal,
    options: network.driverOptions,
    attachable: network.attachable,
    labels: { ...network.labels, [NAMESPACE_LABEL]: project.name },
    ...positioned(network.place),
  };
}

function serviceOf(service: ComposeService, networks: readonly Joined[], project: ComposeProject, notices: Notices): SwarmServiceSpec {
  const { deploy } = service;
  const at = (...path: (string | number)[]) => project.place("services", service.name, ...path);
  const image = service.image ?? service.name;
  const exposed = service.expose.map(({ from, to, protocol }) => ({ from, to, protocol }));
  // What has no value goes to the managers by its name alone (docker/cli cli/compose/convert: convertEnvironment).
  const environment = Object.entries(service.environment).map(([key, value]) => (value === null ? key : `${key}=${value}`));
  if (Object.keys(service.sysctls).some((name) => name.startsWith("net."))) notices.add("not-simulated", at("sysctls"), "settings of the kernel in tasks keep their default");
  return {
    name: `${project.name}_${service.name}`,
    ...modeOf(service, project),
    endpointMode: deploy.endpointMode,
    ports: service.ports.map((port) => portOf(port, notices)),
    networks: networks.map(({ network, aliases }) => ({ network: predefined(network) ?? network.name, aliases: [...new Set([...aliases, service.name])] })),
    labels: { ...deploy.labels, [IMAGE_LABEL]: image, [NAMESPACE_LABEL]: project.name },
    container: {
      image: { name: image.includes(":") ? image : `${image}:latest`, expose: [], env: [], labels: {}, command: [] },
      env: environment,
      labels: { ...service.labels, [NAMESPACE_LABEL]: project.name },
      expose: exposed,
      ...(service.hostname !== undefined && { hostname: service.hostname }),
      ...(service.capAdd.length > 0 && { capAdd: service.capAdd }),
      ...(service.dns.length > 0 && { dns: service.dns }),
      ...(service.dnsSearch.length > 0 && { dnsSearch: service.dnsSearch }),
      ...(service.dnsOptions.length > 0 && { dnsOptions: service.dnsOptions }),
      ...(service.extraHosts.length > 0 && { extraHosts: service.extraHosts.flatMap(({ host, addresses }) => addresses.map((address) => ({ name: host, address }))) }),
    },
    ...rulesOf(service),
    ...positioned(service.place),
  };
}

/** docker/cli cli/compose/convert/service.go: convertDeployMode. */
function modeOf({ name, deploy, containers }: ComposeService, project: ComposeProject): Pick<SwarmServiceSpec, "replicas" | "job"> {
  const at = (key: string) => project.place("services", name, "deploy", key);
  const isJob = deploy.mode === "replicated-job" || deploy.mode === "global-job";
  if (deploy.mode === "global" || deploy.mode === "global-job") {
    if (deploy.replicas !== undefined) reject(at("replicas"), `service ${name}: replicas can only be used with replicated mode`);
    return { replicas: undefined, ...(isJob && { job: { maxConcurrent: 0 } }) };
  }
  if (deploy.mode !== "replicated" && !isJob) reject(at("mode"), `service ${name}: Unknown mode: ${deploy.mode}`);
  return { replicas: containers.length, ...(isJob && { job: { maxConcurrent: 0 } }) };
}

function reject(place: Place, message: string): never {
  throw placed(place, message);
}

function portOf({ target, protocol, published, hostIp, mode, place }: PublishedPort, notices: Notices): SwarmServiceSpec["ports"][number] {
  if (hostIp !== undefined) notices.add("ignored", place, `services are published on all addresses of a node, so ${hostIp} is left out`);
  if (published !== undefined && published.from !== published.to) throw placed(place, "expected one published port for each port of a service's tasks, found a range");
  return { target, protocol, published: published?.from ?? 0, mode };
}

function rulesOf({ deploy, restart }: ComposeService): Partial<SwarmServiceSpec> {
  const { placement, updateConfig, rollbackConfig, restartPolicy, limits, reservations } = deploy;
  const places = {
    ...(placement.constraints.length > 0 && { constraints: placement.constraints }),
    ...(placement.spread.length > 0 && { preferences: placement.spread }),
    ...(placement.maxReplicasPerNode !== undefined && { maxPerNode: placement.maxReplicasPerNode }),
  };
  const restarts = restartPolicy ? restartRules(restartPolicy) : legacyRestart(restart);
  return {
    ...(Object.keys(places).length > 0 && { placement: places }),
    ...(restarts && { restart: restarts }),
    ...(updateConfig && { update: updateRules(updateConfig) }),
    ...(rollbackConfig && { rollback: updateRules(rollbackConfig) }),
    ...(limits && { limits: amounts(limits) }),
    ...(reservations && { reservations: amounts(reservations) }),
  };
}

function restartRules({ condition, delayNs, maxAttempts, windowNs }: NonNullable<ComposeService["deploy"]["restartPolicy"]>): NonNullable<SwarmServiceSpec["restart"]> {
  return {
    ...(condition !== undefined && { condition }),
    ...(delayNs !== undefined && { delay: delayNs }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(windowNs !== undefined && { window: windowNs }),
  };
}

/** `restart`, where `deploy.restart_policy` does not say (docker/cli cli/compose/convert/service.go: convertRestartPolicy). */
function legacyRestart(text: string | undefined): SwarmServiceSpec["restart"] {
  const [, attempts] = /^on-failure(?::(\d+))?$/.exec(text ?? "") ?? [];
  if (text?.startsWith("on-failure")) return { condition: "on-failure", ...(attempts !== undefined && { maxAttempts: Number(attempts) }) };
  return text === "always" || text === "unless-stopped" ? { condition: "any" } : undefined;
}

function updateRules({ parallelism, delayNs, monitorNs, failureAction, maxFailureRatio, order }: UpdateRules): NonNullable<SwarmServiceSpec["update"]> {
  return {
    ...(parallelism !== undefined && { parallelism }),
    ...(delayNs !== undefined && { delay: delayNs }),
    ...(monitorNs !== undefined && { monitor: monitorNs }),
    ...(failureAction !== undefined && { failureAction }),
    ...(maxFailureRatio !== undefined && { maxFailureRatio }),
    ...(order !== undefined && { order }),
  };
}

function amounts({ cpus, memoryBytes, pids }: ResourceAmounts): NonNullable<SwarmServiceSpec["limits"]> {
  return { ...(cpus !== undefined && { nanoCpus: Math.round(cpus * 1e9) }), ...(memoryBytes !== undefined && { memoryBytes }), ...(pids !== undefined && { pids }) };
}

/** Those of the keys that `docker stack deploy` says it ignores which the file has, in the order of their names. */
export function ignoredKeys(project: ComposeProject): { readonly unsupported: string[]; readonly deprecated: string[] } {
  const found = IGNORED.filter((key) => project.services.some(({ name }) => project.has("services", name, key)));
  return { unsupported: found.filter((key) => !DEPRECATED.includes(key)), deprecated: found.filter((key) => DEPRECATED.includes(key)) };
}

function reportIgnored(service: ComposeService, project: ComposeProject, notices: Notices): void {
  for (const key of IGNORED) {
    const place = project.place("services", service.name, key);
    if (project.has("services", service.name, key)) notices.add("ignored", place, "docker stack deploy ignores it", `stack services.*.${key}`);
  }
  for (const { network } of service.networks) {
    for (const key of IGNORED_ON_NETWORKS) {
      const place = project.place("services", service.name, "networks", network, key);
      if (project.has("services", service.name, "networks", network, key)) notices.add("ignored", place, "docker stack deploy ignores it", `stack services.*.networks.*.${key}`);
    }
  }
}

function positioned({ position }: Place): Pick<NetworkSpec, "position"> {
  return position ? { position } : {};
}
