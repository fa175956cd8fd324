import type { PlacementRules, ServicePort, ServiceSpec } from "../../model/swarm/service-spec";
import { placementOf } from "../../model/swarm/service-spec";
import type { Call } from "../command";
import { splitPair, type FlagSpec } from "../flags";
import { parseUnsigned } from "../go";
import { Failure } from "../outcome";
import { readEnvironment, readLabel } from "../values";
import { splitWords } from "../words";
import { others } from "./other-flags";
import { checkPort, endpointModeOf, imageOfService, readNetwork, readNetworkText, readPort } from "./service-flags";
import { policyOf, POLICY_FLAGS, readFileReference, readPreferenceOf, resourcesOf, restartOf } from "./service-policies";

const MOST_REPLICAS = 2 ** 53;

function readCount(text: string): string {
  parseUnsigned(text, MOST_REPLICAS);
  return text;
}

/** docker/cli cli/command/service/update.go. */
export const UPDATE_FLAGS: readonly FlagSpec[] = [
  { name: "args", kind: "text" },
  { name: "cap-add", kind: "list" },
  { name: "config-add", kind: "list" },
  { name: "config-rm", kind: "list" },
  { name: "constraint-add", kind: "list" },
  { name: "constraint-rm", kind: "list" },
  { name: "container-label-add", kind: "list", read: readLabel },
  { name: "container-label-rm", kind: "list" },
  { name: "detach", short: "d", kind: "switch" },
  { name: "endpoint-mode", kind: "text" },
  { name: "env-add", kind: "list", read: readEnvironment },
  { name: "env-rm", kind: "list" },
  { name: "force", kind: "switch" },
  { name: "hostname", kind: "text" },
  { name: "image", kind: "text" },
  { name: "label-add", kind: "list", read: readLabel },
  { name: "label-rm", kind: "list" },
  { name: "max-concurrent", kind: "text", read: readCount },
  { name: "network-add", kind: "list", read: readNetworkText },
  { name: "network-rm", kind: "list" },
  { name: "no-resolve-image", kind: "switch" },
  { name: "placement-pref-add", kind: "list", read: readPreferenceOf },
  { name: "placement-pref-rm", kind: "list", read: readPreferenceOf },
  { name: "publish-add", kind: "list", read: checkPort },
  { name: "publish-rm", kind: "list" },
  { name: "quiet", short: "q", kind: "switch" },
  { name: "replicas", kind: "text", read: readCount },
  { name: "rollback", kind: "switch" },
  { name: "secret-add", kind: "list" },
  { name: "secret-rm", kind: "list" },
  { name: "with-registry-auth", kind: "switch" },
  ...POLICY_FLAGS,
  ...others("dns-add", "dns-rm", "dns-option-add", "dns-option-rm", "dns-search-add", "dns-search-rm", "entrypoint", "host-add", "host-rm", "mount-add", "mount-rm", "read-only", "stop-grace-period", "sysctl-add", "sysctl-rm", "tty", "user", "workdir"),
];

/** The service as the flags want it. */
export function changedService(call: Call, spec: ServiceSpec): ServiceSpec {
  const { flags, images } = call;
  const mode = endpointModeOf(flags);
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
      ...(flags.has("cap-add") && { capAdd: [...(container.capAdd ?? []), ...flags.all("cap-add")] }),
    },
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

/** Pairs with some set and some taken away. */
function changed(before: readonly (readonly [string, string])[], added: readonly string[], removed: readonly string[]): [string, string][] {
  const pairs = new Map(before);
  for (const key of removed) pairs.delete(key);
  for (const text of added) pairs.set(...splitPair(text));
  return [...pairs];
}

function changedMode({ flags }: Call, { replicas, job }: ServiceSpec): Pick<Partial<ServiceSpec>, "replicas" | "job"> {
  if (flags.has("replicas") && replicas === undefined) throw new Failure("replicas can only be used with replicated mode");
  if (flags.has("max-concurrent") && (!job || replicas === undefined)) throw new Failure("max-concurrent can only be used with replicated-job mode");
  return {
    ...(flags.has("replicas") && { replicas: Number(flags.text("replicas")) }),
    ...(flags.has("max-concurrent") && { job: { maxConcurrent: Number(flags.text("max-concurrent")) } }),
  };
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
  const files = [...before.filter(({ name }) => !removed.includes(name)), ...flags.all(`${kind}-add`).map((text) => readFileReference(call, kind, text))];
  return kind === "secret" ? { secrets: files } : { configs: files };
}
