import type { PlacementRules, ServicePort, ServiceSpec } from "../../model/swarm/service-spec";
import { placementOf } from "../../model/swarm/service-spec";
import type { Call } from "../command";
import { changeFlags, splitPair, type FlagSpec, type FlagValues } from "../flags";
import { Failure } from "../outcome";
import { readDnsSearch, readDnsServer, readEnvironment, readExtraHost, readLabel, readSysctl } from "../values";
import { splitWords } from "../words";
import { others } from "./other-flags";
import { capabilityName, changedList, changedProcess, PROCESS_CHANGES } from "./process-flags";
import { PORT_READERS, readPort } from "./port-flag";
import { endpointModeOf, hostOf, imageOfService, readCount, readNetwork, readNetworkText } from "./service-flags";
import { checkFileReference, policyOf, POLICY_FLAGS, readFileReferences, readPreferenceOf, resourcesOf, restartOf } from "./service-policies";

/** docker/cli cli/command/service/update.go. */
export const UPDATE_FLAGS: readonly FlagSpec[] = [
  { name: "args", kind: "text" },
  { name: "cap-add", kind: "list" },
  ...changeFlags("config", checkFileReference("config")),
  ...changeFlags("constraint"),
  ...changeFlags("container-label", readLabel),
  { name: "detach", short: "d", kind: "switch" },
  ...changeFlags("dns", readDnsServer),
  ...changeFlags("dns-option"),
  ...changeFlags("dns-search", readDnsSearch),
  { name: "endpoint-mode", kind: "text" },
  ...changeFlags("env", readEnvironment),
  { name: "force", kind: "switch" },
  ...changeFlags("host", readExtraHost),
  { name: "hostname", kind: "text" },
  { name: "image", kind: "text" },
  ...changeFlags("label", readLabel),
  { name: "max-concurrent", kind: "text", read: readCount },
  ...changeFlags("network", readNetworkText),
  { name: "no-resolve-image", kind: "switch" },
  { name: "placement-pref-add", kind: "list", read: readPreferenceOf },
  { name: "placement-pref-rm", kind: "list", read: readPreferenceOf },
  { name: "publish-add", kind: "list", ...PORT_READERS },
  { name: "publish-rm", kind: "list" },
  { name: "quiet", short: "q", kind: "switch" },
  { name: "replicas", kind: "text", read: readCount },
  { name: "rollback", kind: "switch" },
  ...changeFlags("secret", checkFileReference("secret")),
  ...changeFlags("sysctl", readSysctl),
  { name: "with-registry-auth", kind: "switch" },
  ...POLICY_FLAGS,
  ...PROCESS_CHANGES,
  ...others("credential-spec", "generic-resource-add", "generic-resource-rm", "isolation"),
];

/** The service as the flags want it. */
export function changedService(call: Call, spec: ServiceSpec): ServiceSpec {
  const { flags, images } = call;
  const mode = endpointModeOf(flags);
  const process = changedProcess(flags, spec.process);
  const [restart, update, rollback] = [restartOf(flags, spec.restart), policyOf(flags, "update", spec.update), policyOf(flags, "rollback", spec.rollback)];
  const [limits, reservations, placement] = [resourcesOf(flags, "limit", spec.limits), resourcesOf(flags, "reserve", spec.reservations), changedPlacement(call, spec)];
  const { container } = spec;
  const env = changed((container.env ?? []).map((text) => splitPair(text)), flags.all("env-add"), flags.all("env-rm")).map(([key, value]) => `${key}=${value}`);
  return {
    ...spec,
    ...changedMode(call, spec),
    ...(mode && { endpointMode: mode }),
    labels: Object.fromEntries(changed(Object.entries(spec.labels), flags.all("label-add"), flags.all("label-rm"))),
    ports: changedPorts(call, spec.ports),
    networks: changedNetworks(call, spec),
    container: {
      ...container,
      env,
      labels: Object.fromEntries(changed(Object.entries(container.labels ?? {}), flags.all("container-label-add"), flags.all("container-label-rm"))),
      ...(flags.has("image") && { image: imageOfService(images, flags.text("image")) }),
      ...(flags.has("args") && { command: splitWords(flags.text("args")) }),
      ...(flags.has("hostname") && { hostname: flags.text("hostname") }),
      ...changedCapabilities(call, container),
      ...changedNames(call, container),
    },
    ...(process && { process }),
    ...(restart && { restart }),
    ...(update && { update }),
    ...(rollback && { rollback }),
    ...(placement && { placement }),
    ...(limits && { limits }),
    ...(reservations && { reservations }),
    ...changedFiles(call, spec, "secret"),
    ...changedFiles(call, spec, "config"),
    ...(flags.on("force") && { forced: (spec.forced ?? 0) + 1 }),
  };
}

type ContainerPart = ServiceSpec["container"];

/** What is dropped is no longer added, unless the same line adds it. */
function changedCapabilities({ flags }: Call, { capAdd = [] }: ContainerPart): Pick<ContainerPart, "capAdd"> {
  if (!flags.has("cap-add") && !flags.has("cap-drop")) return {};
  const dropped = flags.all("cap-drop").map(capabilityName);
  const kept = capAdd.map(capabilityName).filter((name) => !dropped.includes(name));
  return { capAdd: changedList(kept, flags.all("cap-add").map(capabilityName), []) };
}

/** What its containers know of names and of the kernel. */
function changedNames({ flags }: Call, { dns = [], dnsSearch = [], dnsOptions = [], extraHosts = [], sysctls = {} }: ContainerPart): ContainerPart {
  const touches = (name: string) => flags.has(`${name}-add`) || flags.has(`${name}-rm`);
  const list = (name: string, before: readonly string[]) => changedList(before, flags.all(`${name}-add`), flags.all(`${name}-rm`));
  return {
    ...(touches("dns") && { dns: list("dns", dns) }),
    ...(touches("dns-search") && { dnsSearch: list("dns-search", dnsSearch) }),
    ...(touches("dns-option") && { dnsOptions: list("dns-option", dnsOptions) }),
    ...(touches("host") && { extraHosts: changedHosts(flags, extraHosts) }),
    ...(touches("sysctl") && { sysctls: Object.fromEntries(changed(Object.entries(sysctls), flags.all("sysctl-add"), flags.all("sysctl-rm"))) }),
  };
}

/** `--host-rm` names a host, or a host and its address. */
function changedHosts(flags: FlagValues, before: NonNullable<ContainerPart["extraHosts"]>): NonNullable<ContainerPart["extraHosts"]> {
  const removed = flags.all("host-rm");
  const kept = before.filter(({ name, address }) => !removed.includes(name) && !removed.includes(`${name}:${address}`));
  const added = flags.all("host-add").map(hostOf).filter(({ name, address }) => !kept.some((other) => other.name === name && other.address === address));
  return [...kept, ...added];
}

/** Pairs with some set and some taken away. */
function changed(before: readonly (readonly [string, string])[], added: readonly string[], removed: readonly string[]): [string, string][] {
  const pairs = new Map(before);
  for (const key of removed) pairs.delete(key);
  for (const text of added) pairs.set(...splitPair(text));
  return [...pairs];
}

function changedMode({ flags }: Call, { replicas, job }: ServiceSpec): Pick<Partial<ServiceSpec>, "replicas"> {
  if (flags.has("replicas") && (job !== undefined || replicas === undefined)) throw new Failure("replicas can only be used with replicated mode");
  // The client takes --max-concurrent, and does nothing with it.
  return flags.has("replicas") ? { replicas: Number(flags.text("replicas")) } : {};
}

function changedPorts({ flags }: Call, before: readonly ServicePort[]): ServicePort[] {
  const removed = flags.all("publish-rm").flatMap(readPort);
  const added = flags.all("publish-add").flatMap(readPort);
  const isSame = (a: ServicePort) => (b: ServicePort) => a.target === b.target && a.published === b.published && a.protocol === b.protocol && a.mode === b.mode;
  const kept = before.filter((port) => !removed.some(({ target, protocol }) => port.target === target && port.protocol === protocol));
  return [...kept, ...added.filter((port) => !kept.some(isSame(port)))];
}

function changedNetworks(call: Call, { networks }: ServiceSpec): ServiceSpec["networks"] {
  const { flags, daemon } = call;
  const without = new Set(flags.all("network-rm").map((text) => readNetwork(call, text).network));
  const kept = networks.filter(({ network }) => !without.has(network));
  const added = flags.all("network-add").map((text) => readNetwork(call, text));
  for (const { network } of added) {
    if (kept.some((other) => other.network === network)) throw new Failure(`service is already attached to network ${daemon.findNetwork(network).name}`);
  }
  return [...kept, ...added];
}

function changedPlacement({ flags }: Call, spec: ServiceSpec): Partial<PlacementRules> | undefined {
  const names = ["constraint-add", "constraint-rm", "placement-pref-add", "placement-pref-rm", "replicas-max-per-node"];
  if (!names.some((name) => flags.has(name))) return spec.placement;
  const before = placementOf(spec);
  const without = (list: readonly string[], removed: readonly string[], added: readonly string[]) => [...list.filter((text) => !removed.includes(text) && !added.includes(text)), ...added];
  return {
    constraints: without(before.constraints, flags.all("constraint-rm"), flags.all("constraint-add")),
    preferences: without(before.preferences, flags.all("placement-pref-rm"), flags.all("placement-pref-add")),
    maxPerNode: flags.has("replicas-max-per-node") ? Number(flags.text("replicas-max-per-node")) : before.maxPerNode,
  };
}

function changedFiles(call: Call, spec: ServiceSpec, kind: "secret" | "config"): Pick<Partial<ServiceSpec>, "secrets" | "configs"> {
  const { flags } = call;
  if (!flags.has(`${kind}-add`) && !flags.has(`${kind}-rm`)) return {};
  const removed = flags.all(`${kind}-rm`);
  const before = (kind === "secret" ? spec.secrets : spec.configs) ?? [];
  const files = [...before.filter(({ name }) => !removed.includes(name)), ...readFileReferences(call, kind, flags.all(`${kind}-add`))];
  return kind === "secret" ? { secrets: files } : { configs: files };
}
